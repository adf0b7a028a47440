import type { Builder } from '../builder.ts';
import { diversityField, rerankField } from '../knowledge/search.ts';
import { ofContent } from '../limits/access.ts';
import { nameSchema } from '../name-schema.ts';
import { resultUnion } from '../results/result-union.ts';
import { completionCodes } from './completion-codes.ts';
import { runInterfaces } from './run-interfaces.ts';
import { declareRunOperation } from './run-operation.ts';

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
      question: t.exposeString('question', { authScopes: ofContent }),
      text: t.exposeString('text', { authScopes: ofContent }),
      sources: t.field({
        type: ['Source'],
        authScopes: ofContent,
        resolve: async (run, _args, { loaders }) =>
          (await loaders.eventsOfRun.load(run.id)).flatMap((event) =>
            event.type === 'SourcesFound' ? event.sources : [],
          ),
      }),
      citations: t.field({
        type: ['Citation'],
        authScopes: ofContent,
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

/** `Answer`, and the operation that begins one. */
export function declareAnswer(builder: Builder): void {
  declareAnswerType(builder);
  const AskInput = declareAskInput(builder);
  declareRunOperation(builder, {
    mutation: {
      name: 'ask',
      description: 'Searches a collection and returns an answer that cites its sources.',
    },
    subscription: {
      name: 'answer',
      description: 'Searches a collection and streams the events of the answer.',
    },
    result: resultUnion(builder, 'AskResult', { types: ['Answer'], codes }),
    codes,
    args: (arg) => ({ input: arg({ type: AskInput, required: true }) }),
    start: ({ input }, runs, { caller }) => runs.answer(input, caller),
  });
}
