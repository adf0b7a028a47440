import { isDeepStrictEqual } from 'node:util';
import type { Queryable } from '../../data/database.ts';
import { newId } from '../../data/new-id.ts';
import { DomainError } from '../../kernel/errors.ts';
import {
  addChunks,
  addVectors,
  type ChunkTarget,
  collectChanges,
  moveChunks,
  readChunks,
} from './chunk-rows.ts';
import type { PreparedDocument } from './prepare-document.ts';

export interface StoredDocument {
  id: string;
  source: string;
  outcome: 'created' | 'updated' | 'unchanged';
  /** At most so many of its chunks were written. */
  written: number;
}

/** The collection has another embedder by now than the one whose vectors were to be stored. */
export class EmbedderChanged extends Error {
  readonly embedder: string;

  constructor(embedder: string) {
    super(`the collection is embedded by ${embedder} now`);
    this.embedder = embedder;
  }
}

interface LockedRow {
  id: string;
  source: string;
  contentHash: string;
  readers: string[] | null;
}

/** Is the document stored as it is to be? */
export const isStored = (
  { contentHash, readers }: Pick<LockedRow, 'contentHash' | 'readers'>,
  document: PreparedDocument,
): boolean =>
  contentHash === document.contentHash &&
  (document.readers === undefined || isDeepStrictEqual(readers, document.readers));

/**
 * Stores documents, new or in place of what had their sources, within the caller's transaction. Their rows are locked in
 * the order of their sources, so ingests of the same ones queue up and each ends as a whole. Chunks whose content hash
 * was there before keep their row, vector and postings.
 */
export async function storeDocuments(
  transaction: Queryable,
  documents: PreparedDocument[],
  target: ChunkTarget,
): Promise<StoredDocument[]> {
  await checkEmbedder(transaction, target);
  const locked = await lockDocuments(transaction, documents, target.collectionId);
  const changed = documents.filter((document) => !isStored(locked.get(document.source)!, document));
  const complete = await hasAllVectors(transaction, [...locked.values()], target.embedder);
  const affected = complete ? changed : documents;
  if (affected.length > 0) {
    const ids = affected.map((document) => locked.get(document.source)!.id);
    const before = await readChunks(transaction, ids, target.embedder);
    const changes = collectChanges(affected, (source) => locked.get(source)!.id, before);
    await removeChunks(transaction, ids, changes.removed);
    await moveChunks(transaction, changes.moved);
    await addChunks(transaction, changes.added, { ...target, staged: false });
    await addVectors(transaction, changes.unembedded, target);
    await writeDocuments(transaction, changed, (source) => locked.get(source)!.id);
  }
  return documents.map((document) => {
    const { source, chunks } = document;
    const { id, contentHash } = locked.get(source)!;
    if (!changed.includes(document)) return { id, source, outcome: 'unchanged', written: 0 };
    const outcome = contentHash === '' ? 'created' : 'updated';
    return { id, source, outcome, written: chunks.length };
  });
}

/** New documents get a row with an empty hash, which no content has. */
export async function lockDocuments(
  transaction: Queryable,
  documents: readonly PreparedDocument[],
  collectionId: string,
): Promise<Map<string, LockedRow>> {
  const rows = await transaction.query<LockedRow>(
    `INSERT INTO "Document" ("id", "collectionId", "source", "text", "contentHash")
     SELECT id, $1, source, '', '' FROM unnest($2::uuid[], $3::text[]) AS input (id, source)
     ORDER BY source COLLATE "C"
     ON CONFLICT ("collectionId", "source") DO UPDATE SET "source" = EXCLUDED."source"
     RETURNING "id", "source", "contentHash", "readers"`,
    [collectionId, documents.map(() => newId()), documents.map(({ source }) => source)],
  );
  return new Map(rows.map((row) => [row.source, row]));
}

async function hasAllVectors(
  transaction: Queryable,
  locked: LockedRow[],
  embedder: string,
): Promise<boolean> {
  const known = locked.filter(({ contentHash }) => contentHash !== '').map(({ id }) => id);
  if (known.length === 0) return true;
  const rows = await transaction.query<{ id: string }>(
    `SELECT c."id" FROM "Chunk" c WHERE c."documentId" = ANY ($1::uuid[]) AND NOT c."staged" AND NOT EXISTS
      (SELECT 1 FROM "ChunkEmbedding" e WHERE e."chunkId" = c."id" AND e."embedder" = $2) LIMIT 1`,
    [known, embedder],
  );
  return rows.length === 0;
}

/**
 * The collection keeps its embedder until the transaction's end. Rejects with `EmbedderChanged`, and with
 * COLLECTION_NOT_FOUND when somebody has deleted it.
 */
export async function checkEmbedder(
  transaction: Queryable,
  target: Pick<ChunkTarget, 'collectionId' | 'embedder'>,
): Promise<void> {
  const [row] = await transaction.query<{ embedder: string }>(
    `SELECT "embedder" FROM "Collection" WHERE "id" = $1 FOR SHARE`,
    [target.collectionId],
  );
  if (!row) {
    const what = 'The collection was deleted while this was stored: ingest again to make it anew.';
    throw new DomainError('COLLECTION_NOT_FOUND', what);
  }
  if (row.embedder !== target.embedder) throw new EmbedderChanged(row.embedder);
}

async function removeChunks(
  transaction: Queryable,
  documentIds: readonly string[],
  chunkIds: readonly string[],
): Promise<void> {
  if (chunkIds.length === 0) return;
  await transaction.query(
    `DELETE FROM "Posting" WHERE "documentId" = ANY ($1::uuid[]) AND "chunkId" = ANY ($2::uuid[])`,
    [documentIds, chunkIds],
  );
  await transaction.query(`DELETE FROM "Chunk" WHERE "id" = ANY ($1::uuid[])`, [chunkIds]);
}

/** Their chunks are there by now. */
export async function writeDocuments(
  transaction: Queryable,
  documents: readonly PreparedDocument[],
  idOf: (source: string) => string,
): Promise<void> {
  if (documents.length === 0) return;
  const rows = documents.map(({ source, title, text, metadata, contentHash, readers }) => {
    const setsReaders = readers !== undefined;
    return { id: idOf(source), title, text, metadata, contentHash, readers, setsReaders };
  });
  await transaction.query(
    `UPDATE "Document" d SET "title" = i."title", "text" = i."text", "metadata" = i."metadata",
       "contentHash" = i."contentHash", "updatedAt" = now(),
       "readers" = CASE WHEN i."setsReaders" THEN i."readers" ELSE d."readers" END,
       "termCount" = (SELECT COALESCE(sum("termCount"), 0) FROM "Chunk" c
         WHERE c."documentId" = d."id" AND NOT c."staged")
     FROM jsonb_to_recordset($1::jsonb) AS i ("id" uuid, "title" text, "text" text, "metadata" jsonb, "contentHash" text,
       "readers" text[], "setsReaders" boolean)
     WHERE d."id" = i."id"`,
    [JSON.stringify(rows)],
  );
}
