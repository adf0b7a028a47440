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
    description: 'A run that answers a question from a collection and cites its sources.',
    fields: (t) => ({
      question: t.exposeString('question', { description: 'The question.', authScopes: ofContent }),
      searchedFor: t.string({
        description:
          'The text that sources were searched for: the question, or a rewrite of it that includes what the conversation says.',
        authScopes: ofContent,
        resolve: async (run, _args, { loaders }) => {
          const events = await loaders.eventsOfRun.load(run.id);
          const rewritten = events.find((event) => event.type === 'QuestionRewritten');
          return rewritten?.question ?? run.question;
        },
      }),
      text: t.exposeString('text', { description: 'The answer.', authScopes: ofContent }),
      sources: t.field({
        type: ['Source'],
        description: 'The passages that were given to the model.',
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
      cached: t.exposeBoolean('cached', {
        description:
          'True if the response cache answered: the run costs nothing and calls no model.',
      }),
      degraded: t.exposeBoolean('degraded', {
        description: 'True if a fallback model or the fallback text answered.',
      }),
      promptVersion: t.field({
        type: 'PromptVersion',
        nullable: true,
        description: 'The version of the prompt that asked the model.',
        resolve: ({ promptVersionId }, _args, { loaders }) =>
          promptVersionId === null ? null : loaders.promptVersion.load(promptVersionId),
      }),
    }),
  });
  builder.objectType('Citation', {
    description: 'A claim of an answer with the words that support it.',
    fields: (t) => ({
      sourceIndex: t.exposeInt('sourceIndex', { description: 'Index in `sources`, from 0.' }),
      citedText: t.exposeString('citedText', { description: 'The supporting words.' }),
      textEnd: t.exposeInt('textEnd', {
        description: 'Where in Answer.text the claim ends.',
      }),
    }),
  });
}

function declareAskInput(builder: Builder) {
  return builder.inputType('AskInput', {
    description: 'A question to answer from a collection.',
    fields: (t) => ({
      question: t.string({
        required: true,
        description: 'The question.',
        validate: { minLength: 1, maxLength: 100_000 },
      }),
      collection: t.string({
        description: 'Name of the collection. Default: "default", or the only one there is.',
        validate: { schema: name },
      }),
      topK: t.int({
        description: 'Maximum number of passages. Default: 8.',
        validate: { min: 1, max: 100 },
      }),
      filter: t.field({
        type: 'JSON',
        description: `Condition on the documents' metadata, such as {"language": "en"}.`,
      }),
      diversity: diversityField(t),
      rerank: rerankField(t),
      prompt: t.string({
        description: 'Registered prompt to ask with. Default: "rag_qa".',
        validate: { schema: name },
      }),
      model: t.string({
        description: "Model to use. Default: the prompt version's model, then the server's.",
        validate: { schema: name },
      }),
      maxTokens: t.int({
        description: "Maximum output tokens. Default: the prompt version's, then the server's.",
        validate: { min: 1, max: 1_000_000 },
      }),
      options: t.field({ type: 'RunOptions', description: 'Options of the run.' }),
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
