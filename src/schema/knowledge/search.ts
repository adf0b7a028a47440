import type { SearchHit } from '../../kernel/run.ts';
import type { Builder, InputFields, ObjectFields } from '../builder.ts';
import { encodeGlobalId } from '../global-id.ts';
import { callerOf } from '../limits/access.ts';
import { generationCost } from '../limits/operation-limits.ts';
import { nameSchema } from '../name-schema.ts';
import { meterFor } from './meter-for.ts';

const passageFields = (t: ObjectFields<SearchHit>) => ({
  chunkId: t.exposeID('chunkId'),
  documentId: t.id({ resolve: ({ documentId }) => encodeGlobalId('Document', documentId) }),
  source: t.exposeString('source'),
  title: t.exposeString('title', { nullable: true }),
  content: t.exposeString('content'),
  score: t.exposeFloat('score'),
  metadata: t.field({ type: 'JSON', resolve: ({ metadata }) => metadata }),
  headingPath: t.exposeStringList('headingPath', {
    description:
      'Titles of the headings above, outermost first; last the columns of the table that the passage begins inside of.',
  }),
});

/** An argument of whatever retrieves. */
export const diversityField = (t: InputFields) =>
  t.float({
    description: '0 (default) to 1: how much a passage is pushed down for being like better ones.',
    validate: { min: 0, max: 1 },
  });

/** An argument of whatever retrieves. */
export const rerankField = (t: InputFields) =>
  t.string({
    description:
      'The name of a reranker (see `plugins`): it reads what was found beside the question and orders it anew. One with a model costs what the model costs.',
    validate: { schema: nameSchema() },
  });

function declareSearchInput(builder: Builder) {
  return builder.inputType('SearchInput', {
    fields: (t) => ({
      query: t.string({ required: true, validate: { minLength: 1, maxLength: 100_000 } }),
      collection: t.string({ validate: { schema: nameSchema() } }),
      topK: t.int({ validate: { min: 1, max: 100 } }),
      filter: t.field({ type: 'JSON' }),
      mode: t.field({ type: 'SearchMode' }),
      diversity: diversityField(t),
      rerank: rerankField(t),
      embedderWeight: t.float({
        description:
          "What the embedder's score counts beside keywords, instead of the collection's setting: to compare weights.",
        validate: { min: 0, max: 1 },
      }),
      latentWeight: t.float({
        description: "What the collection's latent space counts, likewise.",
        validate: { min: 0, max: 1 },
      }),
    }),
  });
}

const notNull = <Value>(value: Value | null | undefined): Value | undefined => value ?? undefined;

/** Passages: as sources of an answer, and found by search alone. */
export function declareSearch(builder: Builder): void {
  builder.objectType('Source', { fields: passageFields });
  builder.objectType('SearchHit', { fields: passageFields });
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
