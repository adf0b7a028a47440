import type { Builder } from '../builder.ts';
import { declareConnection, pageArguments, pageRequest, toConnection } from '../connection.ts';
import { encodeGlobalId } from '../global-id.ts';
import { mayAudit } from '../limits/access.ts';
import { pageCost } from '../limits/operation-limits.ts';
import { nameSchema } from '../name-schema.ts';

function declareAuditEntry(builder: Builder): void {
  builder.node('AuditEntry', {
    description: 'Something that was done to the service, or an attempt to sign in. Never changed.',
    id: { resolve: (entry) => entry.id },
    loadOne: async (id, context) =>
      mayAudit(context) ? context.loaders.auditEntry.load(id) : null,
    fields: (t) => ({
      at: t.expose('at', { type: 'DateTime' }),
      actor: t.exposeString('actor', {
        nullable: true,
        description: 'A user id; null for a failed sign-in.',
      }),
      apiKeyId: t.id({
        nullable: true,
        resolve: ({ apiKeyId }) => apiKeyId && encodeGlobalId('ApiKey', apiKeyId),
      }),
      address: t.exposeString('address', { nullable: true }),
      action: t.exposeString('action', {
        description: 'A mutation’s name, as `setBudget`; or `signIn`, `signInFailed`, `signOut`.',
      }),
      subject: t.exposeString('subject', { nullable: true, description: 'What it was done to.' }),
      detail: t.expose('detail', {
        type: 'JSON',
        nullable: true,
        description:
          'Arguments without secrets and without content; `outcome` is the code of what went wrong.',
      }),
      requestId: t.exposeString('requestId'),
    }),
  });
}

/** `AuditEntry` and the list of them. */
export function declareAuditLog(builder: Builder): void {
  declareAuditEntry(builder);
  const connection = declareConnection(builder, 'AuditEntry', 'Audit');
  const AuditFilter = builder.inputType('AuditFilter', {
    description: 'Entries that are all of what is given.',
    fields: (t) => ({
      actor: t.string({ validate: { schema: nameSchema() } }),
      action: t.string({ validate: { schema: nameSchema(100) } }),
      after: t.field({ type: 'DateTime' }),
      before: t.field({ type: 'DateTime' }),
    }),
  });
  builder.queryField('auditLog', (t) =>
    t.field({
      type: connection,
      description: 'Who did what to the service, newest first.',
      authScopes: { auditor: true },
      complexity: pageCost,
      args: { ...pageArguments(t.arg), filter: t.arg({ type: AuditFilter }) },
      resolve: async (_root, { filter, ...page }, { services }) =>
        toConnection(
          await services.auth.audit.list({ ...pageRequest(page), filter: filter ?? {} }),
        ),
    }),
  );
}
