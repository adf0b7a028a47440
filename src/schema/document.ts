import { z } from 'zod';
import { asResult } from './as-result.ts';
import { billed } from './billed-embedding.ts';
import type { Builder } from './builder.ts';
import { declareConnection, pageArguments, pageRequest, toConnection } from './connection.ts';
import { parseId } from './global-id.ts';
import { generationCost, pageCost } from './operation-limits.ts';
import { resultUnion } from './result-union.ts';
import { withoutUndefined } from './without-undefined.ts';

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
      authScopes: { user: true },
      complexity: pageCost,
      args: { collection: t.arg.string(), ...pageArguments(t.arg) },
      resolve: async (_root, { collection = null, ...page }, { rooms }) =>
        toConnection(await rooms.knowledge.documents({ ...pageRequest(page), collection })),
    }),
  );
}

function declareIngestedDocuments(builder: Builder): void {
  builder.objectType('IngestedDocuments', {
    fields: (t) => ({
      documents: t.expose('documents', { type: ['Document'] }),
      created: t.exposeInt('created'),
      updated: t.exposeInt('updated'),
      unchanged: t.exposeInt('unchanged'),
      chunks: t.exposeInt('chunks'),
      rejected: t.expose('rejected', {
        type: ['RejectedDocument'],
        description: 'What was refused; the rest is stored.',
      }),
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
    fields: (t) => ({
      source: t.string({ required: true, validate: { minLength: 1, maxLength: 2_000 } }),
      title: t.string({ validate: { maxLength: 2_000 } }),
      text: t.string({ required: true, validate: { maxLength: 20_000_000 } }),
      metadata: t.field({ type: 'JSON' }),
    }),
  });
  return builder.inputType('IngestDocumentsInput', {
    fields: (t) => ({
      collection: t.string({ required: true, validate: { schema: z.string().min(1).max(200) } }),
      documents: t.field({
        type: [DocumentInput],
        required: true,
        validate: { minLength: 1, maxLength: 1_000 },
      }),
    }),
  });
}

const ingestCodes = ['EMBEDDING_UNAVAILABLE'] as const;

function declareIngestDocuments(builder: Builder): void {
  declareIngestedDocuments(builder);
  const IngestDocumentsInput = declareIngestInput(builder);
  const IngestDocumentsResult = resultUnion(builder, 'IngestDocumentsResult', {
    types: ['IngestedDocuments'],
    codes: ingestCodes,
  });
  builder.mutationField('ingestDocuments', (t) =>
    t.field({
      type: IngestDocumentsResult,
      authScopes: { admin: true },
      complexity: generationCost,
      args: { input: t.arg({ type: IngestDocumentsInput, required: true }) },
      resolve: (_root, { input }, context) =>
        asResult(ingestCodes, async () => {
          const { collection } = input;
          const documents = input.documents.map(withoutUndefined);
          return billed(context, (onBilled) =>
            context.rooms.knowledge.ingest(
              { collection, documents },
              { ...withoutUndefined({ signal: context.disconnected }), onBilled },
            ),
          );
        }),
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
      authScopes: { admin: true },
      args: { id: t.arg.id({ required: true }) },
      resolve: (_root, { id }, { rooms }) => {
        const documentId = parseId('Document', id);
        return asResult(deleteCodes, () => rooms.knowledge.deleteDocument(documentId));
      },
    }),
  );
}

/** Documents, with the mutations that bring them in and take them out. */
export function declareDocument(builder: Builder): void {
  declareDocumentType(builder);
  declareIngestDocuments(builder);
  declareDeleteDocument(builder);
}
