import { fromSql } from 'pgvector';
import type { Database } from '../../data/database.ts';
import type { Embedder } from '../../kernel/embedder.ts';
import { DomainError, type Issue } from '../../kernel/errors.ts';
import type { DocumentToIngest } from '../knowledge.ts';
import { VectorsMissing } from './chunk-rows.ts';
import type { PreparedDocument } from './prepare-document.ts';
import { prepareDocuments } from './prepare-documents.ts';
import { EmbedderChanged, type StoredDocument, storeDocuments } from './store-documents.ts';
import { storeLargeDocument } from './store-large-document.ts';

export interface IngestReport {
  stored: StoredDocument[];
  chunks: number;
  /** Chunks written or removed. */
  written: number;
  rejected: { source: string; issues: Issue[] }[];
  billedTokens: number;
}

interface IngestTarget {
  collectionId: string;
  embedder: Embedder;
  /** Should the collection change over to another while this goes on. */
  embedderOf(name: string): Embedder | undefined;
  signal?: AbortSignal;
  onProgress?: (done: number, total: number) => void;
}

/** The embedded database has one connection: a search waits for a group, 75 ms, or 270 once there is a vector index. */
const chunksPerTransaction = 32;
const documentsPerTransaction = 32;
/** One with more is not written in one transaction. */
const chunksOfLargeDocument = 100;

/**
 * Stores what is sound of a batch. Everything is embedded before the first write and outside of any transaction, so a
 * failing embedder leaves nothing behind; then documents are written in groups, each whole or not at all.
 */
export async function ingestDocuments(
  database: Database,
  documents: readonly DocumentToIngest[],
  given: IngestTarget,
): Promise<IngestReport> {
  const target = { ...given };
  const { prepared, rejected } = await prepareDocuments(documents, target.signal);
  const vectors = new Map<string, number[]>();
  const report: IngestReport = { stored: [], chunks: 0, written: 0, rejected, billedTokens: 0 };
  const embed = async (texts: ReadonlyMap<string, string>): Promise<void> => {
    const wanted = [...texts].filter(([hash]) => !vectors.has(hash));
    if (wanted.length === 0) return;
    const options = {
      purpose: 'document' as const,
      ...(target.signal && { signal: target.signal }),
    };
    const embedded = await target.embedder.embed(
      wanted.map(([, text]) => text),
      options,
    );
    checkVectors(embedded.vectors, wanted.length, target.embedder);
    wanted.forEach(([hash], at) => {
      vectors.set(hash, embedded.vectors[at]!);
    });
    report.billedTokens += embedded.billedTokens;
  };
  const groups = groupDocuments(prepared);
  for (const group of groups)
    await embed(await chunksToEmbed(database, group, { target, vectors }));
  for (const group of groups) {
    target.signal?.throwIfAborted();
    const stored = await storeGroup(database, group, { target, vectors, embed });
    report.stored.push(...stored);
    report.written += stored.reduce((sum, { written }) => sum + written, 0);
    target.onProgress?.(report.stored.length, prepared.length);
  }
  report.chunks = prepared.reduce((sum, document) => sum + document.chunks.length, 0);
  return report;
}

const textsOf = (group: readonly PreparedDocument[]): Map<string, string> =>
  new Map(
    group.flatMap(({ chunks }) =>
      chunks.map(({ contentHash, embeddingText }) => [contentHash, embeddingText] as const),
    ),
  );

interface KnownChunks {
  source: string;
  contentHash: string;
  chunks: number;
}

/**
 * The texts without a vector yet, by content hash. A document that has a text more often than before needs its vector
 * for the new rows: it is read from the old ones.
 */
