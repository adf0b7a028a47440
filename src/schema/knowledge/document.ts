import type { Builder } from '../builder.ts';
import { declareConnection, pageArguments, pageRequest, toConnection } from '../connection.ts';
import { encodeGlobalId, parseId } from '../global-id.ts';
import { pageCost } from '../limits/operation-limits.ts';
import { nameSchema } from '../name-schema.ts';
import { asResult } from '../results/as-result.ts';
import { resultUnion } from '../results/result-union.ts';

function declareDocumentType(builder: Builder): void {
  builder.node('Document', {
    id: { resolve: (document) => document.id },
    loadOne: (id, { loaders }) => loaders.document.load(id),
    fields: (t) => ({
      collection: t.exposeString('collection'),
      source: t.exposeString('source'),
      title: t.exposeString('title', { nullable: true }),
      metadata: t.field({ type: 'JSON', resolve: ({ metadata }) => metadata }),
      chunks: t.exposeInt('chunks'),
      createdAt: t.expose('createdAt', { type: 'DateTime' }),
      updatedAt: t.expose('updatedAt', { type: 'DateTime' }),
    }),
  });
  const documents = declareConnection(builder, 'Document');
  builder.queryField('documents', (t) =>
    t.field({
      type: documents,
      authScopes: { user: true, editor: true },
      complexity: pageCost,
      args: {
        collection: t.arg.string({ validate: { schema: nameSchema() } }),
        ...pageArguments(t.arg),
      },
      resolve: async (_root, { collection = null, ...page }, { services }) =>
        toConnection(await services.knowledge.documents({ ...pageRequest(page), collection })),
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
      authScopes: { editor: true },
      audit: ({ id }, deleted) => ({
        subject: encodeGlobalId('Document', parseId('Document', id)),
        detail: { source: (deleted as { source?: string } | undefined)?.source },
      }),
      args: { id: t.arg.id({ required: true }) },
      resolve: (_root, { id }, { services }) => {
        const documentId = parseId('Document', id);
        return asResult(deleteCodes, () => services.knowledge.deleteDocument(documentId));
      },
    }),
  );
}

/** Documents, and the mutation that takes them out; `ingest.ts` brings them in. */
export function declareDocument(builder: Builder): void {
  declareDocumentType(builder);
  declareDeleteDocument(builder);
}
