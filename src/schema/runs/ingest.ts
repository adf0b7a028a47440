import type { IngestOutput } from '../../runs/ingest.ts';
import type { IngestRequest } from '../../runs/runs.ts';
import type { Builder, ObjectFields } from '../builder.ts';
import { callerOf } from '../limits/access.ts';
import { generationCost } from '../limits/operation-limits.ts';
import { nameSchema } from '../name-schema.ts';
import { asResult, runAsResult } from '../results/as-result.ts';
import { resultUnion } from '../results/result-union.ts';
import { withoutUndefined } from '../without-undefined.ts';
import { followRun } from './run-event-stream.ts';
import { runInterfaces } from './run-interfaces.ts';
import { type RunOptionsValue, toRunOptions } from './run-options.ts';
import { runResult } from './run-result.ts';
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

type DocumentInputValue = {
  [Field in keyof IngestRequest['documents'][number]]:
    | IngestRequest['documents'][number][Field]
    | undefined;
} & { source: string; text: string };

interface IngestInputValue {
  collection: string;
  documents: DocumentInputValue[];
  options?: RunOptionsValue | null | undefined;
}

const toRequest = ({ collection, documents, options }: IngestInputValue): IngestRequest => ({
  collection,
  documents: documents.map(({ source, text, ...rest }) => ({
    ...withoutUndefined(rest),
    source,
    text,
  })),
  options: toRunOptions(options),
});

const codes = [
  'EMBEDDING_UNAVAILABLE',
  'BUDGET_EXCEEDED',
  'RUN_CANCELLED',
  'RUN_INTERRUPTED',
  'MODEL_TIMEOUT',
  'CONFLICT',
] as const;

/** What takes documents in: the mutation that waits for it, and the subscription that follows it. */
export function declareIngest(builder: Builder): void {
  declareIngestTypes(builder);
  const IngestDocumentsInput = declareIngestInput(builder);
  const IngestDocumentsResult = resultUnion(builder, 'IngestDocumentsResult', {
    types: ['IngestedDocuments'],
    codes,
  });
  builder.mutationField('ingestDocuments', (t) =>
    t.field({
      type: IngestDocumentsResult,
      authScopes: { admin: true },
      complexity: generationCost,
      args: { input: t.arg({ type: IngestDocumentsInput, required: true }) },
      resolve: (_root, { input }, context) =>
        asResult(codes, async () => {
          const handle = await context.services.runs.ingest(toRequest(input), callerOf(context));
          return runAsResult(codes, await runResult(handle, context));
        }),
    }),
  );
  builder.subscriptionField('ingest', (t) =>
    t.field({
      type: 'RunEvent',
      description:
        'Takes documents in, and tells how far it is: one DocumentsIngested after another.',
      authScopes: { admin: true },
      complexity: generationCost,
      args: { input: t.arg({ type: IngestDocumentsInput, required: true }) },
      subscribe: (_root, { input }, context) =>
        followRun(() => context.services.runs.ingest(toRequest(input), callerOf(context)), context),
      resolve: (event) => event,
    }),
  );
}
