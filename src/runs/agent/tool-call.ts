import { newId } from '../../data/new-id.ts';
import type { AnyTool } from '../../kernel/tool.ts';
import { runTool, type ToolResult, toolError } from '../../kernel/tools/run-tool.ts';
import type { RunServices } from '../run-services.ts';
import type { RunRecord } from '../runs.ts';
import { reportToolCall } from '../tools/report-tool-call.ts';
import type { PendingCall } from './agent-state.ts';
import type { AgentWork } from './agent-work.ts';

/** A call that may run: its input has been checked, and nobody has to be asked any more. */
export type RunnableCall =
  | {
      kind: 'tool';
      pending: PendingCall;
      tool: AnyTool;
      input: Record<string, unknown>;
      /** What a person put in place of the model's input; undefined where the model's is used. */
      edited: unknown;
    }
  | { kind: 'agent'; pending: PendingCall; message: string };

/** What the log keeps of a call. */
export type ToolOutcome = ToolResult & { durationMs: number; input?: unknown };

/**
 * Runs one call to its outcome. Failures are outcomes; only the run's own end is thrown. A sub-agent that waits for an
 * approval is 'waiting'.
 */
export async function runCall(
  work: AgentWork,
  call: RunnableCall,
  services: RunServices,
): Promise<ToolOutcome | 'waiting'> {
  const startedAt = performance.now();
  const result =
    call.kind === 'agent'
      ? await runSubAgent(work, call, services)
      : await runOwnTool(work, call, services);
  if (result === 'waiting') return result;
  const durationMs = performance.now() - startedAt;
  const { runId, kind, userId, requestId } = work.run.tag;
  const { name: tool, input: proposed } = call.pending.call;
  const edited = call.kind === 'tool' ? call.edited : undefined;
  const input = edited ?? proposed;
  const context = { runId, kind, userId, requestId, signal: work.run.signal };
  reportToolCall({ tool, input, result, durationMs, context }, services);
  return { ...result, durationMs, ...(edited !== undefined && { input: edited }) };
}

/** Each attempt is stored before it begins: after a crash it is known what may have had an effect. */
function runOwnTool(
  { run }: AgentWork,
  { pending, tool, input }: Extract<RunnableCall, { kind: 'tool' }>,
  { log }: RunServices,
): Promise<ToolResult> {
  const { userId, groups, roles, scopes = null, requestId, apiKeyId } = run.row;
  const { key: callId } = pending.call;
  const idempotencyKey = `${run.id}:${callId}`;
  return runTool(tool, input, {
    context: {
      runId: run.id,
      callId,
      userId,
      groups,
      roles,
      scopes,
      requestId,
      apiKeyId,
      idempotencyKey,
    },
    signal: run.signal,
    log,
    attemptsBefore: pending.attempts,
    async beforeAttempt(attempt) {
      run.append({ type: 'ToolAttempt', callId, attempt, childRunId: null });
      await run.durable();
    },
  });
}

/**
 * Another agent as a tool. Its run's id is stored before the run begins, and the run is durable itself: after a crash it
 * is joined, not begun again.
 */
async function runSubAgent(
  { run, input }: AgentWork,
  { pending, message }: Extract<RunnableCall, { kind: 'agent' }>,
  { subAgents }: RunServices,
): Promise<ToolResult | 'waiting'> {
  const { key: callId, name: agent } = pending.call;
  const id = pending.childRunId ?? newId();
  if (pending.childRunId === null) {
    run.append({ type: 'ToolAttempt', callId, attempt: 1, childRunId: id });
    await run.durable();
  }
  try {
    await subAgents.start(run, { id, agent, message, depth: input.depth + 1 });
    const child = await subAgents.result(id, run.signal);
    if (child.status === 'WAITING_FOR_APPROVAL') return 'waiting';
    run.signal.throwIfAborted();
    if (child.status === 'SUCCEEDED') return answerOf(child);
    return toolError(`The agent "${agent}" failed: ${child.error?.message ?? child.status}`, 1);
  } catch (error) {
    if (!run.leaving) await subAgents.stop(id);
    throw error;
  }
}

const answerOf = ({ output, text }: RunRecord): ToolResult => ({
  output: output ?? text,
  isError: false,
  attempts: 1,
  cited: [],
});
