import type { Queryable } from '../../data/database.ts';
import type { CollectionStatistics } from '../collections/collection-statistics.ts';
import { isWithinSql, type SearchScope } from './search-scope.ts';

export interface RankedChunk {
  chunkId: string;
  score: number;
}

export interface KeywordRequest {
  collectionId: string;
  /** The question's terms and how often each occurs in it. */
  terms: ReadonlyMap<string, number>;
  scope: SearchScope | undefined;
  limit: number;
  statistics: CollectionStatistics;
}

/** Okapi BM25's constants; what an occurrence in the heading path counts beside one in the text; the document's share. */
const k1 = 1.2;
const b = 0.75;
const headingWeight = 1;
const documentWeight = 0.25;

/**
 * A question reads about so many postings to find its candidates: its rarest terms first, the commoner ones only score
 * what those found. What is left out has only common words, and is fetched after all when the others find too little.
 */
const maxPostings = 2_000;
/**
 * So few documents are all candidates: looking up each term in each is less than reading the terms' postings; three times
 * as many less than reading all postings of the common terms, too.
 */
const fewDocuments = 300;

/**
 * BM25 (Robertson and Zaragoza 2009, idf as in Lucene, never negative) of chunks, plus a share of the score of the
 * document they stand in. Statistics are the whole collection's, whatever the filter. Best first; only chunks with a term
 * of the question.
 */
export async function rankByKeywords(
  database: Queryable,
  request: KeywordRequest,
): Promise<RankedChunk[]> {
  const terms = await weighTerms(request);
  if (terms.length === 0) return [];
  const given = request.scope?.known?.documentIds ?? [];
  const isFew = (documents: number): boolean => given.length > 0 && given.length <= documents;
  if (isFew(fewDocuments)) return rank(database, request, { terms, given });
  const ranked = await rank(database, request, { terms });
  if (ranked.length >= request.limit || terms.every(({ finds }) => finds)) return ranked;
  const all = terms.map((term) => ({ ...term, finds: true }));
  return rank(database, request, isFew(fewDocuments * 3) ? { terms, given } : { terms: all });
}

interface Candidates {
  terms: WeightedTerm[];
  /** All of these documents; else those with the best chunks by the terms that find. */
  given?: string[];
}

async function rank(
  database: Queryable,
  { collectionId, statistics, scope, limit }: KeywordRequest,
  { terms, given }: Candidates,
): Promise<RankedChunk[]> {
  const values: unknown[] = [
    terms.map(({ term }) => term),
    terms.map(({ weight }) => weight),
    terms.map(({ finds }) => finds),
    Math.max(1, statistics.terms / Math.max(1, statistics.chunks)),
    Math.max(1, statistics.terms / Math.max(1, statistics.documents)),
    limit,
  ];
  if (given) {
    const documents = `SELECT unnest($${values.push(given)}::uuid[]) AS "documentId"`;
    return database.query<RankedChunk>(statement(documents), values, { prepared: true });
  }
  values.push(collectionId, limit + Math.ceil(limit / 2));
  const condition = isWithinSql(scope, 'p."documentId"', values);
  const text = statement(documentsOfBestChunks(condition));
  return database.query<RankedChunk>(text, values, { prepared: !scope });
}

interface WeightedTerm {
  term: string;
  /** Its rarity times its occurrences in the question. */
  weight: number;
  /** Does it find candidates, or only score them? */
  finds: boolean;
}

async function weighTerms(request: KeywordRequest): Promise<WeightedTerm[]> {
  const { terms, statistics } = request;
  const frequencies = await statistics.frequencies([...terms.keys()]);
  const inOrder = [...terms].sort((a, b) => frequencies.get(a[0])! - frequencies.get(b[0])!);
  let postings = 0;
  return inOrder.map(([term, occurrences]) => {
    const chunks = frequencies.get(term)!;
    const rarity = Math.log(1 + Math.max(0, statistics.chunks - chunks + 0.5) / (chunks + 0.5));
    const finds = postings === 0 || postings + chunks <= maxPostings;
    postings += chunks;
    return { term, weight: occurrences * rarity, finds };
  });
}

// Constants are written as float8: a bare 0.75 is numeric, and so becomes all arithmetic with it.
const real = (constant: number): string => `'${constant}'::float8`;

const saturation = (frequency: string, length: string, average: string): string =>
  `${frequency} * ${real(k1 + 1)} / (${frequency} + ${real(k1 * (1 - b))} + ${real(k1 * b)} * ${length} / ${average}::float8)`;

const weighted = `(p."frequency" + ${real(headingWeight)} * p."headingFrequency")`;
const chunkShare = `q.weight * ${saturation(weighted, 'p."termCount"', '$4')}`;

/**
 * Postings are looked up by (collection, term) here and by (document, term) below. OFFSET 0 keeps the planner, who cannot
 * know how common the words of a question are, from reading every posting of each instead.
 */
const documentsOfBestChunks = (condition: string): string => `
  SELECT DISTINCT "documentId" FROM (
    SELECT p."documentId", sum(${chunkShare}) AS score
    FROM query q CROSS JOIN LATERAL (
      SELECT * FROM "Posting" p WHERE p."collectionId" = $7 AND p."term" = q.term OFFSET 0) p
    WHERE q.finds AND ${condition} GROUP BY p."chunkId", p."documentId" ORDER BY score DESC LIMIT $8) best`;

/** The full score of every chunk of the documents that a statement finds. */
const statement = (documents: string): string => `
WITH query AS MATERIALIZED (
  SELECT * FROM unnest($1::text[], $2::float8[], $3::boolean[]) WITH ORDINALITY AS input (term, weight, finds, n)
), hit AS MATERIALIZED (
  SELECT p."chunkId", p."documentId", q.n, q.weight, p."frequency"::float8 AS frequency, d."termCount", ${chunkShare} AS score
  FROM (${documents}) c
  CROSS JOIN LATERAL (SELECT "termCount" FROM "Document" WHERE "id" = c."documentId" OFFSET 0) d
  CROSS JOIN query q CROSS JOIN LATERAL (
    SELECT * FROM "Posting" p WHERE p."documentId" = c."documentId" AND p."term" = q.term OFFSET 0) p
), document_score AS (
  SELECT "documentId", sum(weight * ${saturation('h.frequency', 'h."termCount"', '$5')}) AS score
  FROM (SELECT "documentId", "termCount", n, weight, sum(frequency) AS frequency
        FROM hit GROUP BY "documentId", "termCount", n, weight) h
  GROUP BY "documentId"
)
SELECT h."chunkId", sum(h.score) + ${real(documentWeight)} * min(d.score) AS score
FROM hit h JOIN document_score d USING ("documentId")
GROUP BY h."chunkId" ORDER BY score DESC, h."chunkId" LIMIT $6`;
