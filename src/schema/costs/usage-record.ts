import type { Builder } from '../builder.ts';
import { declareConnection, pageArguments, pageRequest, toConnection } from '../connection.ts';
import { encodeGlobalId, parseId } from '../global-id.ts';
import { mayRead, userScope } from '../limits/access.ts';
import { pageCost } from '../limits/operation-limits.ts';
import { nameSchema } from '../name-schema.ts';

function declareUsageRecordType(builder: Builder): void {
  builder.node('UsageRecord', {
    id: { resolve: (record) => record.id },
    loadOne: async (id, context) => {
      const record = await context.loaders.usageRecord.load(id);
      return record && mayRead(context, 'costs', record.userId) ? record : null;
    },
    fields: (t) => ({
      runId: t.id({ resolve: ({ runId }) => encodeGlobalId('Run', runId) }),
      requestId: t.exposeString('requestId'),
      userId: t.exposeString('userId'),
      kind: t.expose('kind', { type: 'RunKind' }),
      model: t.exposeString('model'),
      usage: t.field({ type: 'TokenUsage', resolve: (record) => record }),
      cost: t.expose('cost', { type: 'USD', nullable: true }),
      durationMs: t.exposeFloat('durationMs'),
      status: t.exposeString('status'),
      promptVersion: t.field({
        type: 'PromptVersion',
        nullable: true,
        resolve: ({ promptVersionId }, _args, { loaders }) =>
          promptVersionId === null ? null : loaders.promptVersion.load(promptVersionId),
      }),
      createdAt: t.expose('createdAt', { type: 'DateTime' }),
    }),
  });
}

/** `UsageRecord`, and the list of one's own, for an admin of everybody's. */
export function declareUsageRecord(builder: Builder): void {
  declareUsageRecordType(builder);
  const usageRecords = declareConnection(builder, 'UsageRecord');
  builder.queryField('usageRecords', (t) =>
    t.field({
      type: usageRecords,
      description: 'Newest first; the caller’s own, for an admin everybody’s.',
      authScopes: { user: true, auditor: true },
      complexity: pageCost,
      args: {
        ...pageArguments(t.arg),
        userId: t.arg.string({ validate: { schema: nameSchema() } }),
        runId: t.arg.id(),
      },
      resolve: async (_root, { userId, runId, ...page }, context) => {
        const request = {
          ...pageRequest(page),
          userId: userScope(context, 'costs', userId),
          runId: runId == null ? null : parseId('Run', runId, ['runId']),
        };
        return toConnection(await context.services.ledger.usageRecords(request));
      },
    }),
  );
}
