import type { RunEvent } from '../../kernel/events.ts';
import type { RunRecord } from '../../runs/runs.ts';
import type { Builder } from '../builder.ts';
import type { GraphQLContext } from '../context.ts';
import { ofContent } from '../limits/access.ts';
import { nameSchema } from '../name-schema.ts';
import { runAsResult } from '../results/as-result.ts';
import { resultUnion } from '../results/result-union.ts';
import { runInterfaces } from './run-interfaces.ts';
import { declareRunOperation } from './run-operation.ts';

const codes = ['AGENT_NOT_FOUND', 'BUDGET_EXCEEDED', 'CONFLICT'] as const;

const name = nameSchema();

function declareAgentRunType(builder: Builder): void {
  builder.objectType('AgentRun', {
    interfaces: runInterfaces(builder),
    fields: (t) => ({
      agent: t.string({ resolve: (run) => run.agent ?? '' }),
      message: t.exposeString('message', { authScopes: ofContent }),
      text: t.exposeString('text', {
        description: 'The final text, empty until the run has finished.',
        authScopes: ofContent,
      }),
      output: t.expose('output', { type: 'JSON', nullable: true, authScopes: ofContent }),
      turns: t.field({
        type: ['AgentTurn'],
        authScopes: ofContent,
        description: 'While the run waits for a decision, the turn that asks for it is the last.',
        resolve: async (run, _args, { loaders }) =>
          (await loaders.turnsOfRun.load(run.id)).map((turn) => ({ ...turn, runId: run.id })),
      }),
      maxTurns: t.exposeInt('maxTurns'),
      approvals: t.field({
        type: ['Approval'],
        description: "The run's own and those of the sub-agents that work for it, oldest first.",
        authScopes: ofContent,
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

const isWork = ({ type }: RunEvent): boolean => type !== 'RunStarted' && type !== 'RunFailed';

/** A budget without room for the first call keeps a run from starting; later on it ends one that stays an `AgentRun`. */
async function withStartError(run: RunRecord, { loaders }: GraphQLContext) {
  const refused = run.status === 'FAILED' && run.error?.code === 'BUDGET_EXCEEDED';
  const started = !refused || (await loaders.eventsOfRun.load(run.id)).some(isWork);
  return started ? run : runAsResult(codes, run);
}

function declareRunAgent(builder: Builder): void {
  const RunAgentInput = declareRunAgentInput(builder);
  const result = resultUnion(builder, 'RunAgentResult', {
    types: ['AgentRun'],
    codes,
    description:
      'A run that failed on the way (MAX_TURNS_EXCEEDED, a model error) is an AgentRun with status FAILED and its error; the error types here are those that kept it from starting.',
  });
  declareRunOperation(builder, {
    mutation: {
      name: 'runAgent',
      description:
        'Runs an agent and returns the run when it has ended or waits for an approval, or at once with `wait: false`.',
    },
    subscription: {
      name: 'agent',
      description: 'Runs an agent and streams the events of the run.',
    },
    result,
    codes,
    args: (arg) => ({ input: arg({ type: RunAgentInput, required: true }) }),
    start: ({ input: { wait: _wait, ...request } }, runs, { caller }) =>
      runs.runAgent(request, caller),
    returnsAtOnce: ({ input }) => input.wait === false,
    toResult: withStartError,
  });
}

/** `AgentRun` and its parts, and the operation that begins one. */
export function declareAgentRun(builder: Builder): void {
  declareAgentRunType(builder);
  declareTurn(builder);
  declareRunAgent(builder);
}
