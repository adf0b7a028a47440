import { toSql } from 'pgvector';
import type { Database } from '../../data/database.ts';
import type { Log } from '../../kernel/log.ts';
import { runThread } from '../run-thread.ts';
import type { LatentSpace } from './fit-latent-space.ts';

export interface LatentIndexes {
  /** Fits the collection's space anew if enough of its chunks are not in it: soon, in the background. */
  refresh(collectionId: string): void;
  /** More is coming: what is due waits for the next `refresh`. */
  postpone(collectionId: string): void;
  /** Resolves when nothing is due or under way; does not wait for `delayMs` first. */
  settled(): Promise<void>;
  /** Gives up what is under way. */
  close(): Promise<void>;
}

/** Fewer chunks than the first tell too little about terms; for more than the second, fitting takes too much memory. */
const minChunks = 500;
const maxChunks = 200_000;
/** A space is fitted anew when it lacks this share of the chunks. */
const staleShare = 0.2;
const leaseMs = 600_000;
const rowsPerPage = 500;
/** Ingest comes in batches: waiting for the last one saves fits. */
const delayMs = 2_000;

export const latentEmbedder = (generation: number): string => `latent:${generation}`;

/** Latent spaces of collections: fitted in a thread, stored as a generation, in force once complete. */
export function createLatentIndexes(
  database: Database,
  log: Log,
  onFitted: (chunks: number) => void = () => undefined,
): LatentIndexes {
  const due = new Map<string, NodeJS.Timeout>();
  const stop = new AbortController();
  let queue: Promise<void> = Promise.resolve();
  const start = (collectionId: string): void => {
    clearTimeout(due.get(collectionId));
    due.delete(collectionId);
    queue = queue
      .then(() => refit(database, collectionId, { log, signal: stop.signal, onFitted }))
      .catch((error: unknown) => {
        if (!stop.signal.aborted)
          log.error({ err: error, collectionId }, 'no latent space was fitted');
      });
  };
  return {
    refresh(collectionId) {
      if (stop.signal.aborted) return;
      clearTimeout(due.get(collectionId));
      due.set(collectionId, setTimeout(start, delayMs, collectionId).unref());
    },
    postpone: (collectionId) => clearTimeout(due.get(collectionId)),
    async settled() {
      for (const collectionId of [...due.keys()]) start(collectionId);
      await queue;
    },
    async close() {
      stop.abort(new Error('the knowledge room closes'));
      for (const timer of due.values()) clearTimeout(timer);
      await queue;
    },
  };
}

interface Fitting {
  log: Log;
  onFitted(chunks: number): void;
  signal: AbortSignal;
}

async function refit(
  database: Database,
  collectionId: string,
  { log, signal, onFitted }: Fitting,
): Promise<void> {
  signal.throwIfAborted();
  if (!(await isDue(database, collectionId))) return;
  const generation = await takeLease(database, collectionId);
  if (generation === undefined) return;
  const started = performance.now();
  try {
    const { ids, texts } = await readTexts(database, collectionId, signal);
    const [space] = await runThread<LatentSpace>('latent', texts, signal);
    if (!space) throw new Error('the thread answered no space');
    await store(database, { collectionId, generation, ids, space, signal });
    onFitted(ids.length);
    const ms = Math.round(performance.now() - started);
    log.info(
      { collectionId, chunks: ids.length, terms: space.terms.length, ms },
      'fitted a latent space',
    );
  } finally {
    await database.query(`UPDATE "Collection" SET "latentLeaseUntil" = NULL WHERE "id" = $1`, [
      collectionId,
    ]);
  }
}

async function isDue(database: Database, collectionId: string): Promise<boolean> {
  const [row] = await database.query<{ chunks: number; missing: number }>(
    `SELECT count(*)::int AS chunks, count(*) FILTER (WHERE e."chunkId" IS NULL)::int AS missing
     FROM "Collection" n JOIN "Chunk" c ON c."collectionId" = n."id"
     LEFT JOIN "ChunkEmbedding" e ON e."chunkId" = c."id" AND e."embedder" = 'latent:' || n."latentGeneration"
     WHERE n."id" = $1 AND NOT c."staged"`,
    [collectionId],
  );
  const { chunks, missing } = row!;
  return chunks >= minChunks && chunks <= maxChunks && missing >= chunks * staleShare;
}

