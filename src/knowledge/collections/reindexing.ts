import { toSql } from 'pgvector';
import type { Database, Queryable } from '../../data/database.ts';
import type { Embedder } from '../../kernel/embedder.ts';
import type { Log } from '../../kernel/log.ts';
import { replacePostings } from '../ingest/chunk-postings.ts';
import { embeddingTextOf, indexTextsOf } from '../ingest/prepare-document.ts';
import { indexVersion, isOutdated } from '../terms/index-text.ts';

export interface Reindexing {
  /** Resolves when nothing is under way. */
  settled(): Promise<void>;
  /** Stops after the transaction that is under way: the next start goes on. */
  close(): Promise<void>;
}

interface ReindexingOptions {
  database: Database;
  /** The built-in embedder, whose vectors follow from the same words. */
  embedder: Embedder;
  log: Log;
  /** Called when chunks of a collection have been indexed again. */
  onReindexed(collectionId: string, chunks: number): Promise<void>;
}

interface OutdatedChunk {
  id: string;
  collectionId: string;
  documentId: string;
  ordinal: number;
  title: string | null;
  headingPath: string[];
  content: string;
  /** Has it a vector of the built-in embedder? */
  hashed: boolean;
}

const chunksPerPage = 200;
/** The embedded database has one connection: a search waits for a transaction. */
const chunksPerTransaction = 32;
/** A server of the former release may go on indexing by its own rules, and what failed is tried again. */
const pollMs = 600_000;

/**
 * Indexes again what an older release indexed by other rules: in the background, a few chunks at a time, from the stored
 * text. Texts that the rules leave as they were are only marked. No embedder is asked but the built-in one.
 */
export function createReindexing(options: ReindexingOptions): Reindexing {
  const { log } = options;
  const stop = new AbortController();
  let queue: Promise<void> = Promise.resolve();
  const wake = (): void => {
    queue = queue
      .then(() => reindex(options, stop.signal))
      .catch((error: unknown) => {
        if (!stop.signal.aborted) log.error({ err: error }, 'chunks were not indexed again');
      });
  };
  const timer = setInterval(wake, pollMs).unref();
  wake();
  return {
    settled: () => queue,
    async close() {
      clearInterval(timer);
      stop.abort(new Error('the knowledge service closes'));
      await queue;
    },
  };
}

async function reindex(options: ReindexingOptions, signal: AbortSignal): Promise<void> {
  const { database, log, onReindexed } = options;
  const started = performance.now();
  const reindexed = new Map<string, number>();
  for (let after: string | null = null; ; ) {
    signal.throwIfAborted();
    const page: OutdatedChunk[] = await readPage(database, options.embedder.name, after);
    if (page.length === 0) break;
    after = page.at(-1)!.id;
    const { outdated = [], current = [] } = Object.groupBy(page, (chunk) =>
      isOutdated(embeddingTextOf(chunk)) ? 'outdated' : 'current',
    );
    await markCurrent(database, current);
    for (const chunks of slicesByDocument(outdated)) {
      signal.throwIfAborted();
      const written = await replaceChunks(chunks, options);
      const { collectionId } = chunks[0]!;
      reindexed.set(collectionId, (reindexed.get(collectionId) ?? 0) + written);
    }
  }
  for (const [collectionId, chunks] of reindexed) {
    await onReindexed(collectionId, chunks);
    const ms = Math.round(performance.now() - started);
    log.info({ collectionId, chunks, ms }, 'indexed chunks again by the rules of this release');
  }
}

const readPage = (
  database: Database,
  embedder: string,
  after: string | null,
): Promise<OutdatedChunk[]> =>
  database.query<OutdatedChunk>(
    `SELECT c."id", c."collectionId", c."documentId", c."ordinal", d."title", c."headingPath", c."content",
       EXISTS (SELECT 1 FROM "ChunkEmbedding" e WHERE e."chunkId" = c."id" AND e."embedder" = $1) AS hashed
     FROM "Chunk" c JOIN "Document" d ON d."id" = c."documentId"
     WHERE c."indexVersion" < ${indexVersion} AND ($2::uuid IS NULL OR c."id" > $2)
     ORDER BY c."id" LIMIT ${chunksPerPage}`,
    [embedder, after],
  );

async function markCurrent(database: Queryable, chunks: readonly OutdatedChunk[]): Promise<void> {
  if (chunks.length === 0) return;
  await database.query(
    `UPDATE "Chunk" SET "indexVersion" = ${indexVersion} WHERE "id" = ANY ($1::uuid[])`,
    [chunks.map(({ id }) => id)],
  );
}

function* slicesByDocument(chunks: readonly OutdatedChunk[]): Generator<OutdatedChunk[]> {
  for (const ofOne of Map.groupBy(chunks, ({ documentId }) => documentId).values())
    for (let from = 0; from < ofOne.length; from += chunksPerTransaction)
      yield ofOne.slice(from, from + chunksPerTransaction);
}

/** Chunks of one document. Resolves with how many of them are still there. */
async function replaceChunks(
  chunks: readonly OutdatedChunk[],
  { database, embedder }: ReindexingOptions,
): Promise<number> {
  const { documentId, collectionId } = chunks[0]!;
  const hashed = chunks.filter((chunk) => chunk.hashed);
  const { vectors } = await embedder.embed(hashed.map(embeddingTextOf), { purpose: 'document' });
  return database.transaction(async (transaction) => {
    await transaction.query(`SELECT 1 FROM "Document" WHERE "id" = $1 FOR UPDATE`, [documentId]);
    const there = await transaction.query<{ id: string }>(
      `SELECT "id" FROM "Chunk" WHERE "id" = ANY ($1::uuid[]) AND "indexVersion" < ${indexVersion} FOR UPDATE`,
      [chunks.map(({ id }) => id)],
    );
    if (there.length === 0) return 0;
    const ids = new Set(there.map(({ id }) => id));
    const indexed = chunks
      .filter(({ id }) => ids.has(id))
      .map((chunk) => ({
        id: chunk.id,
        documentId,
        ...indexTextsOf({ ...chunk, first: chunk.ordinal === 0 }),
      }));
    await replacePostings(transaction, indexed, collectionId);
    await transaction.query(
      `UPDATE "ChunkEmbedding" e SET "embedding" = i.vector::vector, "awaitsIndex" = true
       FROM unnest($2::uuid[], $3::text[]) AS i (id, vector) WHERE e."chunkId" = i.id AND e."embedder" = $1`,
      [embedder.name, hashed.map(({ id }) => id), vectors.map((vector) => toSql(vector))],
    );
    // A latent space lacks them until it is fitted again: it knows other words.
    await transaction.query(
      `DELETE FROM "ChunkEmbedding" WHERE "chunkId" = ANY ($1::uuid[]) AND "embedder" LIKE 'latent:%'`,
      [[...ids]],
    );
    return indexed.length;
  });
}
