import type { Database } from '../../data/database.ts';
import type { Reader } from '../../kernel/access/readers.ts';
import { DomainError } from '../../kernel/errors.ts';
import type { DocumentRecord } from '../knowledge.ts';
import { checkMayWrite } from './collection-rights.ts';
import { readDocuments } from './document-records.ts';

interface OwnCollection {
  collectionId: string;
  name: string;
  readers: string[];
  writers: string[];
}

/**
 * Removes a document with everything derived. Postings have no foreign key: they go in the same transaction. Rejects with
 * NOT_FOUND for one that the caller may not read, and with FORBIDDEN.
 */
export async function deleteDocument(
  database: Database,
  id: string,
  by: Reader,
): Promise<{ record: DocumentRecord; collectionId: string }> {
  return database.transaction(async (transaction) => {
    const [record] = await readDocuments(transaction, [id], by);
    const [row] = record
      ? await transaction.query<OwnCollection>(
          `SELECT d."collectionId", c."name", c."readers", c."writers"
           FROM "Document" d JOIN "Collection" c ON c."id" = d."collectionId" WHERE d."id" = $1 FOR UPDATE OF d`,
          [id],
        )
      : [];
    if (!record || !row) throw new DomainError('NOT_FOUND', 'There is no such document.');
    checkMayWrite(row, by);
    await transaction.query(`DELETE FROM "Posting" WHERE "documentId" = $1`, [id]);
    await transaction.query(`DELETE FROM "Document" WHERE "id" = $1`, [id]);
    return { record, collectionId: row.collectionId };
  });
}
