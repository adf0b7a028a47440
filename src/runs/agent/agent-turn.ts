import type { ToolSpecification } from '../../kernel/model.ts';
import { billingOf } from '../calls/billing.ts';
import { askGates, type CallEvent, type CallFinish, meteredCall } from '../calls/metered-call.ts';
import type { RunServices } from '../run-services.ts';
import type { AgentState } from './agent-state.ts';
import type { AgentWork } from './agent-work.ts';
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
  const finish = await streamTurn(work, meteredCall(billing, request, services));
  const { message, stopReason, refusal, usage, cost } = finish;
  const number = state.turns + 1;
  run.append({ type: 'AssistantTurn', number, message, stopReason, refusal, usage, cost });
  await run.durable();
}

/** What is sent for the next turn. */
export function callOf(
  { agent, input }: AgentWork,
  { messages }: AgentState,
  services: RunServices,
) {
  const tools = toolsOf({ agent, input }, services);
  return {
    system: input.instructions,
    messages,
    maxTokens: input.maxTokens,
    ...(tools.length > 0 ? { tools } : {}),
    ...(agent.output ? { outputSchema: agent.output } : {}),
    ...(agent.reasoning ? { thinking: true } : {}),
  };
}

function toolsOf(
  { agent }: Pick<AgentWork, 'agent' | 'input'>,
  { registry }: RunServices,
): ToolSpecification[] {
  const tools = agent.tools.flatMap((name) => registry.tools.get(name) ?? []);
  const agents = (agent.agents ?? []).flatMap((name) => registry.agents.get(name) ?? []);
  return [...tools.map(toolSpecification), ...agents.map(subAgentSpecification)];
}

async function streamTurn(
  { run }: AgentWork,
  events: AsyncIterable<CallEvent>,
): Promise<CallFinish> {
  let finish: CallFinish | null = null;
  for await (const event of events) {
    if (event.type === 'text') run.append({ type: 'TextDelta', text: event.text });
    else if (event.type === 'thinking') run.append({ type: 'ThinkingDelta', text: event.text });
    else if (event.type === 'start') run.record.model = event.model;
    else if (event.type === 'finish') finish = event;
  }
  if (!finish) throw new Error('the call ended without a finish');
  return finish;
}
