import type { Database } from '../data/database.ts';
import type { Embedder, MeterEmbedder } from '../kernel/embedder.ts';
import type { Log } from '../kernel/log.ts';
import { createUpkeep } from './collections/embedded-upkeep.ts';
import { createReembedding } from './collections/reembedding.ts';
import { createReindexing } from './collections/reindexing.ts';
import { createVectorIndexes, type VectorIndexes } from './collections/vector-index.ts';
import { removeAbandonedChunks } from './ingest/staged-chunks.ts';
import { createLatentIndexes } from './latent/latent-index.ts';
import { latentWeightOf } from './search/signal-weights.ts';

export interface BackgroundWorkOptions {
  database: Database;
  /** Every embedder of this server, by name. */
  embedders: ReadonlyMap<string, Embedder>;
  /** Its vectors follow from the words of a text, as postings do. */
  builtIn: Embedder;
  /** May latent spaces be fitted, where the embedder has a use for them? */
  latent: boolean;
  /** Up to this many numbers (vectors times dimensions) a search compares one by one, without an index. */
  comparedNumbers?: number | undefined;
  /** Bills the embedding of a collection by another embedder to the user who asked for it. */
  meterReembedding?: ((userId: string) => MeterEmbedder) | undefined;
  log: Log;
  /** Called when the passages, vectors or postings of a collection have changed. */
  onChanged(collectionId: string): Promise<void>;
}

/** What searches can do without for a while: vector indexes, latent spaces, new embedders, indexing by newer rules. */
export interface BackgroundWork {
  indexes: VectorIndexes;
  /** Documents are being stored: what is due for the collection waits for `improve`. */
  postpone(collectionId: string): void;
  /** The collection has changed: brings its indexes up to date soon. */
  improve(collectionId: string, embedder: Embedder): void;
  /** This many chunks were written or removed. */
  noteWritten(chunks: number): void;
  /** A collection may have another embedder to come. */
  wakeReembedding(): void;
  /** Resolves when nothing is due or under way. */
  settled(): Promise<void>;
  /** Gives up what is under way; the next start goes on. */
  close(): Promise<void>;
}

/** Starts with what an earlier process had no time for. */
export function createBackgroundWork(options: BackgroundWorkOptions): BackgroundWork {
  const { database, embedders, log, onChanged } = options;
  const upkeep = createUpkeep(database, log);
  const indexes = createVectorIndexes(database, log, {
    onIndexed: upkeep.note,
    numbers: options.comparedNumbers,
  });
  const latent = createLatentIndexes(database, log, upkeep.note);
  const improve = (collectionId: string, embedder: Embedder): void => {
    void indexes.ensure({ embedder: embedder.name, dimensions: embedder.dimensions });
    if (options.latent && latentWeightOf(embedder.weight) > 0) latent.refresh(collectionId);
  };
  const reembedding = createReembedding({
    database,
    embedders,
    indexes,
    log,
    meterFor: options.meterReembedding,
    onChanged: async (collectionId, embedder) => {
      improve(collectionId, embedder);
      await onChanged(collectionId);
    },
  });
  const reindexing = createReindexing({
    database,
    embedder: options.builtIn,
    log,
    onReindexed: async (collectionId, chunks) => {
      upkeep.note(chunks);
      improve(collectionId, options.builtIn);
      await onChanged(collectionId);
    },
  });
  const begun = resume(options, improve);
  return {
    indexes,
    postpone: latent.postpone,
    improve,
    noteWritten: upkeep.note,
    wakeReembedding: reembedding.wake,
    async settled() {
      await begun;
      await reindexing.settled();
      await Promise.all([indexes.settled(), latent.settled(), reembedding.settled()]);
      await upkeep.settled();
    },
    async close() {
      await begun;
      await Promise.all([
        reindexing.close(),
        reembedding.close(),
        indexes.close(),
        upkeep.settled(),
        latent.close(),
      ]);
    },
  };
}

/** Nothing is counted: a start must not wait for a large collection. */
async function resume(
  { database, embedders, log }: BackgroundWorkOptions,
  improve: BackgroundWork['improve'],
): Promise<void> {
  try {
    await removeAbandonedChunks(database);
    const collections = await database.prisma.collection.findMany({
      select: { id: true, embedder: true },
    });
    for (const { id, embedder: name } of collections) {
      const embedder = embedders.get(name);
      if (embedder) improve(id, embedder);
    }
  } catch (error) {
    log.warn({ err: error }, 'the collections were not looked through');
  }
}
