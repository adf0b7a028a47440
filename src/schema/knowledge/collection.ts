import type { Builder } from '../builder.ts';
import { callerOf } from '../limits/access.ts';
import { nameSchema } from '../name-schema.ts';
import { asResult } from '../results/as-result.ts';
import { resultUnion } from '../results/result-union.ts';
import { readersField } from './readers-field.ts';

function declareCollectionType(builder: Builder): void {
  builder.objectType('Collection', {
    description: 'A named set of documents that are searched together.',
    fields: (t) => ({
      name: t.exposeString('name', { description: 'Unique name.' }),
      documents: t.exposeInt('documents', { description: 'Number of documents.' }),
      chunks: t.exposeInt('chunks', {
        description: 'Number of chunks: the passages that are indexed and found.',
      }),
      embeddingModel: t.exposeString('embeddingModel', {
        description: 'The embedder of its vectors.',
      }),
      dimensions: t.exposeInt('dimensions', { description: 'Dimensions of its vectors.' }),
      embedderWeight: t.exposeFloat('embedderWeight', {
        nullable: true,
        description:
          "Weight of the embedder's score beside keywords in a hybrid search, if it was calibrated for this collection; null: the embedder's own weight.",
      }),
      latentChunks: t.exposeInt('latentChunks', {
        description: 'Chunks that the latent space was fitted to; 0 before the first fit.',
      }),
      reembedding: t.expose('reembedding', {
        type: 'Reembedding',
        nullable: true,
        description:
          'The embedder that will take over; null if none. Until then `embeddingModel` serves.',
      }),
      readers: t.exposeStringList('readers', {
        description:
          'Who may read it, in addition to admins: `user:NAME`, `group:NAME`, or `*` for every signed-in caller.',
      }),
      writers: t.exposeStringList('writers', {
        description:
          'Who may ingest and delete documents, in addition to admins and whatever their role. If empty: editors.',
      }),
    }),
  });
  builder.objectType('Reembedding', {
    description: 'Progress of a change of embedder.',
    fields: (t) => ({
      embeddingModel: t.exposeString('embeddingModel', { description: 'The new embedder.' }),
      dimensions: t.exposeInt('dimensions', { description: 'Dimensions of the new vectors.' }),
      chunks: t.exposeInt('chunks', {
        description:
          'Chunks that have a new vector. The new embedder takes over when all have one.',
      }),
      problem: t.exposeString('problem', {
        nullable: true,
        description: 'Why the last attempt failed. It is retried every minute.',
      }),
    }),
  });
}

const updateCodes = ['COLLECTION_NOT_FOUND', 'EMBEDDING_UNAVAILABLE'] as const;

function declareUpdateCollection(builder: Builder): void {
  const UpdateCollectionInput = builder.inputType('UpdateCollectionInput', {
    description: 'Settings to change. A member that is left out stays unchanged.',
    fields: (t) => ({
      name: t.string({
        required: true,
        description: 'The collection.',
        validate: { schema: nameSchema() },
      }),
      embeddingModel: t.string({
        description:
          'Another embedder of this server. Its vectors are computed in the background while the present ones serve. The present embedder cancels a change.',
        validate: { schema: nameSchema() },
      }),
      embedderWeight: t.float({
        description: "0 to 1; null restores the embedder's own weight.",
        validate: { min: 0, max: 1 },
      }),
      readers: readersField(t, { description: 'Replaces the readers.' }),
      writers: readersField(t, {
        description: 'Replaces the writers; an empty list: every editor.',
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
      description: 'Changes the settings of a collection. For editors and admins.',
      authScopes: { editor: true },
      audit: ({ input: { name: subject, ...detail } }) => ({ subject, detail }),
      args: { input: t.arg({ type: UpdateCollectionInput, required: true }) },
      resolve: (_root, { input }, context) =>
        asResult(updateCodes, () => {
          const { embeddingModel, readers, writers, ...rest } = input;
          const change = {
            ...rest,
            embeddingModel: embeddingModel ?? undefined,
            readers: readers ?? undefined,
            writers: writers ?? undefined,
          };
          return context.services.knowledge.updateCollection(change, callerOf(context));
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
      description:
        'Deletes a collection with all its documents and returns it as it was. For editors and admins.',
      authScopes: { editor: true },
      audit: ({ name: subject }) => ({ subject }),
      args: {
        name: t.arg.string({
          required: true,
          description: 'The collection.',
          validate: { schema: nameSchema() },
        }),
      },
      resolve: (_root, { name }, context) =>
        asResult(deleteCodes, () =>
          context.services.knowledge.deleteCollection(name, callerOf(context)),
        ),
    }),
  );
}

/** Collections, and the mutations that change their settings and delete them. */
export function declareCollection(builder: Builder): void {
  declareCollectionType(builder);
  builder.queryField('collections', (t) =>
    t.field({
      type: ['Collection'],
      description:
        'Lists the collections that the caller may read, and counts what it may read in them.',
      authScopes: { user: true, editor: true },
      resolve: (_root, _args, context) => context.services.knowledge.collections(callerOf(context)),
    }),
  );
  declareUpdateCollection(builder);
  declareDeleteCollection(builder);
}
