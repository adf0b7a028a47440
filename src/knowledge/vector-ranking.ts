import { toSql } from 'pgvector';
import type { Database, Queryable } from '../data/database.ts';
import { createPlaceholders, filterSql } from './filter-sql.ts';
import type { RankedChunk } from './keyword-ranking.ts';
import type { MetadataFilter } from './metadata-filter.ts';
import { exactScanRows, literal, type VectorIndexes, type VectorSpace } from './vector-index.ts';

export interface VectorRequest {
  collectionId: string;
  space: VectorSpace;
  vector: number[];
  filter: MetadataFilter | undefined;
  limit: number;
  /** How many the collection has. */
  chunks: number;
}

/** Candidates looked at for each search in the index: recall@10 against exact, 10,000 vectors, 0.998; at 100 0.984. */
const leastCandidates = 200;

/**
 * The chunks nearest to a vector by cosine, best first. Exact when the filter leaves few enough, else through the index,
 * which goes on searching until it has enough that pass: a filter never makes the answer short.
 */
export async function rankByVector(
  database: Database,
  indexes: VectorIndexes,
  request: VectorRequest,
): Promise<RankedChunk[]> {
  if (request.vector.every((value) => value === 0)) return [];
  const few = request.chunks <= exactScanRows;
  if (few || !(await indexes.has(request.space))) return exactScan(database, request);
  const matching = request.filter ? await countMatching(database, request) : request.chunks;
  if (matching <= exactScanRows) return exactScan(database, request);
  const found = await indexScan(database, request);
  // Iterating ends at a limit of tuples or memory; what it then lacks only the exact scan finds.
  return found.length < request.limit ? exactScan(database, request) : found;
}

/** The cosine of each given chunk: what a hybrid search needs of those that only their words brought up. */
export async function similaritiesOf(
  database: Queryable,
  chunkIds: readonly string[],
  request: Pick<VectorRequest, 'space' | 'vector'>,
): Promise<RankedChunk[]> {
  if (chunkIds.length === 0 || request.vector.every((value) => value === 0)) return [];
  return database.query<RankedChunk>(
    `SELECT "chunkId", 1 - ("embedding" <=> $1::vector) AS score FROM "ChunkEmbedding"
     WHERE "embedder" = $2 AND "chunkId" = ANY ($3::uuid[])`,
    [toSql(request.vector), request.space.embedder, chunkIds],
  );
}

function conditionOf(request: VectorRequest, values: unknown[]): { join: string; where: string } {
  values.push(request.collectionId);
  const where = `e."embedder" = ${literal(request.space.embedder)} AND e."collectionId" = $${values.length}`;
  if (!request.filter) return { join: '', where };
  const condition = filterSql(request.filter, 'd."metadata"', createPlaceholders(values));
  return {
    join: 'JOIN "Document" d ON d."id" = e."documentId"',
    where: `${where} AND ${condition}`,
  };
}

async function countMatching(database: Queryable, request: VectorRequest): Promise<number> {
  const values: unknown[] = [];
  const { join, where } = conditionOf(request, values);
  const [row] = await database.query<{ matching: number }>(
    `SELECT count(*)::int AS matching FROM
      (SELECT 1 FROM "ChunkEmbedding" e ${join} WHERE ${where} LIMIT ${exactScanRows + 1}) AS sample`,
    values,
  );
  return row?.matching ?? 0;
}

async function exactScan(database: Queryable, request: VectorRequest): Promise<RankedChunk[]> {
  const values: unknown[] = [toSql(request.vector), request.limit];
  return database.query<RankedChunk>(comparingAll(request, values, ''), values);
}

function comparingAll(request: VectorRequest, values: unknown[], which: string): string {
  const { join, where } = conditionOf(request, values);
  // Ordered by the column itself, which no index is on: the planner can't take the approximate way.
  return `SELECT e."chunkId", 1 - (e."embedding" <=> $1::vector) AS score
    FROM "ChunkEmbedding" e ${join} WHERE ${where} ${which}
    ORDER BY e."embedding" <=> $1::vector LIMIT $2`;
}

/** Those in the index by the index, those that await it one by one. */
async function indexScan(database: Database, request: VectorRequest): Promise<RankedChunk[]> {
  const values: unknown[] = [toSql(request.vector), request.limit];
  const { join, where } = conditionOf(request, values);
  const type = `vector(${request.space.dimensions})`;
  const candidates = Math.min(1_000, Math.max(leastCandidates, request.limit));
  const waiting = comparingAll(request, values, 'AND e."awaitsIndex"');
  const rows = await database.transaction(async (transaction) => {
    // Without its own index a sort looks endlessly dear, for which a server compiles the statement: 150 ms each time.
    await transaction.query(
      `SELECT set_config('jit', 'off', true), set_config('hnsw.iterative_scan', 'relaxed_order', true), set_config('hnsw.ef_search', $1, true),
        set_config('enable_seqscan', 'off', true), set_config('enable_sort', 'off', true)`,
      [String(candidates)],
    );
    return transaction.query<RankedChunk>(
      `(SELECT e."chunkId", 1 - (e."embedding"::${type} <=> $1::${type}) AS score
        FROM "ChunkEmbedding" e ${join} WHERE ${where} AND NOT e."awaitsIndex"
        ORDER BY e."embedding"::${type} <=> $1::${type} LIMIT $2) UNION ALL (${waiting})`,
      values,
    );
  });
  return rows.sort((a, b) => b.score - a.score).slice(0, request.limit);
}
