import type { Database } from '../data/database.ts';
import type { Embedder, MeterEmbedder } from '../kernel/embedder.ts';
import { DomainError } from '../kernel/errors.ts';
import type { SearchRequest } from '../kernel/knowledge-search.ts';
import type { Log } from '../kernel/log.ts';
import type { SearchHit } from '../kernel/run.ts';
import { parseBracketCitations } from './citations/bracket-citations.ts';
import { packSources } from './citations/pack-sources.ts';
import { verifyCitation } from './citations/verify-citation.ts';
import {
  type CollectionRow,
  findCollection,
  findOrMakeCollection,
  findUnnamedCollections,
} from './collections/collection-row.ts';
import { createStatisticsCache } from './collections/collection-statistics.ts';
import { deleteCollection } from './collections/delete-collection.ts';
import { listCollections, pageDocuments, readDocuments } from './collections/document-records.ts';
import { createUpkeep } from './collections/embedded-upkeep.ts';
import { createReembedding } from './collections/reembedding.ts';
import { updateCollection } from './collections/update-collection.ts';
import { createVectorIndexes } from './collections/vector-index.ts';
import { createHashEmbedder } from './embedders/hash-embedder.ts';
import { ingestDocuments } from './ingest/ingest-documents.ts';
import { removeAbandonedChunks } from './ingest/staged-chunks.ts';
import type { DocumentRecord, IngestResult, Knowledge } from './knowledge.ts';
import { createLatentIndexes } from './latent/latent-index.ts';
import { interleave } from './search/interleave.ts';
import { createQueryTerms } from './search/query-terms.ts';
import { createQueryVectors } from './search/query-vectors.ts';
import { latentWeightOf, resultsOf, searchCollection } from './search/search-collection.ts';
import { searchReranked } from './search/search-reranked.ts';

export interface KnowledgeOptions {
  database: Database;
  /** Configured ones and plugins'; the built-in `hash-512` is always there. */
  embedders: readonly Embedder[];
  /** The name of the embedder of collections made from now on. */
  defaultEmbedder: string;
  /** May latent spaces be fitted in the background, where the embedder has a use for them? Default true. */
  latent?: boolean;
  /** Up to so many numbers (vectors times dimensions) a search compares one by one, without an index. Default 8,000,000. */
  comparedNumbers?: number;
  /** Has the user who asked for it pay for embedding a collection anew. */
  meterReembedding?: (userId: string) => MeterEmbedder;
  log: Log;
}

export interface KnowledgeRoom extends Knowledge {
  /** Resolves when the background work that is due (vector indexes, latent spaces, new embedders) is done. */
  settled(): Promise<void>;
}

