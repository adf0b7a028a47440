import type { UsageRecordRow } from '../../ledger/ledger.ts';
import type { Builder, ObjectFields } from '../builder.ts';
import { declareConnection, pageArguments, pageRequest, toConnection } from '../connection.ts';
import { encodeGlobalId, parseId } from '../global-id.ts';
import { mayRead, userScope } from '../limits/access.ts';
import { pageCost } from '../limits/operation-limits.ts';
import { nameSchema } from '../name-schema.ts';

/** The call itself. */
const callFields = (t: ObjectFields<UsageRecordRow>) => ({
  model: t.exposeString('model', { description: 'The model that was called.' }),
  usage: t.field({
    type: 'TokenUsage',
    description: 'Tokens of the call.',
    resolve: (record) => record,
  }),
  cost: t.expose('cost', {
    type: 'USD',
    nullable: true,
    description: "Exact cost; null if the model's price is not known.",
  }),
  durationMs: t.exposeFloat('durationMs', { description: 'Duration of the call.' }),
  status: t.exposeString('status', {
    description: '"succeeded", "failed", "cancelled" or "interrupted".',
  }),
});

function declareUsageRecordType(builder: Builder): void {
  builder.node('UsageRecord', {
    description:
      'One billed model call, or one call that the response cache answered. Records are written once and never change, except that an estimate is replaced by the true usage.',
    id: { resolve: (record) => record.id },
    loadOne: async (id, context) => {
      const record = await context.loaders.usageRecord.load(id);
      return record && mayRead(context, 'costs', record.userId) ? record : null;
    },
    fields: (t) => ({
      runId: t.id({
        description: 'The run that made the call.',
        resolve: ({ runId }) => encodeGlobalId('Run', runId),
      }),
      requestId: t.exposeString('requestId', {
        description: "Id of the client's request, as in the server's log.",
      }),
      userId: t.exposeString('userId', { description: 'The user who pays.' }),
      kind: t.expose('kind', {
        type: 'RunKind',
        description:
          'Kind of the run that made the call. EMBEDDING also stands for calls of an embedder.',
      }),
      ...callFields(t),

      promptVersion: t.field({
        type: 'PromptVersion',
        nullable: true,
        description: 'The version of the registered prompt; null for other calls.',
        resolve: ({ promptVersionId }, _args, { loaders }) =>
          promptVersionId === null ? null : loaders.promptVersion.load(promptVersionId),
      }),
      createdAt: t.expose('createdAt', {
        type: 'DateTime',
        description: 'The time when the call was held: the day and month that pay for it.',
      }),
    }),
  });
}

/** `UsageRecord`, and the list of the caller's records, or those of all users. */
export function declareUsageRecord(builder: Builder): void {
  declareUsageRecordType(builder);
  const usageRecords = declareConnection(builder, 'UsageRecord');
  builder.queryField('usageRecords', (t) =>
    t.field({
      type: usageRecords,
      description:
        "Lists usage records, newest first: the caller's own, or everybody's for roles that may read all costs.",
      authScopes: { user: true, auditor: true },
      complexity: pageCost,
      args: {
        ...pageArguments(t.arg),
        userId: t.arg.string({
          description: 'Records of this user.',
          validate: { schema: nameSchema() },
        }),
        runId: t.arg.id({ description: 'Records of this run.' }),
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
