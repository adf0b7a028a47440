import { toSql } from 'pgvector';
import type { Database } from '../../data/database.ts';
import type { Embedder, MeterEmbedder } from '../../kernel/embedder.ts';
import type { Log } from '../../kernel/log.ts';
import { messageOf } from '../../kernel/message-of.ts';
import { embeddingTextOf } from '../ingest/prepare-document.ts';
import type { VectorIndexes } from './vector-index.ts';

export interface Reembedding {
  /** There may be something to do: looks at once, in the background. */
  wake(): void;
  /** Resolves when nothing is under way; what waits for an embedder that failed is left. */
  settled(): Promise<void>;
  /** Gives up what is under way: another server, or the next start, goes on with it. */
  close(): Promise<void>;
}

interface ReembeddingOptions {
  database: Database;
  /** Every embedder of this server. */
  embedders: ReadonlyMap<string, Embedder>;
  indexes: VectorIndexes;
  log: Log;
  /** Told when a collection has changed over. */
  onChanged(collectionId: string, embedder: Embedder): Promise<void>;
  /** Has the user pay who asked for the new embedder. */
  meterFor?: ((userId: string) => MeterEmbedder) | undefined;
}

/** A collection that this server works on. */
interface Task {
  id: string;
  name: string;
  nextEmbedder: string | null;
  nextRequestedBy: string | null;
  staleVectors: boolean;
}

const chunksPerBatch = 64;
const leaseMs = 120_000;
/** What another server left, or an embedder that failed, is looked at again after this long. */
const pollMs = 60_000;
/** Searches that began before a collection changed over may still read its former vectors. */
const keepFormerMs = 10_000;

/**
 * Gives collections their next embedder: makes the missing vectors batch by batch while the former ones serve, changes
 * the collection over in one transaction, and removes what no longer serves. One server at a time works on a collection
 * (a lease in its row); whatever stops it, the vectors made so far are kept and another goes on.
 */
export function createReembedding(options: ReembeddingOptions): Reembedding {
  const { database, log } = options;
  const stop = new AbortController();
  let queue: Promise<void> = Promise.resolve();
  const work = async (task: Task): Promise<void> => {
    let leaveForMs = 0;
    try {
      if (task.staleVectors) await removeStaleVectors(database, task.id, stop.signal);
      if (await embedAnew(task, options, stop.signal)) {
        leaveForMs = keepFormerMs;
        setTimeout(wake, keepFormerMs + 100).unref();
      }
    } catch (error) {
      if (stop.signal.aborted) return;
      leaveForMs = pollMs;
      log.warn({ err: error, collection: task.name }, 'a collection is not embedded anew yet');
      await noteProblem(database, task.id, error);
    } finally {
      await leaveFor(database, task.id, leaveForMs);
    }
  };
  const workAll = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      const task = await takeTask(options);
      if (!task) return;
      await work(task);
    }
  };
  const wake = (): void => {
    queue = queue.then(workAll).catch((error: unknown) => {
      if (!stop.signal.aborted) log.error({ err: error }, 'embedding collections anew failed');
    });
  };
  const timer = setInterval(wake, pollMs).unref();
  wake();
  return {
    wake,
    settled: () => queue,
    async close() {
      clearInterval(timer);
      stop.abort(new Error('the knowledge room closes'));
      await queue;
    },
  };
}

/** Leases a collection that has work for this server. */
async function takeTask({ database, embedders }: ReembeddingOptions): Promise<Task | undefined> {
  const [task] = await database.query<Task>(
    `UPDATE "Collection" SET "reembedLeaseUntil" = now() + $2 * interval '1 millisecond'
     WHERE "id" = (
       SELECT "id" FROM "Collection" WHERE ("nextEmbedder" = ANY ($1::text[]) OR "staleVectors")
         AND ("reembedLeaseUntil" IS NULL OR "reembedLeaseUntil" < now())
       ORDER BY "id" LIMIT 1 FOR UPDATE SKIP LOCKED)
     RETURNING "id", "name", "nextEmbedder", "nextRequestedBy", "staleVectors"`,
    [[...embedders.keys()], leaseMs],
  );
  return task;
}

/** Nobody looks at the collection for so long, unless something new is asked for. */
async function leaveFor(database: Database, collectionId: string, ms: number): Promise<void> {
  await database.query(
    `UPDATE "Collection" SET "reembedLeaseUntil" = now() + $2 * interval '1 millisecond' WHERE "id" = $1`,
    [collectionId, ms],
  );
}

async function noteProblem(
  database: Database,
  collectionId: string,
  error: unknown,
): Promise<void> {
  const problem = messageOf(error);
  await database.query(`UPDATE "Collection" SET "nextProblem" = $2 WHERE "id" = $1`, [
    collectionId,
    problem,
  ]);
}

/** False when there is nothing to do, or something else was asked for meanwhile. */
async function embedAnew(
  task: Task,
  options: ReembeddingOptions,
  signal: AbortSignal,
): Promise<boolean> {
  const { database, embedders, indexes, log, onChanged } = options;
  const embedder = task.nextEmbedder === null ? undefined : embedders.get(task.nextEmbedder);
  if (!embedder) return false;
  let after: string | null = null;
  while (await isWanted(database, task)) {
    signal.throwIfAborted();
    const missing: MissingChunk[] = await readMissing(database, task.id, { embedder, after });
    after = missing.at(-1)?.id ?? null;
    if (missing.length > 0) {
      await embedChunks(missing, embedder, { ...options, task, signal });
      continue;
    }
    await indexes.ensure({ embedder: embedder.name, dimensions: embedder.dimensions });
    // An ingest may have brought more by now.
    if (!(await changeOver(database, task.id, embedder.name))) continue;
    log.info({ collection: task.name, embedder: embedder.name }, 'a collection was embedded anew');
    await onChanged(task.id, embedder);
    return true;
  }
  return false;
}

