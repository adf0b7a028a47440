import type { Database } from '../../data/database.ts';

export interface CollectionStatistics {
  chunks: number;
  documents: number;
  /** The lengths of all chunks together, in terms. */
  terms: number;
  /** In how many chunks each of these terms occurs; 0 for one that occurs nowhere. */
  frequencies(terms: readonly string[]): Promise<Map<string, number>>;
}

export interface StatisticsCache {
  of(collectionId: string): Promise<CollectionStatistics>;
  /** The collection has changed. */
  forget(collectionId: string): void;
}

/** A change by another server whose signal is lost is seen after this long. */
const freshMs = 30_000;
/** Counting costs time where there is much to count, and a few chunks more make no difference there. */
const manyChunks = 5_000;
const freshAmongManyMs = 5_000;

/** While these are the same, so is the rest. */
const totals = ['chunks', 'documents', 'terms'] as const;

interface Statistics extends CollectionStatistics {
  /** In how many chunks terms occur, as far as they have been asked for. */
  known: Map<string, number>;
}

interface Counted {
  at: number;
  value: Promise<Statistics>;
  chunks: number;
}

/** What BM25 must know of a whole collection: counted when it has changed, not for each search. */
export function createStatisticsCache(database: Database): StatisticsCache {
  const cache = new Map<string, Counted>();
  return {
    of(collectionId) {
      const known = cache.get(collectionId);
      if (known && performance.now() - known.at < freshMs) return known.value;
      const value = count(database, collectionId, known?.value);
      const counted: Counted = { at: performance.now(), value, chunks: 0 };
      cache.set(collectionId, counted);
      value.then(
        ({ chunks }) => {
          counted.chunks = chunks;
        },
        () => cache.delete(collectionId),
      );
      return value;
    },
    forget(collectionId) {
      const known = cache.get(collectionId);
      if (!known) return;
      if (known.chunks < manyChunks) cache.delete(collectionId);
      else known.at = Math.min(known.at, performance.now() - freshMs + freshAmongManyMs);
    },
  };
}

async function count(
  database: Database,
  collectionId: string,
  before: Promise<Statistics> | undefined,
): Promise<Statistics> {
  const [row] = await database.query<Pick<CollectionStatistics, 'chunks' | 'documents' | 'terms'>>(
    `SELECT (SELECT count(*)::int FROM "Chunk" WHERE "collectionId" = $1) AS chunks,
      count(*)::int AS documents, COALESCE(sum("termCount"), 0)::float8 AS terms
     FROM "Document" WHERE "collectionId" = $1 AND "contentHash" <> ''`,
    [collectionId],
  );
  const former = await before?.catch(() => undefined);
  const isSame = totals.every((total) => former?.[total] === row![total]);
  const known = former && isSame ? former.known : new Map<string, number>();
  return {
    ...row!,
    known,
    async frequencies(terms) {
      const unknown = terms.filter((term) => !known.has(term));
      if (unknown.length > 0) {
        const counted = await database.query<{ term: string; chunks: number }>(
          `SELECT term, (SELECT count(*)::int FROM "Posting" p
             WHERE p."collectionId" = $1 AND p."term" = input.term AND p."frequency" > 0) AS chunks
           FROM unnest($2::text[]) AS input (term)`,
          [collectionId, unknown],
          { prepared: true },
        );
        // A term that was nowhere may have come since.
        for (const { term, chunks } of counted) if (chunks > 0) known.set(term, chunks);
      }
      return new Map(terms.map((term) => [term, known.get(term) ?? 0]));
    },
  };
}
