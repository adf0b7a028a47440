import type { Builder } from '../builder.ts';
import { declareConnection, pageArguments, pageRequest, toConnection } from '../connection.ts';
import { encodeGlobalId } from '../global-id.ts';
import { mayAudit } from '../limits/access.ts';
import { pageCost } from '../limits/operation-limits.ts';
import { nameSchema } from '../name-schema.ts';

function declareAuditEntry(builder: Builder): void {
  builder.node('AuditEntry', {
    description: 'An administrative action, or an attempt to sign in. Entries never change.',
    id: { resolve: (entry) => entry.id },
    loadOne: async (id, context) =>
      mayAudit(context) ? context.loaders.auditEntry.load(id) : null,
    fields: (t) => ({
      at: t.expose('at', { type: 'DateTime', description: 'The time of the action.' }),
      actor: t.exposeString('actor', {
        nullable: true,
        description: 'Id of the user who acted; null for a failed sign-in.',
      }),
      apiKeyId: t.id({
        nullable: true,
        description: 'The API key of the request; null for other credentials.',
        resolve: ({ apiKeyId }) => apiKeyId && encodeGlobalId('ApiKey', apiKeyId),
      }),
      address: t.exposeString('address', {
        nullable: true,
        description: 'Address of the client; null if unknown.',
      }),
      action: t.exposeString('action', {
        description:
          'Name of the mutation, such as "setBudget"; or "signIn", "signInFailed", "signOut".',
      }),
      subject: t.exposeString('subject', {
        nullable: true,
        description: 'Name or id of what was changed.',
      }),
      detail: t.expose('detail', {
        type: 'JSON',
        nullable: true,
        description:
          'Arguments without secrets and content. `outcome` is the error code of a failed action.',
      }),
      requestId: t.exposeString('requestId', {
        description: "Id of the client's request, as in the server's log.",
      }),
    }),
  });
}

/** `AuditEntry` and the list of them. */
export function declareAuditLog(builder: Builder): void {
  declareAuditEntry(builder);
  const connection = declareConnection(builder, 'AuditEntry', 'Audit');
  const AuditFilter = builder.inputType('AuditFilter', {
    description: 'Conditions on entries, combined with AND.',
    fields: (t) => ({
      actor: t.string({ description: 'Entries of this user.', validate: { schema: nameSchema() } }),
      action: t.string({
        description: 'Entries of this action.',
        validate: { schema: nameSchema(100) },
      }),
      after: t.field({ type: 'DateTime', description: 'Entries at this time or later.' }),
      before: t.field({ type: 'DateTime', description: 'Entries before this time.' }),
    }),
  });
  builder.queryField('auditLog', (t) =>
    t.field({
      type: connection,
      description:
        'Lists administrative actions and sign-ins, newest first. For auditors and admins.',
      authScopes: { auditor: true },
      complexity: pageCost,
      args: {
        ...pageArguments(t.arg),
        filter: t.arg({ type: AuditFilter, description: 'Conditions on the entries.' }),
      },
      resolve: async (_root, { filter, ...page }, { services }) =>
        toConnection(
          await services.auth.audit.list({ ...pageRequest(page), filter: filter ?? {} }),
        ),
    }),
  );
}
