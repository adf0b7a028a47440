import type { Database } from '../data/database.ts';
import type { Log } from '../kernel/log.ts';

/** Up to so many vectors, comparing with every one is fast enough, and it is exact. */
export const exactScanRows = 5_000;
/** pgvector's limit for an HNSW index on `vector`. */
const mostIndexedDimensions = 2_000;

export interface VectorSpace {
  /** The embedder's name. */
  embedder: string;
  dimensions: number;
}

export interface VectorIndexes {
  /** Is there a finished index over this embedder's vectors? */
  has(space: VectorSpace): Promise<boolean>;
  /** Makes the index if the embedder has enough vectors. One at a time; a failure is logged. */
  ensure(space: VectorSpace): Promise<void>;
  /** Resolves when no index is being made. */
  settled(): Promise<void>;
}

/** A name or number that stands in a statement: only such an index condition is one the planner can match. */
export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/**
 * HNSW indexes, one for each embedder and only once it has more vectors than an exact scan reads well. Partial, because
 * vectors of several embedders share the table, and over a cast, because their dimensions differ.
 */
export function createVectorIndexes(database: Database, log: Log): VectorIndexes {
  const ready = new Set<string>();
  let queue: Promise<void> = Promise.resolve();
  const build = async (space: VectorSpace): Promise<void> => {
    if (ready.has(space.embedder) || space.dimensions > mostIndexedDimensions) return;
    const [row] = await database.query<{ vectors: number }>(
      `SELECT count(*)::int AS vectors FROM (SELECT 1 FROM "ChunkEmbedding" WHERE "embedder" = $1 LIMIT ${exactScanRows + 1}) AS sample`,
      [space.embedder],
    );
    if ((row?.vectors ?? 0) <= exactScanRows || (await has(space))) return;
    const started = performance.now();
    await createIndex(database, space);
    if (await has(space))
      log.info({ ...space, ms: Math.round(performance.now() - started) }, 'built a vector index');
  };
  const has = async (space: VectorSpace): Promise<boolean> => {
    if (ready.has(space.embedder)) return true;
    const rows = await database.query(
      `SELECT 1 FROM pg_index WHERE indexrelid = to_regclass($1) AND indisvalid`,
      [`"${indexName(space)}"`],
    );
    if (rows.length > 0) ready.add(space.embedder);
    return rows.length > 0;
  };
  return {
    has,
    ensure(space) {
      queue = queue
        .then(() => build(space))
        .catch((error: unknown) =>
          log.error({ err: error, ...space }, 'no vector index was built'),
        );
      return queue;
    },
    settled: () => queue,
  };
}

/** At most 63 bytes; embedders whose names differ only in what is replaced would share one, so the dimensions are in it. */
function indexName({ embedder, dimensions }: VectorSpace): string {
  return `ChunkEmbedding_hnsw_${embedder.replace(/[^a-zA-Z0-9]/g, '_').slice(0, 34)}_${dimensions}`;
}

async function createIndex(database: Database, space: VectorSpace): Promise<void> {
  const name = indexName(space);
  const definition = `"${name}" ON "ChunkEmbedding"
    USING hnsw (("embedding"::vector(${space.dimensions})) vector_cosine_ops) WITH (m = 16, ef_construction = 48)
    WHERE "embedder" = ${literal(space.embedder)}`;
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
  await database.query(`CREATE INDEX CONCURRENTLY IF NOT EXISTS ${definition}`);
}