/** The number of the generation to make; undefined while another server is at it. */
async function takeLease(database: Database, collectionId: string): Promise<number | undefined> {
  const [row] = await database.query<{ generation: number }>(
    `UPDATE "Collection" SET "latentLeaseUntil" = now() + $2 * interval '1 millisecond'
     WHERE "id" = $1 AND ("latentLeaseUntil" IS NULL OR "latentLeaseUntil" < now())
     RETURNING COALESCE("latentGeneration", 0) + 1 AS generation`,
    [collectionId, leaseMs],
  );
  return row?.generation;
}

async function readTexts(
  database: Database,
  collectionId: string,
  signal: AbortSignal,
): Promise<{ ids: string[]; texts: string[] }> {
  const ids: string[] = [];
  const texts: string[] = [];
  for (let rows = rowsPerPage; rows === rowsPerPage; ) {
    signal.throwIfAborted();
    const page = await database.query<{ id: string; text: string }>(
      `SELECT c."id", concat_ws(E'\\n', d."title", array_to_string(c."headingPath", E'\\n'), c."content") AS text
       FROM "Chunk" c JOIN "Document" d ON d."id" = c."documentId"
       WHERE c."collectionId" = $1 AND NOT c."staged" AND ($2::uuid IS NULL OR c."id" > $2) ORDER BY c."id" LIMIT ${rowsPerPage}`,
      [collectionId, ids.at(-1) ?? null],
    );
    for (const { id, text } of page) {
      ids.push(id);
      texts.push(text);
    }
    rows = page.length;
  }
  return { ids, texts };
}

interface Generation {
  collectionId: string;
  generation: number;
  ids: string[];
  space: LatentSpace;
  signal: AbortSignal;
}

async function store(database: Database, made: Generation): Promise<void> {
  const { collectionId, generation, ids, space, signal } = made;
  const embedder = latentEmbedder(generation);
  // What a server left behind that died while it stored.
  await deleteGeneration(database, collectionId, generation);
  for (let from = 0; from < ids.length; from += rowsPerPage) {
    signal.throwIfAborted();
    const page = ids.slice(from, from + rowsPerPage);
    const vectors = page.map((_, at) => rowText(space.textVectors, from + at, space.dimensions));
    await database.query(
      `INSERT INTO "ChunkEmbedding" ("chunkId", "embedder", "collectionId", "documentId", "embedding")
       SELECT c."id", $1, c."collectionId", c."documentId", i.vector::vector
       FROM unnest($2::uuid[], $3::text[]) AS i (id, vector) JOIN "Chunk" c ON c."id" = i.id
       ORDER BY c."id" FOR KEY SHARE OF c`,
      [embedder, page, vectors],
    );
  }
  for (let from = 0; from < space.terms.length; from += rowsPerPage) {
    signal.throwIfAborted();
    const page = space.terms.slice(from, from + rowsPerPage);
    const vectors = page.map((_, at) => rowText(space.termVectors, from + at, space.dimensions));
    await database.query(
      `INSERT INTO "LatentTerm" ("collectionId", "generation", "term", "vector")
       SELECT $1, $2, term, vector::vector FROM unnest($3::text[], $4::text[]) AS i (term, vector)`,
      [collectionId, generation, page, vectors],
    );
  }
  await database.query(
    `UPDATE "Collection" SET "latentGeneration" = $2, "latentChunks" = $3 WHERE "id" = $1`,
    [collectionId, generation, ids.length],
  );
  await deleteGeneration(database, collectionId, generation - 1);
}

async function deleteGeneration(
  database: Database,
  collectionId: string,
  generation: number,
): Promise<void> {
  await database.query(`DELETE FROM "LatentTerm" WHERE "collectionId" = $1 AND "generation" = $2`, [
    collectionId,
    generation,
  ]);
  await database.query(
    `DELETE FROM "ChunkEmbedding" WHERE "collectionId" = $1 AND "embedder" = $2`,
    [collectionId, latentEmbedder(generation)],
  );
}

const rowText = (values: Float32Array, row: number, width: number): string =>
  toSql(
    Array.from(values.subarray(row * width, (row + 1) * width), (v) => Math.round(v * 1e5) / 1e5),
  )!;
