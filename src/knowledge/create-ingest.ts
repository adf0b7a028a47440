import type { Database } from '../data/database.ts';
import { everything } from '../kernel/access/readers.ts';
import type { Embedder } from '../kernel/embedder.ts';
import { DomainError } from '../kernel/errors.ts';
import type { BackgroundWork } from './background-work.ts';
import { findOrMakeCollection } from './collections/collection-row.ts';
import { readDocuments } from './collections/document-records.ts';
import { type IngestReport, ingestDocuments } from './ingest/ingest-documents.ts';
import type { IngestResult, Knowledge } from './knowledge.ts';

interface IngestParts {
  database: Database;
  embedders: ReadonlyMap<string, Embedder>;
  /** Of new collections. */
  defaultEmbedder: Embedder;
  work: BackgroundWork;
  onChanged(collectionId: string): Promise<void>;
}

export function createIngest(parts: IngestParts): Knowledge['ingest'] {
  const { database, embedders, work } = parts;
  return async (input, { by, meter = (embedder: Embedder) => embedder, ...settings }) => {
    const collection = await findOrMakeCollection(database, {
      name: input.collection,
      embedder: parts.defaultEmbedder,
      by,
      readers: input.readers ?? [],
    });
    const embedder = embedders.get(collection.embedder);
    if (!embedder) throw embedderMissing(collection.name, collection.embedder);
    settings.onStarted?.(embedder.name);
    work.postpone(collection.id);
    const target = {
      ...settings,
      collectionId: collection.id,
      embedder: meter(embedder),
      embedderOf: (name: string) => {
        const other = embedders.get(name);
        return other && meter(other);
      },
    };
    const report = await ingestDocuments(database, input.documents, target).finally(async () => {
      await parts.onChanged(collection.id);
      work.improve(collection.id, embedder);
    });
    work.noteWritten(report.written);
    return resultOf(database, report, embedder.name);
  };
}

async function resultOf(
  database: Database,
  { stored, chunks, rejected, billedTokens }: IngestReport,
  embedder: string,
): Promise<IngestResult> {
  const records = await readDocuments(
    database,
    stored.map(({ id }) => id),
    everything,
  );
  const byId = new Map(records.map((record) => [record.id, record]));
  const count = (outcome: string): number =>
    stored.filter((each) => each.outcome === outcome).length;
  return {
    documents: stored.flatMap(({ id }) => byId.get(id) ?? []),
    created: count('created'),
    updated: count('updated'),
    unchanged: count('unchanged'),
    chunks,
    rejected,
    billedTokens,
    embedder,
  };
}

const embedderMissing = (collection: string, embedder: string): DomainError =>
  new DomainError(
    'EMBEDDING_UNAVAILABLE',
    `The collection "${collection}" is embedded by ${embedder}, which is not configured here.`,
    { retryable: false },
  );
