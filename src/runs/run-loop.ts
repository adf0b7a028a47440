import { DomainError } from '../kernel/errors.ts';
import type { AgentInput } from './agent/agent-input.ts';
import { runAgentLoop } from './agent/agent-loop.ts';
import { runAnswer } from './answer.ts';
import { runCompletion } from './completion.ts';
import { failRun } from './live/fail-run.ts';
import type { LiveRun } from './live/live-run.ts';
import type { RunServices } from './run-services.ts';
import type { AnswerRequest, CompletionRequest } from './runs.ts';

/** Carries a run out by what its row says, and ends it. An ingest's row does not say enough. */
export async function runLoop(run: LiveRun, services: RunServices): Promise<void> {
  const { kind, input } = run.row;
  if (kind === 'COMPLETION') return runCompletion(run, input as CompletionRequest, services);
  if (kind === 'ANSWER') return runAnswer(run, input as AnswerRequest, services);
  if (kind === 'AGENT') return runAgent(run, input as AgentInput, services);
  throw new Error(`a run of the kind ${kind} cannot be carried out by its row`);
}

async function runAgent(run: LiveRun, input: AgentInput, services: RunServices): Promise<void> {
  const agent = services.registry.agents.get(input.agent);
  if (agent) return runAgentLoop({ run, agent, input }, services);
  const error = new DomainError(
    'AGENT_NOT_FOUND',
    `No plugin of this server brings the agent "${input.agent}".`,
  );
  await failRun(run, { error, patch: {} }, services);
}
