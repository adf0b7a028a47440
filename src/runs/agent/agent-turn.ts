import type { ToolSpecification } from '../../kernel/model.ts';
import { billingOf } from '../calls/billing.ts';
import { askGates, meteredCall } from '../calls/metered-call.ts';
import { RunSink } from '../calls/run-sink.ts';
import { withEarlierTools } from '../conversation/earlier-tools.ts';
import type { RunServices } from '../run-services.ts';
import type { AgentState } from './agent-state.ts';
import type { AgentWork } from './agent-work.ts';
import { mayUse } from './scoped-tools.ts';
import { subAgentSpecification } from './sub-agent.ts';
import { toolSpecification } from './tool-specification.ts';

/** One model call of the loop: the whole turn is stored before any of its tools runs. */
export async function takeTurn(
  work: AgentWork,
  state: AgentState,
  services: RunServices,
): Promise<void> {
  const { run, input } = work;
  const call = callOf(work, state, services);
  const billing = billingOf(run);
  const request = await askGates(billing, { call, chain: input.chain }, services);
  const sink = new RunSink(run);
  const finish = await meteredCall({ billing, request, sink }, services);
  const { message, stopReason, refusal, usage, cost } = finish;
  const number = state.turns + 1;
  run.append({ type: 'AssistantTurn', number, message, stopReason, refusal, usage, cost });
  await run.durable();
}

/** What is sent for the next turn. */
export function callOf(
  { run, agent, input, asked }: AgentWork,
  { messages }: Pick<AgentState, 'messages'>,
  services: RunServices,
) {
  const tools = toolsOf({ run, agent }, services);
  return {
    system: input.instructions,
    messages,
    maxTokens: input.maxTokens,
    ...(tools.length > 0 ? { tools } : {}),
    ...withEarlierTools({ tools }, asked),
    ...(agent.output ? { outputSchema: agent.output } : {}),
    ...(agent.reasoning ? { thinking: true } : {}),
  };
}

function toolsOf(
  { run, agent }: Pick<AgentWork, 'run' | 'agent'>,
  { registry }: RunServices,
): ToolSpecification[] {
  const allowed = (names: readonly string[]) => names.filter((name) => mayUse(run, agent, name));
  const tools = allowed(agent.tools).flatMap((name) => registry.tools.get(name) ?? []);
  const agents = allowed(agent.agents ?? []).flatMap((name) => registry.agents.get(name) ?? []);
  return [...tools.map(toolSpecification), ...agents.map(subAgentSpecification)];
}
