import { toSql } from 'pgvector';
import type { Database } from '../../data/database.ts';
import type { CollectionStatistics } from '../collections/collection-statistics.ts';
import { literal, type VectorIndexes, type VectorSpace } from '../collections/vector-index.ts';
import type { RankedChunk } from './keyword-ranking.ts';
import { isAmongSql, isWithinSql, type SearchScope } from './search-scope.ts';
import { cosineSql } from './similarities.ts';

export interface VectorRequest {
  collectionId: string;
  space: VectorSpace;
  vector: number[];
  scope: SearchScope | undefined;
  limit: number;
  statistics: Pick<CollectionStatistics, 'chunks' | 'terms'>;
}

/**
 * The chunks nearest to a vector by cosine, best first. Exact when there are few enough to compare with, else through the
 * index, which goes on searching until it has enough that pass: a filter never makes the answer short.
 */
export async function rankByVector(
  database: Database,
  indexes: VectorIndexes,
  request: VectorRequest,
): Promise<RankedChunk[]> {
  if (request.limit === 0 || request.vector.every((value) => value === 0)) return [];
  const few = indexes.comparesAll(chunksWithin(request), request.space);
  if (few || !(await indexes.has(request.space))) return exactScan(database, request);
  const candidates = indexes.candidates(request.statistics.chunks);
  const found = await indexScan(database, request, candidates);
  // Iterating ends at a limit of tuples or memory; what it then lacks only the exact scan finds.
  return found.length < request.limit ? exactScan(database, request) : found;
}

/** How many chunks there are to compare with, by their usual length. */
function chunksWithin({ scope, statistics: { chunks, terms } }: VectorRequest): number {
  if (!scope?.known) return chunks;
  const { documentIds, terms: known } = scope.known;
  return Math.max(documentIds.length, (chunks * known) / Math.max(1, terms));
}

/** The vectors of so few documents are looked up; for more of them every vector of the collection is read. */
const fewDocuments = 1_000;

async function exactScan(database: Database, request: VectorRequest): Promise<RankedChunk[]> {
  const { scope, space, collectionId } = request;
  const values: unknown[] = [toSql(request.vector), request.limit];
  if (scope?.known && scope.known.documentIds.length <= fewDocuments) {
    return database.query<RankedChunk>(
      `SELECT e."chunkId", ${cosineSql('e.distance')} AS score FROM unnest($5::uuid[]) AS d ("id") CROSS JOIN LATERAL (
         SELECT "chunkId", "embedding" <=> $1::vector AS distance FROM "ChunkEmbedding"
         WHERE "collectionId" = $3 AND "embedder" = $4 AND "documentId" = d."id" OFFSET 0) e
       ORDER BY e.distance LIMIT $2`,
      [...values, collectionId, space.embedder, scope.known.documentIds],
      { prepared: true },
    );
  }
  const own = ownSql(request, values);
  const among = isAmongSql(scope, 'e."documentId"', { collectionId, values });
  return database.query<RankedChunk>(comparingAll(`${own} AND ${among}`), values);
}

function ownSql({ collectionId, space }: VectorRequest, values: unknown[]): string {
  return `e."embedder" = ${literal(space.embedder)} AND e."collectionId" = $${values.push(collectionId)}`;
}

function comparingAll(condition: string): string {
  // Ordered by the column itself, which no index is on: the planner can't take the approximate way.
  return `SELECT "chunkId", ${cosineSql('distance')} AS score FROM (
    SELECT e."chunkId", e."embedding" <=> $1::vector AS distance
    FROM "ChunkEmbedding" e WHERE ${condition}
    ORDER BY distance LIMIT $2) AS nearest`;
}

/** Those in the index by the index, those that await it one by one. */
async function indexScan(
  database: Database,
  request: VectorRequest,
  candidates: number,
): Promise<RankedChunk[]> {
  const values: unknown[] = [toSql(request.vector), request.limit];
  const type = `vector(${request.space.dimensions})`;
  const condition = `${ownSql(request, values)} AND ${isWithinSql(request.scope, 'e."documentId"', values)}`;
  const text = `
    (SELECT e."chunkId", 1 - (e."embedding"::${type} <=> $1::${type}) AS score
     FROM "ChunkEmbedding" e WHERE ${condition} AND NOT e."awaitsIndex"
     ORDER BY e."embedding"::${type} <=> $1::${type} LIMIT $2)
    UNION ALL (${comparingAll(`${condition} AND e."awaitsIndex"`)})`;
  const rows = await database.transaction(
    (transaction) =>
      transaction.query<RankedChunk>(text, values, { prepared: request.scope === undefined }),
    {
      'hnsw.iterative_scan': 'relaxed_order',
      'hnsw.ef_search': String(candidates),
      // Nothing but the index, whatever the planner thinks of it. Without its own index a sort looks endlessly dear then,
      // for which a server compiles the statement: 150 ms each time.
      enable_seqscan: 'off',
      enable_sort: 'off',
      jit: 'off',
    },
  );
  return rows.sort((a, b) => b.score - a.score).slice(0, request.limit);
}