/** Renews the lease; false when another embedder was asked for, or none. */
async function isWanted(database: Database, task: Task): Promise<boolean> {
  const rows = await database.query(
    `UPDATE "Collection" SET "reembedLeaseUntil" = now() + $3 * interval '1 millisecond'
     WHERE "id" = $1 AND "nextEmbedder" = $2 RETURNING 1`,
    [task.id, task.nextEmbedder, leaseMs],
  );
  return rows.length > 0;
}

interface MissingChunk {
  id: string;
  title: string | null;
  headingPath: string[];
  content: string;
}

function readMissing(
  database: Database,
  collectionId: string,
  { embedder, after }: { embedder: Embedder; after: string | null },
): Promise<MissingChunk[]> {
  return database.query<MissingChunk>(
    `SELECT c."id", d."title", c."headingPath", c."content"
     FROM "Chunk" c JOIN "Document" d ON d."id" = c."documentId"
     WHERE c."collectionId" = $1 AND NOT c."staged" AND ($3::uuid IS NULL OR c."id" > $3) AND NOT EXISTS (
       SELECT 1 FROM "ChunkEmbedding" e WHERE e."chunkId" = c."id" AND e."embedder" = $2)
     ORDER BY c."id" LIMIT ${chunksPerBatch}`,
    [collectionId, embedder.name, after],
  );
}

async function embedChunks(
  chunks: readonly MissingChunk[],
  embedder: Embedder,
  { database, task, signal, meterFor }: ReembeddingOptions & { task: Task; signal: AbortSignal },
): Promise<void> {
  const texts = chunks.map(embeddingTextOf);
  const paid = meterFor?.(task.nextRequestedBy ?? 'system')(embedder) ?? embedder;
  const { vectors } = await paid.embed(texts, { purpose: 'document', signal });
  // A chunk that was deleted meanwhile is left out; one that is being deleted waits.
  await database.query(
    `INSERT INTO "ChunkEmbedding" ("chunkId", "embedder", "collectionId", "documentId", "embedding", "awaitsIndex")
     SELECT c."id", $1, c."collectionId", c."documentId", i.vector::vector, true
     FROM unnest($2::uuid[], $3::text[]) AS i (id, vector) JOIN "Chunk" c ON c."id" = i.id
     ORDER BY c."id" FOR KEY SHARE OF c
     ON CONFLICT DO NOTHING`,
    [embedder.name, chunks.map(({ id }) => id), vectors.map((vector) => toSql(vector))],
  );
}

/**
 * Makes the next embedder the collection's own if no chunk lacks its vector. The row is locked against ingests, which
 * share it while they store: each has stored the former embedder's vectors by now, or will find the new one.
 */
function changeOver(database: Database, collectionId: string, embedder: string): Promise<boolean> {
  return database.transaction(async (transaction) => {
    const [row] = await transaction.query<{ nextEmbedder: string | null }>(
      `SELECT "nextEmbedder" FROM "Collection" WHERE "id" = $1 FOR UPDATE`,
      [collectionId],
    );
    if (row?.nextEmbedder !== embedder) return false;
    const missing = await transaction.query(
      `SELECT 1 FROM "Chunk" c WHERE c."collectionId" = $1 AND NOT c."staged" AND NOT EXISTS (
         SELECT 1 FROM "ChunkEmbedding" e WHERE e."chunkId" = c."id" AND e."embedder" = $2) LIMIT 1`,
      [collectionId, embedder],
    );
    if (missing.length > 0) return false;
    await transaction.query(
      `UPDATE "Collection" SET "embedder" = "nextEmbedder", "dimensions" = "nextDimensions",
         "embedderWeight" = NULL, "nextEmbedder" = NULL, "nextDimensions" = NULL,
         "nextRequestedBy" = NULL, "nextProblem" = NULL, "staleVectors" = true
       WHERE "id" = $1`,
      [collectionId],
    );
    return true;
  });
}

/** Vectors of the collection `n` that neither serve nor are to take over. */
const stale = `SELECT s."chunkId", s."embedder" FROM "ChunkEmbedding" s WHERE s."collectionId" = n."id"
  AND s."embedder" NOT IN (n."embedder", COALESCE(n."nextEmbedder", '')) AND s."embedder" NOT LIKE 'latent:%'`;

/** By small statements: the embedded database has one connection, and searches wait for it. */
async function removeStaleVectors(
  database: Database,
  collectionId: string,
  signal: AbortSignal,
): Promise<void> {
  let removed: unknown[];
  do {
    signal.throwIfAborted();
    removed = await database.query(
      `DELETE FROM "ChunkEmbedding" e USING "Collection" n
       WHERE n."id" = $1 AND (e."chunkId", e."embedder") IN (${stale} LIMIT 500) RETURNING 1`,
      [collectionId],
    );
  } while (removed.length > 0);
  await database.query(
    `UPDATE "Collection" n SET "staleVectors" = false WHERE n."id" = $1 AND NOT EXISTS (${stale})`,
    [collectionId],
  );
}
