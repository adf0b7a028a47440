import type { ApprovalRecord } from '../../kernel/run.ts';
import type { AnyTool } from '../../kernel/tool.ts';
import { checkToolInput } from '../../kernel/tools/check-tool-input.ts';
import { mustAsk } from '../../kernel/tools/must-ask.ts';
import { toolError } from '../../kernel/tools/run-tool.ts';
import type { RunServices } from '../run-services.ts';
import { deepestAgent } from './agent-input.ts';
import type { PendingCall } from './agent-state.ts';
import type { AgentWork } from './agent-work.ts';
import { mayUse } from './scoped-tools.ts';
import { subAgentInput } from './sub-agent.ts';
import type { RunnableCall, ToolOutcome } from './tool-call.ts';

export type Verdict =
  | { kind: 'run'; call: RunnableCall }
  | { kind: 'result'; outcome: ToolOutcome }
  | { kind: 'ask'; approval: ApprovalRecord };

interface Question {
  pending: PendingCall;
  approval: ApprovalRecord | undefined;
}

/** May this call run now? If not: what the model is told instead, or which person is asked. */
export async function decideCall(
  work: AgentWork,
  question: Question,
  services: RunServices,
): Promise<Verdict> {
  const { agent, run } = work;
  const { name } = question.pending.call;
  if (!mayUse(run, agent, name)) return refuse(outsideScopes(name));
  if (agent.agents?.includes(name)) return decideSubAgent(work, question.pending);
  const tool = agent.tools.includes(name) ? services.registry.tools.get(name) : undefined;
  if (!tool) {
    const known = [...agent.tools, ...(agent.agents ?? [])].join(', ');
    return refuse(`There is no tool "${name}". The tools are: ${known}.`);
  }
  return decideTool(work, { ...question, tool }, services);
}

async function decideSubAgent({ run, input }: AgentWork, pending: PendingCall): Promise<Verdict> {
  const { name, input: given } = pending.call;
  const checked = await checkToolInput({ name, input: subAgentInput }, given, run.signal);
  if ('complaint' in checked) return refuse(checked.complaint);
  if (input.depth >= deepestAgent)
    return refuse('Agents are nested too deep here. Answer without this one.');
  return { kind: 'run', call: { kind: 'agent', pending, message: checked.input.message } };
}

async function decideTool(
  { run }: AgentWork,
  { pending, approval, tool }: Question & { tool: AnyTool },
  { approvals }: RunServices,
): Promise<Verdict> {
  const { call } = pending;
  const checked = await checkToolInput(tool, approval?.editedInput ?? call.input, run.signal);
  if ('complaint' in checked) return refuse(checked.complaint);
  if (approval?.status === 'REJECTED') return refuse(rejection(approval));
  if (approval?.status === 'EXPIRED')
    return refuse('Nobody approved this call in time. It was not made.');
  if (pending.attempts >= maxBegun(tool)) {
    return refuse(unknownOutcome(pending.attempts), pending.attempts);
  }
  if (approval?.status === 'APPROVED' || !(await mustAsk(tool, checked.input, run.signal))) {
    const edited = approval?.editedInput ?? undefined;
    return { kind: 'run', call: { kind: 'tool', pending, tool, input: checked.input, edited } };
  }
  const asked =
    approval ??
    (await approvals.request({
      runId: run.id,
      callId: call.key,
      tool: call.name,
      input: call.input,
    }));
  return { kind: 'ask', approval: asked };
}

/** The model is not told of a tool outside the key's scopes, and may name it all the same. */
const outsideScopes = (name: string): string =>
  `The scopes of the key that began this run do not include "${name}". Answer without it.`;

const refuse = (message: string, attempts = 0): Verdict => ({
  kind: 'result',
  outcome: { ...toolError(message, attempts), durationMs: 0 },
});

/**
 * How often a call is begun without a result. Whatever ends the server that makes it would also end each one that takes
 * its run over: an idempotent call gets two servers more than its own attempts.
 */
const maxBegun = ({ idempotent, retries = 0 }: AnyTool): number => (idempotent ? 3 + retries : 1);

const unknownOutcome = (begun: number): string =>
  `The server stopped while this call was being made${begun > 1 ? ` (begun ${begun} times)` : ''}. ` +
  'Whether it took effect is not known, and it was not repeated. Find out before you make it again.';

const rejection = ({ reason, decidedBy }: ApprovalRecord): string =>
  `A person (${decidedBy}) rejected this call. It was not made.${reason ? ` The reason: ${reason}` : ''}`;
