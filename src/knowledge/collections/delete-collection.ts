import type { Database } from '../../data/database.ts';
import { everything } from '../../kernel/access/readers.ts';
import type { CollectionRecord } from '../knowledge.ts';
import type { CollectionRow } from './collection-row.ts';
import { listCollections } from './document-records.ts';

/**
 * Removes a collection with everything in it; undefined when it is not there any more. An ingest under way is waited for,
 * document by document; what it still wants to store afterwards fails.
 */
export async function deleteCollection(
  database: Database,
  { name }: CollectionRow,
): Promise<CollectionRecord | undefined> {
  return database.transaction(async (transaction) => {
    await transaction.query(`SELECT 1 FROM "Collection" WHERE "name" = $1 FOR UPDATE`, [name]);
    const [collection] = await listCollections(transaction, everything, name);
    if (!collection) return undefined;
    // Chunks and vectors go with their documents. Postings have no foreign key, and go after the documents' rows.
    await transaction.query(`DELETE FROM "Document" WHERE "collectionId" = $1`, [collection.id]);
    await transaction.query(`DELETE FROM "Posting" WHERE "collectionId" = $1`, [collection.id]);
    await transaction.query(`DELETE FROM "Collection" WHERE "id" = $1`, [collection.id]);
    return collection;
  });
}
