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

const codes = [
  'AGENT_NOT_FOUND',
  'BUDGET_EXCEEDED',
  'RUN_NOT_FOUND',
  'NOT_FOUND',
  'CONFLICT',
] as const;

const name = nameSchema();

function declareAgentRunType(builder: Builder): void {
  builder.objectType('AgentRun', {
    interfaces: runInterfaces(builder),
    description: 'A run of an agent: turns of a model that calls tools.',
    fields: (t) => ({
      agent: t.string({ description: 'Name of the agent.', resolve: (run) => run.agent ?? '' }),
      message: t.exposeString('message', {
        description: 'The message that the agent was given.',
        authScopes: ofContent,
      }),
      text: t.exposeString('text', {
        description: 'The final text, empty until the run has finished.',
        authScopes: ofContent,
      }),
      output: t.expose('output', {
        type: 'JSON',
        nullable: true,
        description: 'The output as JSON, if the agent declares an output schema.',
        authScopes: ofContent,
      }),
      turns: t.field({
        type: ['AgentTurn'],
        authScopes: ofContent,
        description:
          'The turns so far. While the run waits for a decision, the last turn is the one that asks for it.',
        resolve: async (run, _args, { loaders }) =>
          (await loaders.turnsOfRun.load(run.id)).map((turn) => ({ ...turn, runId: run.id })),
      }),
      maxTurns: t.exposeInt('maxTurns', {
        description: 'The number of turns after which the run fails with MAX_TURNS_EXCEEDED.',
      }),
      approvals: t.field({
        type: ['Approval'],
        description: 'Approvals of the run and of sub-agents that work for it, oldest first.',
        authScopes: ofContent,
        resolve: (run, _args, { loaders }) => loaders.approvalsOfRun.load(run.id),
      }),
    }),
  });
}

function declareTurn(builder: Builder): void {
  builder.objectType('AgentTurn', {
    description: 'One model call of an agent, with the tool calls that it asked for.',
    fields: (t) => ({
      number: t.exposeInt('number', { description: 'Number of the turn, from 1.' }),
      text: t.exposeString('text', { description: 'Text of the turn.' }),
      toolCalls: t.field({
        type: ['ToolCall'],
        description: 'Tool calls of the turn.',
        resolve: ({ runId, toolCalls }) => toolCalls.map((call) => ({ ...call, runId })),
      }),
      usage: t.expose('usage', { type: 'TokenUsage', description: 'Tokens of the turn.' }),
      cost: t.expose('cost', {
        type: 'USD',
        nullable: true,
        description: "Exact cost; null if the model's price is not known.",
      }),
    }),
  });
  builder.objectType('ToolCall', {
    description: 'A call of a tool.',
    fields: (t) => ({
      id: t.exposeID('id', { description: 'Id of the call within the run.' }),
      tool: t.exposeString('tool', { description: 'Name of the tool.' }),
      input: t.field({
        type: 'JSON',
        description: 'Input from the model, or as edited by the person who approved the call.',
        resolve: (call) => call.input,
      }),
      output: t.expose('output', {
        type: 'JSON',
        nullable: true,
        description: 'Output of the tool, or the error message; null before the end.',
      }),
      isError: t.exposeBoolean('isError', { description: 'True if the call failed.' }),
      attempts: t.exposeInt('attempts', {
        description: 'Number of attempts. Only an idempotent tool is retried.',
      }),
      durationMs: t.exposeFloat('durationMs', {
        nullable: true,
        description: 'Duration of all attempts; null before the end.',
      }),
      approval: t.field({
        type: 'Approval',
        nullable: true,
        description: 'The approval of the call; null if none was needed.',
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
    description: 'An agent run to begin.',
    fields: (t) => ({
      agent: t.string({
        required: true,
        description: 'Name of the agent.',
        validate: { schema: name },
      }),
      message: t.string({
        required: true,
        description: 'The message for the agent.',
        validate: { minLength: 1, maxLength: 1_000_000 },
      }),
      maxTurns: t.int({
        description: "Maximum number of turns. Default: the agent's.",
        validate: { min: 1, max: 1_000 },
      }),
      model: t.string({
        description: "Model to use. Default: the agent's, then the server's.",
        validate: { schema: name },
      }),
      wait: t.boolean({
        description:
          'True (default): answer when the run has finished, failed or waits for an approval. False: answer at once.',
      }),
      options: t.field({ type: 'RunOptions', description: 'Options of the run.' }),
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
