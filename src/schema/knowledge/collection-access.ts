import { z } from 'zod';
import type { Builder } from '../builder.ts';
import { nameSchema } from '../name-schema.ts';

/** `collectionAccess`: why a user finds what it finds. */
export function declareCollectionAccess(builder: Builder): void {
  builder.objectType('CollectionAccess', {
    description: 'A collection as a user meets it.',
    fields: (t) => ({
      collection: t.exposeString('collection', { description: 'Name of the collection.' }),
      mayRead: t.exposeBoolean('mayRead', {
        description: 'True if the user may read the collection.',
      }),
      reason: t.exposeString('reason', {
        description: 'Why, or why not, and what to change.',
      }),
      documents: t.exposeInt('documents', { description: 'Number of documents.' }),
      readableDocuments: t.exposeInt('readableDocuments', {
        description: 'Number of documents that the user may read.',
      }),
    }),
  });
  builder.queryField('collectionAccess', (t) =>
    t.field({
      type: ['CollectionAccess'],
      description:
        'Explains for each collection whether a user with the role USER may read it. For admins.',
      authScopes: { admin: true },
      args: {
        userId: t.arg.string({
          required: true,
          description: 'The user.',
          validate: { schema: nameSchema() },
        }),
        groups: t.arg.stringList({
          description: "Groups of the user's token or key. Default: none.",
          validate: { schema: z.array(nameSchema(255)).max(1_000) },
        }),
      },
      resolve: (_root, { userId, groups }, { services }) =>
        services.knowledge.access({ userId, groups: groups ?? [], roles: ['USER'] }),
    }),
  );
}
