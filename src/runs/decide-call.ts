import type { z } from 'zod';
import type { ApprovalRecord } from '../kernel/run.ts';
import type { AnyTool } from '../kernel/tool.ts';
import { deepestAgent } from './agent-input.ts';
import type { PendingCall } from './agent-state.ts';
import type { AgentWork } from './agent-work.ts';
import type { RunRooms } from './run-rooms.ts';
import { subAgentInput } from './sub-agent.ts';
import { type RunnableCall, type ToolOutcome, toolError } from './tool-call.ts';

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
  rooms: RunRooms,
): Promise<Verdict> {
  const { agent } = work;
  const { name } = question.pending.call;
  if (agent.agents?.includes(name)) return decideSubAgent(work, question.pending);
  const tool = agent.tools.includes(name) ? rooms.registry.tools.get(name) : undefined;
  if (!tool) {
    const known = [...agent.tools, ...(agent.agents ?? [])].join(', ');
    return refuse(`There is no tool "${name}". The tools are: ${known}.`);
  }
  return decideTool(work, { ...question, tool }, rooms);
}

function decideSubAgent({ input }: AgentWork, pending: PendingCall): Verdict {
  const parsed = subAgentInput.safeParse(pending.call.input);
  if (!parsed.success) return refuse(complaint(pending.call.name, parsed.error));
  if (input.depth >= deepestAgent)
    return refuse('Agents are nested too deep here. Answer without this one.');
  return { kind: 'run', call: { kind: 'agent', pending, message: parsed.data.message } };
}

async function decideTool(
  { run }: AgentWork,
  { pending, approval, tool }: Question & { tool: AnyTool },
  { approvals }: RunRooms,
): Promise<Verdict> {
  const { call } = pending;
  const parsed = await tool.input.safeParseAsync(approval?.editedInput ?? call.input);
  if (!parsed.success) return refuse(complaint(call.name, parsed.error));
  if (approval?.status === 'REJECTED') return refuse(rejection(approval));
  if (approval?.status === 'EXPIRED')
    return refuse('Nobody approved this call in time. It was not made.');
  if (pending.attempts > 0 && !tool.idempotent) return refuse(unknownOutcome, pending.attempts);
  if (approval?.status === 'APPROVED' || !(await mustAsk(tool, parsed.data))) {
    return { kind: 'run', call: { kind: 'tool', pending, tool, input: parsed.data } };
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

/** A rule that throws has not said that nobody needs to be asked. */
async function mustAsk({ needsApproval = false }: AnyTool, input: Record<string, unknown>) {
  if (typeof needsApproval !== 'function') return needsApproval;
  try {
    return await needsApproval(input);
  } catch {
    return true;
  }
}

const refuse = (message: string, attempts = 0): Verdict => ({
  kind: 'result',
  outcome: toolError(message, attempts),
});

const unknownOutcome =
  'The server stopped while this call was being made. Whether it took effect is not known, and it was not repeated. ' +
  'Find out before you make it again.';

const rejection = ({ reason, decidedBy }: ApprovalRecord): string =>
  `A person (${decidedBy}) rejected this call. It was not made.${reason ? ` The reason: ${reason}` : ''}`;

function complaint(name: string, error: z.ZodError): string {
  const issues = error.issues.map(
    ({ path, message }) => `${path.join('.') || 'input'}: ${message}`,
  );
  return `The tool "${name}" does not take this input. ${issues.join('; ')}`;
}
