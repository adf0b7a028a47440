import type { Database } from '../../data/database.ts';

/** So many are deleted in one statement: the embedded database has one connection. */
const postingsPerStatement = 5_000;
const chunksPerStatement = 100;
/** On a server a chunk that has been staged for so long is no ingest's any more. */
const abandonedAfter = '1 hour';

/** Removes staged chunks of a document with everything derived, and the document if it has come to nothing. */
export async function removeStagedChunks(
  database: Database,
  documentId: string,
  chunkIds: readonly string[],
): Promise<void> {
  if (chunkIds.length > 0) {
    // By terms, since the index is by document and term: by chunks every statement would read all of its postings.
    const terms = await database.query<{ term: string; postings: number }>(
      `SELECT "term", count(*)::int AS postings FROM "Posting" WHERE "documentId" = $1 GROUP BY "term"`,
      [documentId],
    );
    for (const group of groupTerms(terms))
      await database.query(
        `DELETE FROM "Posting" WHERE "documentId" = $1 AND "term" = ANY ($2::text[]) AND "chunkId" = ANY ($3::uuid[])`,
        [documentId, group, chunkIds],
      );
    for (let from = 0; from < chunkIds.length; from += chunksPerStatement)
      await database.query(`DELETE FROM "Chunk" WHERE "id" = ANY ($1::uuid[]) AND "staged"`, [
        chunkIds.slice(from, from + chunksPerStatement),
      ]);
  }
  await database.query(
    `DELETE FROM "Document" d WHERE "id" = $1 AND "contentHash" = ''
       AND NOT EXISTS (SELECT 1 FROM "Chunk" c WHERE c."documentId" = d."id")`,
    [documentId],
  );
}

function groupTerms(terms: readonly { term: string; postings: number }[]): string[][] {
  const groups: string[][] = [];
  let room = 0;
  for (const { term, postings } of terms) {
    if (postings > room || groups.length === 0) {
      groups.push([]);
      room = postingsPerStatement;
    }
    groups.at(-1)!.push(term);
    room -= postings;
  }
  return groups;
}

/** Removes what ingests have left that a dead process never ended. */
export async function removeAbandonedChunks(database: Database): Promise<void> {
  // An id begins with the milliseconds at which it was made. The embedded database has no process but this one.
  const age = database.kind === 'embedded' ? '0' : abandonedAfter;
  const rows = await database.query<{ documentId: string; ids: string[] }>(
    `SELECT "documentId", array_agg("id") AS ids FROM "Chunk"
     WHERE "staged" AND ('x' || translate(left("id"::text, 13), '-', ''))::bit(48)::bigint
       <= extract(epoch FROM now() - $1::interval) * 1000
     GROUP BY "documentId"`,
    [age],
  );
  for (const { documentId, ids } of rows) await removeStagedChunks(database, documentId, ids);
}
