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
    description: 'Those that were stored or found unchanged, and are still there.',
    resolve: async (run, _args, { loaders }) =>
      (await Promise.all(outputOf(run).documentIds.map((id) => loaders.document.load(id)))).filter(
        (document) => document !== null,
      ),
  }),
  created: t.int({ resolve: (run) => outputOf(run).created }),
  updated: t.int({ resolve: (run) => outputOf(run).updated }),
  unchanged: t.int({ resolve: (run) => outputOf(run).unchanged }),
  chunks: t.int({ resolve: (run) => outputOf(run).chunks }),
  rejected: t.field({
    type: ['RejectedDocument'],
    authScopes: ofContent,
    description: 'What was refused; the rest is stored.',
    resolve: (run) => outputOf(run).rejected,
  }),
});

function declareIngestTypes(builder: Builder): void {
  builder.objectType('IngestRun', {
    description: 'A run that takes documents in. Its counts are 0 until it has finished.',
    interfaces: runInterfaces(builder),
    fields: ingestFields,
  });
  builder.objectType('IngestedDocuments', {
    fields: (t) => ({
      ...ingestFields(t),
      run: t.field({ type: 'IngestRun', resolve: (run) => run }),
    }),
  });
  builder.objectType('RejectedDocument', {
    fields: (t) => ({
      source: t.exposeString('source'),
      issues: t.expose('issues', { type: ['Issue'] }),
    }),
  });
}

function declareIngestInput(builder: Builder) {
  const DocumentInput = builder.inputType('DocumentInput', {
    description:
      'Ingesting the same source again replaces it; unchanged text is not embedded again.',
    // Not validated here, which would refuse the whole batch: what is wrong with one document is told in `rejected`.
    fields: (t) => ({
      source: t.string({ required: true }),
      title: t.string(),
      text: t.string({ required: true }),
      metadata: t.field({ type: 'JSON' }),
    }),
  });
  return builder.inputType('IngestDocumentsInput', {
    fields: (t) => ({
      collection: t.string({ required: true, validate: { schema: nameSchema() } }),
      documents: t.field({
        type: [DocumentInput],
        required: true,
        validate: { minLength: 1, maxLength: 1_000 },
      }),
      options: t.field({ type: 'RunOptions' }),
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
