import type { RunEvent } from '../../kernel/events.ts';
import type { AgentRequest, RunHandle, RunRecord } from '../../runs/runs.ts';
import type { Builder } from '../builder.ts';
import type { GraphQLContext } from '../context.ts';
import { callerOf } from '../limits/access.ts';
import { generationCost } from '../limits/operation-limits.ts';
import { nameSchema } from '../name-schema.ts';
import { asResult, runAsResult } from '../results/as-result.ts';
import { resultUnion } from '../results/result-union.ts';
import { withoutUndefined } from '../without-undefined.ts';
import { followRun } from './run-event-stream.ts';
import { runInterfaces } from './run-interfaces.ts';
import { type RunOptionsValue, toRunOptions } from './run-options.ts';
import { runResult } from './run-result.ts';

const codes = ['AGENT_NOT_FOUND', 'BUDGET_EXCEEDED', 'CONFLICT'] as const;

const name = nameSchema();

function declareAgentRunType(builder: Builder): void {
  builder.objectType('AgentRun', {
    interfaces: runInterfaces(builder),
    fields: (t) => ({
      agent: t.string({ resolve: (run) => run.agent ?? '' }),
      message: t.exposeString('message'),
      text: t.exposeString('text', {
        description: 'The final text, empty until the run has finished.',
      }),
      output: t.expose('output', { type: 'JSON', nullable: true }),
      turns: t.field({
        type: ['AgentTurn'],
        resolve: async (run, _args, { loaders }) =>
          (await loaders.eventsOfRun.load(run.id)).flatMap((event) =>
            event.type === 'TurnFinished' ? { ...event.turn, runId: run.id } : [],
          ),
      }),
      maxTurns: t.exposeInt('maxTurns'),
      approvals: t.field({
        type: ['Approval'],
        description: "The run's own and those of the sub-agents that work for it, oldest first.",
        resolve: (run, _args, { loaders }) => loaders.approvalsOfRun.load(run.id),
      }),
    }),
  });
}

function declareTurn(builder: Builder): void {
  builder.objectType('AgentTurn', {
    fields: (t) => ({
      number: t.exposeInt('number'),
      text: t.exposeString('text'),
      toolCalls: t.field({
        type: ['ToolCall'],
        resolve: ({ runId, toolCalls }) => toolCalls.map((call) => ({ ...call, runId })),
      }),
      usage: t.expose('usage', { type: 'TokenUsage' }),
      cost: t.expose('cost', { type: 'USD', nullable: true }),
    }),
  });
  builder.objectType('ToolCall', {
    fields: (t) => ({
      id: t.exposeID('id'),
      tool: t.exposeString('tool'),
      input: t.field({ type: 'JSON', resolve: (call) => call.input }),
      output: t.expose('output', { type: 'JSON', nullable: true }),
      isError: t.exposeBoolean('isError'),
      attempts: t.exposeInt('attempts'),
      durationMs: t.exposeFloat('durationMs', { nullable: true }),
      approval: t.field({
        type: 'Approval',
        nullable: true,
        resolve: async ({ runId, id }, _args, { loaders }) =>
          (await loaders.approvalsOfRun.load(runId)).find(
            (approval) => approval.runId === runId && approval.callId === id,
          ),
      }),
    }),
  });
}

function declareRunAgentInput(builder: Builder) {
  return builder.inputType('RunAgentInput', {
    fields: (t) => ({
      agent: t.string({ required: true, validate: { schema: name } }),
      message: t.string({ required: true, validate: { minLength: 1, maxLength: 1_000_000 } }),
      maxTurns: t.int({ validate: { min: 1, max: 1_000 } }),
      model: t.string({ validate: { schema: name } }),
      wait: t.boolean({
        description:
          'True (default): answer when the run has finished, failed or waits for an approval. False: answer at once.',
      }),
      options: t.field({ type: 'RunOptions' }),
    }),
  });
}

interface RunAgentInputValue {
  agent: string;
  message: string;
  maxTurns?: number | null | undefined;
  model?: string | null | undefined;
  wait?: boolean | null | undefined;
  options?: RunOptionsValue | null | undefined;
}

function toRequest({ options, wait: _wait, ...rest }: RunAgentInputValue): AgentRequest {
  const { agent, message, ...choices } = rest;
  return { ...withoutUndefined(choices), agent, message, options: toRunOptions(options) };
}

const isWork = ({ type }: RunEvent): boolean => type !== 'RunStarted' && type !== 'RunFailed';

/** A budget without room for the first call keeps a run from starting; later on it ends one that stays an `AgentRun`. */
async function withStartError(run: RunRecord, { loaders }: GraphQLContext) {
  const refused = run.status === 'FAILED' && run.error?.code === 'BUDGET_EXCEEDED';
  const started = !refused || (await loaders.eventsOfRun.load(run.id)).some(isWork);
  return started ? run : runAsResult(codes, run);
}

async function runNow(handle: RunHandle, context: GraphQLContext): Promise<RunRecord> {
  context.runIds.add(handle.runId);
  const run = await context.services.runs.get(handle.runId, callerOf(context));
  if (!run) throw new Error(`run ${handle.runId} vanished right after its start`);
  return run;
}

function declareRunAgent(builder: Builder): void {
  const RunAgentInput = declareRunAgentInput(builder);
  const RunAgentResult = resultUnion(builder, 'RunAgentResult', {
    types: ['AgentRun'],
    codes,
    description:
      'A run that failed on the way (MAX_TURNS_EXCEEDED, a model error) is an AgentRun with status FAILED and its error; the error types here are those that kept it from starting.',
  });
  builder.mutationField('runAgent', (t) =>
    t.field({
      type: RunAgentResult,
      authScopes: { user: true },
      complexity: generationCost,
      args: { input: t.arg({ type: RunAgentInput, required: true }) },
      resolve: (_root, { input }, context) =>
        asResult(codes, async () => {
          const handle = await context.services.runs.runAgent(toRequest(input), callerOf(context));
          if (input.wait === false) return runNow(handle, context);
          return withStartError(await runResult(handle, context), context);
        }),
    }),
  );
  builder.subscriptionField('agent', (t) =>
    t.field({
      type: 'RunEvent',
      authScopes: { user: true },
      complexity: generationCost,
      args: { input: t.arg({ type: RunAgentInput, required: true }) },
      subscribe: (_root, { input }, context) =>
        followRun(
          () => context.services.runs.runAgent(toRequest(input), callerOf(context)),
          context,
        ),
      resolve: (event) => event,
    }),
  );
}

/** `AgentRun` and its parts, with the mutation that runs an agent and the subscription that follows it. */
export function declareAgentRun(builder: Builder): void {
  declareAgentRunType(builder);
  declareTurn(builder);
  declareRunAgent(builder);
}