async function chunksToEmbed(
  database: Database,
  group: readonly PreparedDocument[],
  { target, vectors }: { target: IngestTarget; vectors: Map<string, number[]> },
): Promise<Map<string, string>> {
  const wanted = textsOf(group);
  const known = await database.query<KnownChunks>(
    `SELECT d."source", c."contentHash", count(*)::int AS chunks
     FROM "Document" d JOIN "Chunk" c ON c."documentId" = d."id"
     JOIN "ChunkEmbedding" e ON e."chunkId" = c."id" AND e."embedder" = $3
     WHERE d."collectionId" = $1 AND d."source" = ANY ($2::text[]) AND NOT c."staged" GROUP BY d."source", c."contentHash"`,
    [target.collectionId, group.map(({ source }) => source), target.embedder.name],
  );
  const key = (source: string, contentHash: string): string => `${contentHash} ${source}`;
  const left = new Map(known.map((row) => [key(row.source, row.contentHash), row.chunks]));
  const repeated = new Set<string>();
  for (const { source, chunks } of group) {
    for (const { contentHash } of chunks) {
      const rows = left.get(key(source, contentHash)) ?? 0;
      if (rows === 0) repeated.add(contentHash);
      else left.set(key(source, contentHash), rows - 1);
    }
  }
  const toRead = known.filter(({ contentHash }) => repeated.has(contentHash));
  for (const [hash, vector] of await readVectors(database, toRead, target))
    vectors.set(hash, vector);
  for (const { contentHash } of known) wanted.delete(contentHash);
  return wanted;
}

async function readVectors(
  database: Database,
  known: readonly KnownChunks[],
  { collectionId, embedder }: IngestTarget,
): Promise<[hash: string, vector: number[]][]> {
  if (known.length === 0) return [];
  const rows = await database.query<{ contentHash: string; vector: string }>(
    `SELECT DISTINCT ON (c."contentHash") c."contentHash", e."embedding"::text AS vector
     FROM "Document" d JOIN "Chunk" c ON c."documentId" = d."id"
     JOIN "ChunkEmbedding" e ON e."chunkId" = c."id" AND e."embedder" = $4
     WHERE d."collectionId" = $1 AND d."source" = ANY ($2::text[]) AND c."contentHash" = ANY ($3::text[]) AND NOT c."staged"`,
    [
      collectionId,
      known.map(({ source }) => source),
      known.map(({ contentHash }) => contentHash),
      embedder.name,
    ],
  );
  return rows.map(({ contentHash, vector }) => [contentHash, fromSql(vector) as number[]]);
}

function checkVectors(vectors: number[][], expected: number, embedder: Embedder): void {
  const sound =
    vectors.length === expected &&
    vectors.every(
      (vector) => vector.length === embedder.dimensions && vector.every(Number.isFinite),
    );
  if (sound) return;
  throw new DomainError(
    'EMBEDDING_UNAVAILABLE',
    `The embedder ${embedder.name} did not answer with ${expected} vectors of ${embedder.dimensions} numbers; check its model and dimensions.`,
    { retryable: false },
  );
}

function groupDocuments(documents: PreparedDocument[]): PreparedDocument[][] {
  const groups: PreparedDocument[][] = [];
  let room = 0;
  for (const document of documents) {
    const group = groups.at(-1);
    if (group && room >= document.chunks.length && group.length < documentsPerTransaction)
      group.push(document);
    else {
      groups.push([document]);
      room = chunksPerTransaction;
    }
    room -= document.chunks.length;
  }
  return groups;
}

interface GroupParts {
  target: IngestTarget;
  vectors: Map<string, number[]>;
  embed(texts: ReadonlyMap<string, string>): Promise<void>;
}

/** What another ingest took away meanwhile is embedded after all: the next attempt has every vector of the group. */
async function storeGroup(
  database: Database,
  group: PreparedDocument[],
  { target, vectors, embed }: GroupParts,
): Promise<StoredDocument[]> {
  while (true) {
    try {
      const { collectionId, embedder, signal } = target;
      const into = { collectionId, embedder: embedder.name, vectors };
      const [first, ...others] = group;
      if (first && others.length === 0 && first.chunks.length > chunksOfLargeDocument)
        return [
          await storeLargeDocument(database, first, { ...into, chunksPerTransaction, signal }),
        ];
      return await database.transaction((transaction) => storeDocuments(transaction, group, into));
    } catch (error) {
      if (error instanceof EmbedderChanged) {
        const changed = target.embedderOf(error.embedder);
        if (!changed) throw error;
        target.embedder = changed;
        vectors.clear();
      } else if (!(error instanceof VectorsMissing)) throw error;
      await embed(textsOf(group));
    }
  }
}
