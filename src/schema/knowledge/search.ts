import type { SearchHit } from '../../kernel/run.ts';
import type { Builder, InputFields, ObjectFields } from '../builder.ts';
import { encodeGlobalId } from '../global-id.ts';
import { callerOf } from '../limits/access.ts';
import { generationCost } from '../limits/operation-limits.ts';
import { nameSchema } from '../name-schema.ts';
import { meterFor } from './meter-for.ts';

const passageFields = (t: ObjectFields<SearchHit>) => ({
  chunkId: t.exposeID('chunkId', { description: 'Id of the passage.' }),
  documentId: t.id({
    description: 'The document that the passage stands in.',
    resolve: ({ documentId }) => encodeGlobalId('Document', documentId),
  }),
  source: t.exposeString('source', { description: '`source` of the document.' }),
  title: t.exposeString('title', { nullable: true, description: '`title` of the document.' }),
  content: t.exposeString('content', { description: 'The passage, word for word.' }),
  score: t.exposeFloat('score', {
    description: 'Relevance from 0 to 1, comparable within one result.',
  }),
  metadata: t.field({
    type: 'JSON',
    description: 'Metadata of the document.',
    resolve: ({ metadata }) => metadata,
  }),
  headingPath: t.exposeStringList('headingPath', {
    description:
      'Titles of the enclosing headings, outermost first. The last entry holds the columns of the table if the passage starts within one.',
  }),
});

/** An argument of every operation that retrieves. */
export const diversityField = (t: InputFields) =>
  t.float({
    description: '0 (default) to 1: how much a passage is pushed down for being like better ones.',
    validate: { min: 0, max: 1 },
  });

/** An argument of every operation that retrieves. */
export const rerankField = (t: InputFields) =>
  t.string({
    description:
      'The name of a reranker (see `plugins`): it reads what was found beside the question and orders it anew. One with a model costs what the model costs.',
    validate: { schema: nameSchema() },
  });

function declareSearchInput(builder: Builder) {
  return builder.inputType('SearchInput', {
    description: 'A search in one collection.',
    fields: (t) => ({
      query: t.string({
        required: true,
        description: 'What to search for, as a question or as keywords.',
        validate: { minLength: 1, maxLength: 100_000 },
      }),
      collection: t.string({
        description: 'Name of the collection. Default: "default", or the only one there is.',
        validate: { schema: nameSchema() },
      }),
      topK: t.int({
        description: 'Maximum number of passages. Default: 8.',
        validate: { min: 1, max: 100 },
      }),
      filter: t.field({
        type: 'JSON',
        description: `Condition on the documents' metadata, such as {"language": "en"}.`,
      }),
      mode: t.field({ type: 'SearchMode', description: 'Signals to use. Default: HYBRID.' }),
      diversity: diversityField(t),
      rerank: rerankField(t),
      embedderWeight: t.float({
        description:
          "Weight of the embedder's score beside keywords, in place of the collection's setting: to compare weights.",
        validate: { min: 0, max: 1 },
      }),
      latentWeight: t.float({
        description: "Weight of the collection's latent space, likewise.",
        validate: { min: 0, max: 1 },
      }),
    }),
  });
}

const notNull = <Value>(value: Value | null | undefined): Value | undefined => value ?? undefined;

/** Passages: as sources of an answer, and found by search alone. */
export function declareSearch(builder: Builder): void {
  builder.objectType('Source', {
    description: 'A passage that an answer was given to cite from.',
    fields: passageFields,
  });
  builder.objectType('SearchHit', {
    description: 'A passage found by a search.',
    fields: passageFields,
  });
  const SearchInput = declareSearchInput(builder);
  builder.queryField('search', (t) =>
    t.field({
      type: ['SearchHit'],
      description: 'Retrieval alone, best first.',
      authScopes: { user: true, editor: true },
      complexity: ({ input }) => (input.rerank == null ? 1 : generationCost),
      args: { input: t.arg({ type: SearchInput, required: true }) },
      resolve: (_root, { input }, context) => {
        const { query, filter, rerank: reranker } = input;
        const { runs, knowledge } = context.services;
        const request = {
          collection: notNull(input.collection),
          topK: notNull(input.topK),
          mode: notNull(input.mode),
          diversity: notNull(input.diversity),
          embedderWeight: notNull(input.embedderWeight),
          latentWeight: notNull(input.latentWeight),
          signal: context.disconnected,
        };
        const rerank =
          reranker == null
            ? undefined
            : runs.rerank({ reranker, query, signal: context.disconnected }, callerOf(context));
        const meter = meterFor(context);
        return knowledge.search({
          query,
          filter,
          meter,
          ...request,
          rerank,
        });
      },
    }),
  );
}
