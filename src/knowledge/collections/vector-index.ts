import type { Database } from '../../data/database.ts';
import type { Log } from '../../kernel/log.ts';

/**
 * Up to so many numbers (15,000 vectors of 512 dimensions), comparing with every vector is exact and takes 2 µs each on the
 * embedded database, and half of it on a server; and nothing needs to be put into an index, which takes 15 ms each there.
 */
const maxCompared = 8_000_000;
/** pgvector's limit for an HNSW index on `vector`. */
const maxIndexedDimensions = 2_000;
/**
 * How long a statement that puts vectors into the index is to take: one vector takes 1 to 20 ms, and on the embedded
 * database's one connection everything else waits meanwhile.
 */
const statementMs = 40;
const minPerStatement = 2;
const maxPerStatement = 1_000;

/**
 * More links (`m`) miss less for the same time of search, and take two thirds longer to put in: a server has the time, the
 * embedded database's others wait meanwhile, so that a search looks at more instead. Recall@10 against exact, 325 questions
 * among 117,500 chunks of real text: 0.998 with 24 links and 600 candidates, 0.997 with 16 and 1,000.
 */
const shapes = {
  embedded: { links: 16, candidateShare: 1 / 40 },
  postgres: { links: 24, candidateShare: 1 / 200 },
} as const;
const minCandidates = 400;
/** pgvector's limit. */
const maxCandidates = 1_000;

export interface VectorSpace {
  /** The embedder's name. */
  embedder: string;
  dimensions: number;
}

export interface VectorIndexes {
  /** Are so few vectors better compared one by one? */
  comparesAll(vectors: number, space: VectorSpace): boolean;
  /** Is there a finished index over this embedder's vectors? Those that await it are not in it yet. */
  has(space: VectorSpace): Promise<boolean>;
  /** How many vectors a search is to look at in the index, that holds so many. */
  candidates(vectors: number): number;
  /** Makes the index if the embedder has enough vectors, and puts in what awaits it. A failure is logged. */
  ensure(space: VectorSpace): Promise<void>;
  /** Resolves when nothing is being done. */
  settled(): Promise<void>;
  /** Stops after the statement that is under way: the rest waits for the next `ensure`. */
  close(): Promise<void>;
}

export interface VectorIndexOptions {
  /** Told how many vectors were put in. */
  onIndexed?: ((vectors: number) => void) | undefined;
  /** Up to so many numbers are compared one by one. */
  numbers?: number | undefined;
}

/** A name or number that stands in a statement: only such an index condition is one the planner can match. */
export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/**
 * HNSW indexes, one for each embedder and only once it has more vectors than an exact scan reads well. Partial, because
 * vectors of several embedders share the table, and over a cast, because their dimensions differ. Vectors are stored
 * without it and put into it in the background, a few at a time: searches compare with the others one by one.
 */
export function createVectorIndexes(
  database: Database,
  log: Log,
  { onIndexed = () => undefined, numbers = maxCompared }: VectorIndexOptions = {},
): VectorIndexes {
  const comparesAll: VectorIndexes['comparesAll'] = (vectors, { dimensions }) =>
    vectors * dimensions <= numbers;
  const candidates: VectorIndexes['candidates'] = (vectors) => {
    const share = vectors * shapes[database.kind].candidateShare;
    return Math.round(Math.min(maxCandidates, Math.max(minCandidates, share)));
  };
  const ready = new Set<string>();
  const stop = new AbortController();
  let queue: Promise<void> = Promise.resolve();
  const has = async (space: VectorSpace): Promise<boolean> => {
    if (ready.has(space.embedder)) return true;
    const rows = await database.query(
      `SELECT 1 FROM pg_index WHERE indexrelid = to_regclass($1) AND indisvalid`,
      [`"${indexName(space)}"`],
    );
    if (rows.length > 0) ready.add(space.embedder);
    return rows.length > 0;
  };
  const work = async (space: VectorSpace): Promise<void> => {
    if (stop.signal.aborted || space.dimensions > maxIndexedDimensions) return;
    const started = performance.now();
    if (!(await has(space))) {
      if (comparesAll(await countVectors(database, space), space)) return;
      await createIndex(database, space, stop.signal);
      if (!(await has(space))) return;
    }
    const vectors = await markIndexed(database, space, stop.signal);
    const ms = Math.round(performance.now() - started);
    if (vectors === 0) return;
    onIndexed(vectors);
    log.info({ ...space, vectors, ms }, 'brought a vector index up to date');
  };
  return {
    comparesAll,
    candidates,
    has,
    ensure(space) {
      queue = queue
        .then(() => work(space))
        .catch((error: unknown) => {
          if (!stop.signal.aborted)
            log.error({ err: error, ...space }, 'a vector index is not up to date');
        });
      return queue;
    },
    settled: () => queue,
    async close() {
      stop.abort(new Error('the knowledge room closes'));
      await queue;
    },
  };
}

