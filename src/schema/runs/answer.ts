import type { AnswerRequest } from '../../runs/runs.ts';
import type { Builder } from '../builder.ts';
import { diversityField, rerankField } from '../knowledge/search.ts';
import { callerOf } from '../limits/access.ts';
import { generationCost } from '../limits/operation-limits.ts';
import { nameSchema } from '../name-schema.ts';
import { asResult, runAsResult } from '../results/as-result.ts';
import { resultUnion } from '../results/result-union.ts';
import { withoutUndefined } from '../without-undefined.ts';
import { completionCodes } from './completion-codes.ts';
import { followRun } from './run-event-stream.ts';
import { runInterfaces } from './run-interfaces.ts';
import { type RunOptionsValue, toRunOptions } from './run-options.ts';
import { runResult } from './run-result.ts';

const codes = [
  ...completionCodes.filter((code) => code !== 'OUTPUT_INVALID'),
  'COLLECTION_NOT_FOUND',
  'EMBEDDING_UNAVAILABLE',
] as const;

const name = nameSchema();

function declareAnswerType(builder: Builder): void {
  builder.objectType('Answer', {
    interfaces: runInterfaces(builder),
    fields: (t) => ({
      text: t.exposeString('text'),
      sources: t.field({
        type: ['Source'],
        resolve: async (run, _args, { loaders }) =>
          (await loaders.eventsOfRun.load(run.id)).flatMap((event) =>
            event.type === 'SourcesFound' ? event.sources : [],
          ),
      }),
      citations: t.field({
        type: ['Citation'],
        description:
          "Each points into a source; `citedText` stands in that source's content, word for word.",
        resolve: async (run, _args, { loaders }) =>
          (await loaders.eventsOfRun.load(run.id)).flatMap((event) =>
            event.type === 'CitationFound' ? event.citation : [],
          ),
      }),
      cached: t.exposeBoolean('cached'),
      degraded: t.exposeBoolean('degraded'),
      promptVersion: t.field({
        type: 'PromptVersion',
        nullable: true,
        resolve: ({ promptVersionId }, _args, { loaders }) =>
          promptVersionId === null ? null : loaders.promptVersion.load(promptVersionId),
      }),
    }),
  });
  builder.objectType('Citation', {
    fields: (t) => ({
      sourceIndex: t.exposeInt('sourceIndex'),
      citedText: t.exposeString('citedText'),
      textEnd: t.exposeInt('textEnd', { description: 'Where in Answer.text the claim ends.' }),
    }),
  });
}

function declareAskInput(builder: Builder) {
  return builder.inputType('AskInput', {
    fields: (t) => ({
      question: t.string({ required: true, validate: { minLength: 1, maxLength: 100_000 } }),
      collection: t.string({ validate: { schema: name } }),
      topK: t.int({ validate: { min: 1, max: 100 } }),
      filter: t.field({ type: 'JSON' }),
      diversity: diversityField(t),
      rerank: rerankField(t),
      prompt: t.string({ validate: { schema: name } }),
      model: t.string({ validate: { schema: name } }),
      maxTokens: t.int({ validate: { min: 1, max: 1_000_000 } }),
      options: t.field({ type: 'RunOptions' }),
    }),
  });
}

type AskInputValue = {
  [Field in keyof Omit<AnswerRequest, 'options'>]: AnswerRequest[Field] | undefined;
} & {
  question: string;
  options?: RunOptionsValue | null | undefined;
};

function toRequest({ question, options, ...rest }: AskInputValue): AnswerRequest {
  return { ...withoutUndefined(rest), question, options: toRunOptions(options) };
}

/** `Answer`, with the mutation that waits for it and the subscription that follows it. */
export function declareAnswer(builder: Builder): void {
  declareAnswerType(builder);
  const AskInput = declareAskInput(builder);
  const AskResult = resultUnion(builder, 'AskResult', { types: ['Answer'], codes });
  builder.mutationField('ask', (t) =>
    t.field({
      type: AskResult,
      authScopes: { user: true },
      complexity: generationCost,
      args: { input: t.arg({ type: AskInput, required: true }) },
      resolve: (_root, { input }, context) =>
        asResult(codes, async () => {
          const handle = await context.services.runs.answer(toRequest(input), callerOf(context));
          return runAsResult(codes, await runResult(handle, context));
        }),
    }),
  );
  builder.subscriptionField('answer', (t) =>
    t.field({
      type: 'RunEvent',
      authScopes: { user: true },
      complexity: generationCost,
      args: { input: t.arg({ type: AskInput, required: true }) },
      subscribe: (_root, { input }, context) =>
        followRun(() => context.services.runs.answer(toRequest(input), callerOf(context)), context),
      resolve: (event) => event,
    }),
  );
}
