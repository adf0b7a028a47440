import type { Builder } from '../builder.ts';
import { declareConnection, pageArguments, pageRequest, toConnection } from '../connection.ts';
import { encodeGlobalId, parseId } from '../global-id.ts';
import { callerOf } from '../limits/access.ts';
import { pageCost } from '../limits/operation-limits.ts';
import { nameSchema } from '../name-schema.ts';
import { asResult } from '../results/as-result.ts';
import { resultUnion } from '../results/result-union.ts';

function declareDocumentType(builder: Builder): void {
  builder.node('Document', {
    description: 'An ingested document.',
    id: { resolve: (document) => document.id },
    loadOne: (id, { loaders }) => loaders.document.load(id),
    fields: (t) => ({
      collection: t.exposeString('collection', { description: 'Name of its collection.' }),
      source: t.exposeString('source', {
        description: 'Its identity within the collection, such as a path or URL.',
      }),
      title: t.exposeString('title', { nullable: true, description: 'Title, if it was given.' }),
      metadata: t.field({
        type: 'JSON',
        description: 'Metadata for filters, as it was given.',
        resolve: ({ metadata }) => metadata,
      }),
      chunks: t.exposeInt('chunks', { description: 'Number of chunks.' }),
      readers: t.exposeStringList('readers', {
        nullable: true,
        description: "The collection's readers who may read it; null for all of them.",
      }),
      createdAt: t.expose('createdAt', {
        type: 'DateTime',
        description: 'The time of the first ingest.',
      }),
      updatedAt: t.expose('updatedAt', {
        type: 'DateTime',
        description: 'The time of the last ingest that changed it.',
      }),
    }),
  });
  const documents = declareConnection(builder, 'Document');
  builder.queryField('documents', (t) =>
    t.field({
      type: documents,
      description: 'Lists the documents that the caller may read, oldest first.',
      authScopes: { user: true, editor: true },
      complexity: pageCost,
      args: {
        collection: t.arg.string({
          description: 'Documents of this collection. Default: of all.',
          validate: { schema: nameSchema() },
        }),
        ...pageArguments(t.arg),
      },
      resolve: async (_root, { collection = null, ...page }, context) => {
        const request = { ...pageRequest(page), collection };
        return toConnection(await context.services.knowledge.documents(request, callerOf(context)));
      },
    }),
  );
}

const deleteCodes = ['NOT_FOUND'] as const;

function declareDeleteDocument(builder: Builder): void {
  const DeleteDocumentResult = resultUnion(builder, 'DeleteDocumentResult', {
    types: ['Document'],
    codes: deleteCodes,
  });
  builder.mutationField('deleteDocument', (t) =>
    t.field({
      type: DeleteDocumentResult,
      description:
        'Deletes a document with its chunks and returns it as it was. For writers of its collection who may read it.',
      authScopes: { user: true, editor: true },
      audit: ({ id }, deleted) => ({
        subject: encodeGlobalId('Document', parseId('Document', id)),
        detail: { source: (deleted as { source?: string } | undefined)?.source },
      }),
      args: { id: t.arg.id({ required: true, description: 'The document.' }) },
      resolve: (_root, { id }, context) => {
        const documentId = parseId('Document', id);
        const { knowledge } = context.services;
        return asResult(deleteCodes, () => knowledge.deleteDocument(documentId, callerOf(context)));
      },
    }),
  );
}

/** Documents, and the mutation that takes them out; `ingest.ts` brings them in. */
export function declareDocument(builder: Builder): void {
  declareDocumentType(builder);
  declareDeleteDocument(builder);
}