/** At most 63 bytes; embedders whose names differ only in what is replaced would share one, so the dimensions are in it. */
function indexName({ embedder, dimensions }: VectorSpace): string {
  return `ChunkEmbedding_hnsw_${embedder.replace(/[^a-zA-Z0-9]/g, '_').slice(0, 34)}_${dimensions}`;
}

/** By collection, for that is how they can be counted without reading them. */
async function countVectors(database: Database, { embedder }: VectorSpace): Promise<number> {
  const [row] = await database.query<{ vectors: number }>(
    `SELECT count(*)::int AS vectors FROM "Collection" n JOIN "ChunkEmbedding" e
       ON e."collectionId" = n."id" AND e."embedder" = $1`,
    [embedder],
  );
  return row?.vectors ?? 0;
}

/**
 * On a server, over all vectors at once and without holding anybody up. The embedded database can do nothing else while
 * it builds, so the index begins empty there.
 */
async function createIndex(
  database: Database,
  space: VectorSpace,
  signal: AbortSignal,
): Promise<void> {
  const name = indexName(space);
  const definition = `"${name}" ON "ChunkEmbedding"
    USING hnsw (("embedding"::vector(${space.dimensions})) vector_cosine_ops) WITH (m = ${shapes[database.kind].links}, ef_construction = 100)
    WHERE "embedder" = ${literal(space.embedder)} AND NOT "awaitsIndex"`;
  if (database.kind === 'embedded') {
    // Each parallel build leaks its memory there: the fourth fails.
    await database.query('SET max_parallel_maintenance_workers = 0');
    await database.query(`CREATE INDEX IF NOT EXISTS ${definition}`);
    return;
  }
  const invalid = await database.query(
    `SELECT 1 FROM pg_index WHERE indexrelid = to_regclass($1) AND NOT indisvalid
     AND NOT EXISTS (SELECT 1 FROM pg_stat_progress_create_index p WHERE p.index_relid = indexrelid)`,
    [`"${name}"`],
  );
  // What a server left behind that died while it built.
  if (invalid.length > 0) await database.query(`DROP INDEX CONCURRENTLY IF EXISTS "${name}"`);
  await markIndexed(database, space, signal);
  await database.query(`CREATE INDEX CONCURRENTLY IF NOT EXISTS ${definition}`);
}

/** Where there is an index, marking puts the vectors in. Resolves with how many. */
async function markIndexed(
  database: Database,
  { embedder }: VectorSpace,
  signal: AbortSignal,
): Promise<number> {
  const collections = await database.query<{ id: string }>(
    `SELECT "id" FROM "Collection" WHERE "embedder" = $1 OR "nextEmbedder" = $1`,
    [embedder],
  );
  let total = 0;
  let limit = minPerStatement;
  for (const { id } of collections) {
    for (let marked = limit, asked = limit; marked === asked; total += marked) {
      signal.throwIfAborted();
      const started = performance.now();
      asked = limit;
      marked = await markSome(database, { collectionId: id, embedder, limit });
      const took = performance.now() - started;
      if (took > statementMs) limit = Math.max(minPerStatement, Math.floor(limit / 2));
      else if (took < statementMs / 3) limit = Math.min(maxPerStatement, limit * 2);
    }
  }
  return total;
}

async function markSome(
  database: Database,
  { collectionId, embedder, limit }: { collectionId: string; embedder: string; limit: number },
): Promise<number> {
  const rows = await database.query(
    `UPDATE "ChunkEmbedding" e SET "awaitsIndex" = false
     FROM (SELECT "chunkId" FROM "ChunkEmbedding"
           WHERE "collectionId" = $1 AND "embedder" = $2 AND "awaitsIndex"
           LIMIT $3 FOR UPDATE SKIP LOCKED) AS waiting
     WHERE e."chunkId" = waiting."chunkId" AND e."embedder" = $2 RETURNING 1`,
    [collectionId, embedder, limit],
  );
  return rows.length;
}
