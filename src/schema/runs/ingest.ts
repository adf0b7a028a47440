import type { IngestOutput } from '../../runs/ingest.ts';
import type { Builder, ObjectFields } from '../builder.ts';
import { ofContent } from '../limits/access.ts';
import { nameSchema } from '../name-schema.ts';
import { resultUnion } from '../results/result-union.ts';
import { runInterfaces } from './run-interfaces.ts';
import { declareRunOperation } from './run-operation.ts';
import type { RunView } from './run-view.ts';

const nothingYet: IngestOutput = {
  created: 0,
  updated: 0,
  unchanged: 0,
  chunks: 0,
  rejected: [],
  documentIds: [],
};
const outputOf = (run: RunView): IngestOutput => (run.output as IngestOutput | null) ?? nothingYet;

const ingestFields = (t: ObjectFields<RunView>) => ({
  documents: t.field({
    type: ['Document'],
    description: 'Documents that were stored or found unchanged, and still exist.',
    resolve: async (run, _args, { loaders }) =>
      (await Promise.all(outputOf(run).documentIds.map((id) => loaders.document.load(id)))).filter(
        (document) => document !== null,
      ),
  }),
  created: t.int({
    description: 'Number of new documents.',
    resolve: (run) => outputOf(run).created,
  }),
  updated: t.int({
    description: 'Number of documents that replaced another of the same source.',
    resolve: (run) => outputOf(run).updated,
  }),
  unchanged: t.int({
    description: 'Number of documents whose text and metadata were already stored.',
    resolve: (run) => outputOf(run).unchanged,
  }),
  chunks: t.int({
    description: 'Number of chunks stored.',
    resolve: (run) => outputOf(run).chunks,
  }),
  rejected: t.field({
    type: ['RejectedDocument'],
    authScopes: ofContent,
    description: 'Documents that were refused. The others are stored.',
    resolve: (run) => outputOf(run).rejected,
  }),
});

function declareIngestTypes(builder: Builder): void {
  builder.objectType('IngestRun', {
    description: 'A run that ingests documents. Its counts are 0 until it has finished.',
    interfaces: runInterfaces(builder),
    fields: ingestFields,
  });
  builder.objectType('IngestedDocuments', {
    description: 'The outcome of an ingest.',
    fields: (t) => ({
      ...ingestFields(t),
      run: t.field({ type: 'IngestRun', description: 'The run.', resolve: (run) => run }),
    }),
  });
  builder.objectType('RejectedDocument', {
    description: 'A document that was refused.',
    fields: (t) => ({
      source: t.exposeString('source', { description: '`source` of the document.' }),
      issues: t.expose('issues', { type: ['Issue'], description: 'Reasons.' }),
    }),
  });
}

function declareIngestInput(builder: Builder) {
  const DocumentInput = builder.inputType('DocumentInput', {
    description:
      'Ingesting the same source again replaces it; unchanged text is not embedded again.',
    // Not validated here, which would refuse the whole batch: problems of one document are reported in `rejected`.
    fields: (t) => ({
      source: t.string({
        required: true,
        description: 'Identity within the collection, such as a path or URL.',
      }),
      title: t.string({ description: 'Title to show and to search by.' }),
      text: t.string({ required: true, description: 'The text: plain or Markdown.' }),
      metadata: t.field({ type: 'JSON', description: 'A JSON object for filters.' }),
    }),
  });
  return builder.inputType('IngestDocumentsInput', {
    description: 'Documents to ingest.',
    fields: (t) => ({
      collection: t.string({
        required: true,
        description: 'Name of the collection. It is created if it does not exist.',
        validate: { schema: nameSchema() },
      }),
      documents: t.field({
        type: [DocumentInput],
        required: true,
        description: 'At most 1,000 documents.',
        validate: { minLength: 1, maxLength: 1_000 },
      }),
      options: t.field({ type: 'RunOptions', description: 'Options of the run.' }),
    }),
  });
}

const codes = [
  'EMBEDDING_UNAVAILABLE',
  'BUDGET_EXCEEDED',
  'RUN_CANCELLED',
  'RUN_INTERRUPTED',
  'MODEL_TIMEOUT',
  'CONFLICT',
] as const;

/** `IngestRun`, and the operation that begins one. */
export function declareIngest(builder: Builder): void {
  declareIngestTypes(builder);
  const IngestDocumentsInput = declareIngestInput(builder);
  const result = resultUnion(builder, 'IngestDocumentsResult', {
    types: ['IngestedDocuments'],
    codes,
  });
  declareRunOperation(builder, {
    mutation: {
      name: 'ingestDocuments',
      description: 'Ingests documents into a collection and returns what was stored.',
    },
    subscription: {
      name: 'ingest',
      description: 'Ingests documents and streams progress as `DocumentsIngested` events.',
    },
    result,
    codes,
    scope: 'editor',
    args: (arg) => ({ input: arg({ type: IngestDocumentsInput, required: true }) }),
    audit: ({ input: { collection, documents } }) => ({
      subject: collection,
      detail: { documents: documents.length },
    }),
    start: ({ input }, runs, { caller }) => runs.ingest(input, caller),
  });
}
