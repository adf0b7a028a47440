import type { Builder } from '../builder.ts';
import { callerOf } from '../limits/access.ts';
import { nameSchema } from '../name-schema.ts';
import { asResult } from '../results/as-result.ts';
import { resultUnion } from '../results/result-union.ts';

function declareCollectionType(builder: Builder): void {
  builder.objectType('Collection', {
    fields: (t) => ({
      name: t.exposeString('name'),
      documents: t.exposeInt('documents'),
      chunks: t.exposeInt('chunks'),
      embeddingModel: t.exposeString('embeddingModel'),
      dimensions: t.exposeInt('dimensions'),
      embedderWeight: t.exposeFloat('embedderWeight', {
        nullable: true,
        description:
          "What the embedder's score counts beside keywords in a hybrid search, where it was calibrated for this collection; null: the embedder's own weight.",
      }),
      latentChunks: t.exposeInt('latentChunks', {
        description: 'Chunks that its latent space was fitted to; 0 before the first fit.',
      }),
      reembedding: t.expose('reembedding', {
        type: 'Reembedding',
        nullable: true,
        description: 'The embedder that is to take over. Until then `embeddingModel` serves.',
      }),
    }),
  });
  builder.objectType('Reembedding', {
    fields: (t) => ({
      embeddingModel: t.exposeString('embeddingModel'),
      dimensions: t.exposeInt('dimensions'),
      chunks: t.exposeInt('chunks', {
        description: 'Chunks that have its vector by now; it takes over when all have.',
      }),
      problem: t.exposeString('problem', {
        nullable: true,
        description: 'What kept the last attempt from going on. It is tried again every minute.',
      }),
    }),
  });
}

const updateCodes = ['COLLECTION_NOT_FOUND', 'EMBEDDING_UNAVAILABLE'] as const;

function declareUpdateCollection(builder: Builder): void {
  const UpdateCollectionInput = builder.inputType('UpdateCollectionInput', {
    description: 'What is left out stays as it is.',
    fields: (t) => ({
      name: t.string({ required: true, validate: { schema: nameSchema() } }),
      embeddingModel: t.string({
        description:
          'Another embedder of this server. Its vectors are made in the background while the present ones serve. The present one calls a change off.',
        validate: { schema: nameSchema() },
      }),
      embedderWeight: t.float({
        description: "0 to 1; null: the embedder's own weight again.",
        validate: { min: 0, max: 1 },
      }),
    }),
  });
  const UpdateCollectionResult = resultUnion(builder, 'UpdateCollectionResult', {
    types: ['Collection'],
    codes: updateCodes,
  });
  builder.mutationField('updateCollection', (t) =>
    t.field({
      type: UpdateCollectionResult,
      authScopes: { editor: true },
      audit: ({ input: { name: subject, ...detail } }) => ({ subject, detail }),
      args: { input: t.arg({ type: UpdateCollectionInput, required: true }) },
      resolve: (_root, { input }, context) =>
        asResult(updateCodes, () => {
          const { embeddingModel, ...rest } = input;
          const change = { ...rest, embeddingModel: embeddingModel ?? undefined };
          return context.services.knowledge.updateCollection(change, callerOf(context).userId);
        }),
    }),
  );
}

const deleteCodes = ['COLLECTION_NOT_FOUND'] as const;

function declareDeleteCollection(builder: Builder): void {
  const DeleteCollectionResult = resultUnion(builder, 'DeleteCollectionResult', {
    types: ['Collection'],
    codes: deleteCodes,
  });
  builder.mutationField('deleteCollection', (t) =>
    t.field({
      type: DeleteCollectionResult,
      description: 'Removes it with all its documents, and answers what it was.',
      authScopes: { editor: true },
      audit: ({ name: subject }) => ({ subject }),
      args: { name: t.arg.string({ required: true, validate: { schema: nameSchema() } }) },
      resolve: (_root, { name }, { services }) =>
        asResult(deleteCodes, () => services.knowledge.deleteCollection(name)),
    }),
  );
}

/** Collections, and the mutations that change their settings and delete them. */
export function declareCollection(builder: Builder): void {
  declareCollectionType(builder);
  builder.queryField('collections', (t) =>
    t.field({
      type: ['Collection'],
      authScopes: { user: true, editor: true },
      resolve: (_root, _args, { services }) => services.knowledge.collections(),
    }),
  );
  declareUpdateCollection(builder);
  declareDeleteCollection(builder);
}
