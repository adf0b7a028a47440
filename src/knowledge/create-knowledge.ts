import type { Database } from '../data/database.ts';
import { everything, type Reader } from '../kernel/access/readers.ts';
import type { Embedder, MeterEmbedder } from '../kernel/embedder.ts';
import type { Log } from '../kernel/log.ts';
import { createBackgroundWork } from './background-work.ts';
import { parseBracketCitations } from './citations/bracket-citations.ts';
import { packSources } from './citations/pack-sources.ts';
import { verifyCitation } from './citations/verify-citation.ts';
import { describeAccess } from './collections/collection-access.ts';
import { checkMayMake, checkMayManage, checkMayWrite } from './collections/collection-rights.ts';
import {
  type CollectionRow,
  collectionNotFound,
  findCollection,
  findReadableCollection,
} from './collections/collection-row.ts';
import { createStatisticsCache } from './collections/collection-statistics.ts';
import { deleteCollection } from './collections/delete-collection.ts';
import { deleteDocument } from './collections/delete-document.ts';
import { listCollections, pageDocuments, readDocuments } from './collections/document-records.ts';
import { boundsOf } from './collections/read-bounds.ts';
import { updateCollection } from './collections/update-collection.ts';
import { createIngest } from './create-ingest.ts';
import { createHashEmbedder } from './embedders/hash-embedder.ts';
import type { Knowledge } from './knowledge.ts';
import { createSearch } from './search/create-search.ts';
import { createQueryTerms } from './search/query-terms.ts';
import { createQueryVectors } from './search/query-vectors.ts';

export interface KnowledgeOptions {
  database: Database;
  /** Configured ones and plugins'; the built-in `hash-512` is always there. */
  embedders: readonly Embedder[];
  /** The name of the embedder of collections made from now on. */
  defaultEmbedder: string;
  /** May latent spaces be fitted in the background, where the embedder has a use for them? Default true. */
  latent?: boolean;
  /** Up to this many numbers (vectors times dimensions) a search compares one by one, without an index. Default 8,000,000. */
  comparedNumbers?: number;
  /** Bills the embedding of a collection by another embedder to the user who asked for it. */
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
  const builtIn = createHashEmbedder();
  const embedders = new Map([builtIn, ...options.embedders].map((e) => [e.name, e]));
  const defaultEmbedder = defaultOf(embedders, options.defaultEmbedder);
  const statistics = createStatisticsCache(database);
  const unsubscribe = database.signals.subscribe('collection', statistics.forget);
  const onChanged = async (collectionId: string): Promise<void> => {
    statistics.forget(collectionId);
    await database.signals.publish('collection', collectionId);
  };
  const work = createBackgroundWork({
    ...options,
    embedders,
    builtIn,
    latent: options.latent !== false,
    onChanged,
  });
  /** Rejects with COLLECTION_NOT_FOUND where the caller may not even read. */
  const manageable = async (name: string, by: Reader): Promise<CollectionRow> => {
    const collection = await findReadableCollection(database, name, boundsOf(by));
    if (!collection) throw await collectionNotFound(database, name, by);
    checkMayManage(collection, by);
    return collection;
  };
  return {
    search: createSearch({
      database,
      statistics,
      terms: createQueryTerms(database),
      queryVectors: createQueryVectors(),
      indexes: work.indexes,
      embedderOf: (name) => embedders.get(name),
      log,
    }),
    ingest: createIngest({ database, embedders, defaultEmbedder, work, onChanged }),
    collections: (reader) => listCollections(database, reader),
    access: (reader) => describeAccess(database, reader),
    async updateCollection(change, by) {
      const collection = await manageable(change.name, by);
      await updateCollection(database, collection, { change, embedders, userId: by.userId });
      work.wakeReembedding();
      return (await listCollections(database, everything, change.name))[0]!;
    },
    async deleteCollection(name, by) {
      const collection = await deleteCollection(database, await manageable(name, by));
      if (!collection) throw await collectionNotFound(database, name, by);
      await onChanged(collection.id);
      return collection;
    },
    async checkMayIngest(name, by) {
      const collection = await findCollection(database, name);
      if (collection) checkMayWrite(collection, by);
      else checkMayMake(name, by);
    },
    documents: (request, reader) => pageDocuments(database, request, reader),
    async documentsById(ids, reader) {
      const records = await readDocuments(database, ids, reader);
      const byId = new Map(records.map((record) => [record.id, record]));
      return ids.map((id) => byId.get(id) ?? null);
    },
    async deleteDocument(id, by) {
      const { record, collectionId } = await deleteDocument(database, id, by);
      await onChanged(collectionId);
      return record;
    },
    pack: packSources,
    verify: verifyCitation,
    parseBracketCitations,
    settled: work.settled,
    async close() {
      unsubscribe();
      await work.close();
    },
  };
}

function defaultOf(embedders: ReadonlyMap<string, Embedder>, name: string): Embedder {
  const embedder = embedders.get(name);
  if (embedder) return embedder;
  const known = [...embedders.keys()].join(', ');
  throw new Error(`There is no embedder "${name}"; known are ${known}.`);
}
