import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import type { AnyAgent } from '../../kernel/agent.ts';
import { isDomainError } from '../../kernel/errors.ts';
import type { RunEvent } from '../../kernel/events.ts';
import { checkToolInput } from '../../kernel/tools/check-tool-input.ts';
import type { Services } from '../../schema/services.ts';
import type { McpCall, OfferedTool } from './offered-tool.ts';
import { failure, inputSchemaOf, outputSchemaOf, success } from './tool-results.ts';

type Runs = Services['runs'];
type RunHandle = Awaited<ReturnType<Runs['runAgent']>>;
type RunRecord = Awaited<ReturnType<RunHandle['result']>>;

const agentInput = z.object({
  message: z.string().min(1).describe('What the agent is asked, with everything it has to know.'),
});

/** The registered agents as tools `agent_<name>`: each call is a run of the caller's, with its budgets and its record. */
export const offerAgents = (agents: Iterable<AnyAgent>, runs: Runs): OfferedTool[] =>
  Array.from(agents, (agent) => ({
    scope: ['agents', agent.name],
    listing: {
      name: `agent_${agent.name}`,
      description: agent.description,
      inputSchema: inputSchemaOf(agentInput),
      ...(agent.output ? outputSchemaOf(agent.output) : {}),
      annotations: { idempotentHint: false },
    },
    call: (input, call) => runAgent(agent, input, { call, runs }),
  }));

async function runAgent(
  { name: agent }: AnyAgent,
  input: unknown,
  { call, runs }: { call: McpCall; runs: Runs },
): Promise<CallToolResult> {
  const { signal, progress, caller } = call;
  const name = `agent_${agent}`;
  const checked = await checkToolInput({ name, input: agentInput }, input, signal);
  if ('complaint' in checked) return failure(checked.complaint);
  const { message } = checked.input;
  try {
    // Nobody could take an answer up that was lost on its way to an MCP client.
    const options = { onDisconnect: 'CANCEL' as const };
    const handle = await runs.runAgent({ agent, message, options }, caller);
    const leave = () => handle.leave('unsubscribed');
    signal.addEventListener('abort', leave, { once: true });
    if (signal.aborted) leave();
    const record = await withProgress(handle, progress);
    signal.removeEventListener('abort', leave);
    return { ...resultOf(record), _meta: { 'tessera/runId': record.id } };
  } catch (error) {
    if (isDomainError(error)) return failure(error.message);
    throw error;
  }
}

/** The run's end, and on the way there a line for each step that a person would want to see. */
async function withProgress(handle: RunHandle, progress: McpCall['progress']): Promise<RunRecord> {
  if (!progress) return handle.result();
  const events = handle.events();
  const tell = async (): Promise<void> => {
    for await (const event of events) {
      const line = lineOf(event);
      if (line !== null) progress(line);
    }
  };
  // The run's result counts: that its log could not be followed meanwhile must not cost the client the answer.
  void tell().catch(() => undefined);
  return handle.result().finally(() => events.return?.());
}

function lineOf(event: RunEvent): string | null {
  switch (event.type) {
    case 'ToolCallStarted':
      return `calls ${event.tool}`;
    case 'TurnFinished':
      return `turn ${event.turn.number} is done`;
    case 'ApprovalRequested':
      return "waits for a person's approval";
    default:
      return null;
  }
}

function resultOf({ id, status, output, text, error }: RunRecord): CallToolResult {
  if (status === 'SUCCEEDED') return success(output ?? text);
  if (status === 'WAITING_FOR_APPROVAL') {
    return failure(
      `The agent waits for a person's approval of a tool call. It goes on by itself once that is decided; ` +
        `its answer is then in the run ${id}. Do not ask it again.`,
    );
  }
  return failure(`The agent failed: ${error?.message ?? status}`);
}
