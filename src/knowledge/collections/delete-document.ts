import type { Database } from '../../data/database.ts';
import { DomainError } from '../../kernel/errors.ts';
import type { DocumentRecord } from '../knowledge.ts';
import { readDocuments } from './document-records.ts';

/** Removes a document with everything derived. Postings have no foreign key: they go in the same transaction. */
export async function deleteDocument(
  database: Database,
  id: string,
): Promise<{ record: DocumentRecord; collectionId: string }> {
  return database.transaction(async (transaction) => {
    const [record] = await readDocuments(transaction, [id]);
    const [row] = record
      ? await transaction.query<{ collectionId: string }>(
          `SELECT "collectionId" FROM "Document" WHERE "id" = $1 FOR UPDATE`,
          [id],
        )
      : [];
    if (!record || !row) throw new DomainError('NOT_FOUND', 'There is no such document.');
    await transaction.query(`DELETE FROM "Posting" WHERE "documentId" = $1`, [id]);
    await transaction.query(`DELETE FROM "Document" WHERE "id" = $1`, [id]);
    return { record, collectionId: row.collectionId };
  });
}