/** Throws when the default embedder is not among the embedders. */
export function createKnowledge(options: KnowledgeOptions): KnowledgeRoom {
  const { database, log } = options;
  const embedders = new Map([createHashEmbedder(), ...options.embedders].map((e) => [e.name, e]));
  if (!embedders.has(options.defaultEmbedder)) {
    const known = [...embedders.keys()].join(', ');
    throw new Error(`There is no embedder "${options.defaultEmbedder}"; known are ${known}.`);
  }
  const statistics = createStatisticsCache(database);
  const upkeep = createUpkeep(database, log);
  const indexes = createVectorIndexes(database, log, {
    onIndexed: upkeep.note,
    numbers: options.comparedNumbers,
  });
  const unsubscribe = database.signals.subscribe('collection', statistics.forget);
  const changed = async (collectionId: string): Promise<void> => {
    statistics.forget(collectionId);
    await database.signals.publish('collection', collectionId);
  };
  const embedderOf = (name: string): Embedder | undefined => embedders.get(name);
  const latent = createLatentIndexes(database, log, upkeep.note);
  const terms = createQueryTerms(database);
  /** What searches can do without for a while, and is made in the background. */
  const improve = (collectionId: string, embedder: Embedder): void => {
    void indexes.ensure({ embedder: embedder.name, dimensions: embedder.dimensions });
    if (options.latent !== false && latentWeightOf(embedder.weight) > 0)
      latent.refresh(collectionId);
  };
  const reembedding = createReembedding({
    database,
    embedders,
    indexes,
    log,
    meterFor: options.meterReembedding,
    onChanged: async (collectionId, embedder) => {
      improve(collectionId, embedder);
      await changed(collectionId);
    },
  });
  // What a former process had no time for. Nothing is counted: a start must not wait behind a large collection.
  const begun = removeAbandonedChunks(database)
    .then(() =>
      database.query<{ id: string; embedder: string }>('SELECT "id", "embedder" FROM "Collection"'),
    )
    .then((collections) => {
      for (const { id, embedder: name } of collections) {
        const embedder = embedderOf(name);
        if (embedder) improve(id, embedder);
      }
    })
    .catch((error: unknown) => log.warn({ err: error }, 'the collections were not looked through'));
  const queryVectors = createQueryVectors();
  const parts = { database, statistics, terms, queryVectors, indexes, embedderOf, log };
  const searchAll = async (request: SearchRequest): Promise<SearchHit[]> => {
    const collections = await collectionsFor(database, request);
    const [only, ...others] = collections;
    if (!only) throw await collectionNotFound(database, request.collection);
    if (others.length === 0) return searchCollection(parts, only, request);
    const answers = collections.map((each) => searchCollection(parts, each, request));
    return interleave(await Promise.all(answers), resultsOf(request));
  };

  return {
    search: (request) => searchReranked(request, searchAll),
    collections: () => listCollections(database),
    async updateCollection(change, userId) {
      const collection = await findCollection(database, change.name);
      if (!collection) throw await collectionNotFound(database, change.name);
      await updateCollection(database, collection, { change, embedders, userId });
      reembedding.wake();
      return (await listCollections(database, change.name))[0]!;
    },
    async deleteCollection(name) {
      const collection = await deleteCollection(database, name);
      if (!collection) throw await collectionNotFound(database, name);
      await changed(collection.id);
      return collection;
    },
    documents: (request) => pageDocuments(database, request),
    documentsById: async (ids) => inOrder(ids, await readDocuments(database, ids)),
    async ingest(input, { meter = (embedder: Embedder) => embedder, ...settings } = {}) {
      const collection = await findOrMakeCollection(
        database,
        input.collection,
        embedders.get(options.defaultEmbedder)!,
      );
      const embedder = embedders.get(collection.embedder);
      if (!embedder) throw embedderMissing(collection.name, collection.embedder);
      settings.onStarted?.(embedder.name);
      latent.postpone(collection.id);
      const target = {
        ...settings,
        collectionId: collection.id,
        embedder: meter(embedder),
        embedderOf: (name: string) => {
          const other = embedderOf(name);
          return other && meter(other);
        },
      };
      const report = await ingestDocuments(database, input.documents, target).finally(async () => {
        await changed(collection.id);
        improve(collection.id, embedder);
      });
      upkeep.note(report.written);
      const ids = report.stored.map(({ id }) => id);
      const records = inOrder(ids, await readDocuments(database, ids));
      const count = (outcome: string): number =>
        report.stored.filter((each) => each.outcome === outcome).length;
      return {
        documents: records.filter((record) => record !== null),
        created: count('created'),
        updated: count('updated'),
        unchanged: count('unchanged'),
        chunks: report.chunks,
        rejected: report.rejected,
        billedTokens: report.billedTokens,
        embedder: embedder.name,
      } satisfies IngestResult;
    },
    async deleteDocument(id) {
      const { record, collectionId } = await deleteDocument(database, id);
      await changed(collectionId);
      return record;
    },
    pack: packSources,
    verify: verifyCitation,
    parseBracketCitations,
    async settled() {
      await begun;
      await Promise.all([indexes.settled(), latent.settled(), reembedding.settled()]);
      await upkeep.settled();
    },
    async close() {
      unsubscribe();
      await begun;
      await Promise.all([reembedding.close(), indexes.settled(), upkeep.settled(), latent.close()]);
    },
  };
}

function inOrder(
  ids: readonly string[],
  records: readonly DocumentRecord[],
): (DocumentRecord | null)[] {
  const byId = new Map(records.map((record) => [record.id, record]));
  return ids.map((id) => byId.get(id) ?? null);
}

/** Those that a search is to look into: one, several when it may; none when it is not clear which. */
async function collectionsFor(
  database: Database,
  { collection: name, everywhere = false }: SearchRequest,
): Promise<CollectionRow[]> {
  if (name !== undefined) {
    const named = await findCollection(database, name);
    return named ? [named] : [];
  }
  const meant = await findUnnamedCollections(database);
  if (everywhere || meant.length === 1) return meant;
  return meant.filter((collection) => collection.name === 'default');
}

/** Postings have no foreign key: they go here, in the transaction that holds the document's row. */
async function deleteDocument(
  database: Database,
  id: string,
): Promise<{ record: DocumentRecord; collectionId: string }> {
  return database.transaction(async (transaction) => {
    const [record] = await readDocuments(transaction, [id]);
    const [row] = record
      ? await transaction.query<{ collectionId: string }>(
          `SELECT "collectionId" FROM "Document" WHERE "id" = $1 FOR UPDATE`,
          [id],
        )
      : [];
    if (!record || !row) throw new DomainError('NOT_FOUND', 'There is no such document.');
    await transaction.query(`DELETE FROM "Posting" WHERE "documentId" = $1`, [id]);
    await transaction.query(`DELETE FROM "Document" WHERE "id" = $1`, [id]);
    return { record, collectionId: row.collectionId };
  });
}

async function collectionNotFound(
  database: Database,
  name: string | undefined,
): Promise<DomainError> {
  const known = (await listCollections(database)).slice(0, 20).map((each) => `"${each.name}"`);
  const there = known.length > 0 ? `There are: ${known.join(', ')}.` : 'There are none yet.';
  const what =
    name === undefined
      ? `Name the collection, or ingest into one called "default". ${there}`
      : `There is no collection "${name}"; ingest into it to make it. ${there}`;
  return new DomainError('COLLECTION_NOT_FOUND', what);
}

const embedderMissing = (collection: string, embedder: string): DomainError =>
  new DomainError(
    'EMBEDDING_UNAVAILABLE',
    `The collection "${collection}" is embedded by ${embedder}, which is not configured here.`,
    { retryable: false },
  );
