import type { StoredError } from '../../kernel/errors.ts';
import type { Builder } from '../builder.ts';
import type { GraphQLContext } from '../context.ts';
import { encodeGlobalId, parseId } from '../global-id.ts';
import { callerOf, mayRead, ofContent } from '../limits/access.ts';
import { asResult } from '../results/as-result.ts';
import { ErrorData } from '../results/error-data.ts';
import { resultUnion } from '../results/result-union.ts';
import { type RunView, runTypeName, runTypes } from './run-view.ts';

/** An answer that was not of its schema stands in its error: callers who may not read answers get the error without. */
function shownError({ error, userId }: RunView, context: GraphQLContext): StoredError {
  const shown = error!;
  if (shown.code !== 'OUTPUT_INVALID' || mayRead(context, 'content', userId)) return shown;
  return { ...shown, details: { text: '', issues: [] } };
}

function declareRunInterface(builder: Builder): void {
  builder.interfaceType('Run', {
    description:
      'A run is one piece of model work: a completion, an answer from knowledge, or an agent run. It is an append-only log of events; streaming reads the log live, resuming reads it from a cursor, and cost is what its model calls summed to.',
    interfaces: [builder.nodeInterfaceRef()],
    resolveType: runTypeName,
    fields: (t) => ({
      id: t.id({
        description: 'Id of the run, the same on every type of run.',
        resolve: (run) => encodeGlobalId('Run', run.id),
      }),
      status: t.expose('status', { type: 'RunStatus', description: 'State of the run.' }),
      createdAt: t.expose('createdAt', {
        type: 'DateTime',
        description: 'The time when the run began.',
      }),
      finishedAt: t.expose('finishedAt', {
        type: 'DateTime',
        nullable: true,
        description: 'The time when the run ended; null before.',
      }),
      model: t.exposeString('model', {
        description: 'The model that answered, or "fallback" when the fallback text was used.',
      }),
      usage: t.field({
        type: 'TokenUsage',
        description: 'Tokens of all model calls of the run, retries included.',
        resolve: async (run, _args, { loaders }) =>
          (await run.spent) ?? loaders.usageOfRun.load(run.id),
      }),
      cost: t.field({
        type: 'USD',
        nullable: true,
        description: "Null only when the model's price is not known.",
        resolve: async (run, _args, { loaders }) =>
          ((await run.spent) ?? (await loaders.usageOfRun.load(run.id))).cost,
      }),
      durationMs: t.exposeFloat('durationMs', {
        nullable: true,
        description: 'Time from start to end; null before the end.',
      }),
      userId: t.exposeString('userId', {
        description: 'The user who began the run and pays for it.',
      }),
      requestId: t.exposeString('requestId', {
        description: "Id of the client's request, as in the server's log.",
      }),
      error: t.field({
        type: 'Error',
        nullable: true,
        description: 'Why the run failed or was cancelled; null otherwise.',
        resolve: (run, _args, context) =>
          run.error && new ErrorData(shownError(run, context), run.id),
      }),
      tags: t.stringList({
        description: 'Tags from `RunOptions.tags`.',
        resolve: (run) => [...run.tags],
      }),
      metadata: t.expose('metadata', {
        type: 'JSON',
        nullable: true,
        description: 'JSON from `RunOptions.metadata`.',
        authScopes: ofContent,
      }),
      scores: t.field({
        type: ['Score'],
        description: 'Scores of the run, oldest first.',
        authScopes: ofContent,
        resolve: (run, _args, { loaders }) => loaders.scoresOfRun.load(run.id),
      }),
      continues: t.field({
        type: 'Run',
        nullable: true,
        description: 'The run that this one continues; null if it begins a conversation.',
        resolve: ({ continuesRunId }, _args, { loaders }) =>
          continuesRunId === null ? null : loaders.run.load(continuesRunId),
      }),
      conversation: t.field({
        type: 'Conversation',
        nullable: true,
        description: 'The conversation that the run belongs to.',
        resolve: ({ conversationId }, _args, { loaders }) =>
          conversationId === null ? null : loaders.conversation.load(conversationId),
      }),
      messages: t.field({
        type: ['Message'],
        description:
          'What was sent to the model by the caller: the whole conversation, earlier turns included, the system prompt not.',
        authScopes: ofContent,
        complexity: { field: 1, multiplier: 20 },
        resolve: (run, _args, { loaders }) => loaders.messagesOfRun.load(run.id),
      }),
      subRuns: t.field({
        type: ['Run'],
        description: 'Runs of sub-agents that work for this run, oldest first.',
        resolve: (run, _args, { loaders }) => loaders.subRunsOfRun.load(run.id),
      }),
    }),
  });
}

function declareRunFields(builder: Builder): void {
  builder.queryField('run', (t) =>
    t.field({
      type: 'Run',
      nullable: true,
      description: 'Finds a run by its id; null if there is none or the caller may not read it.',
      authScopes: { user: true, editor: true, operator: true, auditor: true },
      args: { id: t.arg.id({ required: true, description: 'The run.' }) },
      resolve: (_root, { id }, { loaders }) => loaders.run.load(parseId('Run', id)),
    }),
  );
}

const cancelCodes = ['RUN_NOT_FOUND', 'CONFLICT'] as const;

/** Stopping one's own run, or none, is nothing administrative. */
function isOwn(cancelled: unknown, context: GraphQLContext): boolean {
  const run = cancelled as RunView | undefined;
  return run === undefined || run.userId === callerOf(context).userId;
}

function declareCancelRun(builder: Builder): void {
  const CancelRunResult = resultUnion(builder, 'CancelRunResult', {
    types: Object.values(runTypes),
    codes: cancelCodes,
    successType: runTypeName,
  });
  builder.mutationField('cancelRun', (t) =>
    t.field({
      type: CancelRunResult,
      description: 'Cancels a run on whichever server executes it. Text and cost so far are kept.',
      authScopes: { user: true, editor: true, operator: true },
      audit: ({ id }, cancelled, context) =>
        isOwn(cancelled, context) ? null : { subject: encodeGlobalId('Run', parseId('Run', id)) },
      args: { id: t.arg.id({ required: true, description: 'The run.' }) },
      resolve: (_root, { id }, context) => {
        const runId = parseId('Run', id);
        return asResult(cancelCodes, () => context.services.runs.cancel(runId, callerOf(context)));
      },
    }),
  );
}

/** The `Run` interface, and what can be done with a run of any kind. */
export function declareRun(builder: Builder): void {
  declareRunInterface(builder);
  declareRunFields(builder);
  declareCancelRun(builder);
}
