import { setTimeout as delay } from 'node:timers/promises';
import { newId } from '../../data/new-id.ts';
import type { RunEventBody } from '../../kernel/events.ts';
import { messageOf } from '../../kernel/message-of.ts';
import type { SearchHit } from '../../kernel/run.ts';
import type { AnyTool, ToolContext } from '../../kernel/tool.ts';
import { toolOutput } from '../../kernel/tool-output.ts';
import { untilAborted } from '../../kernel/until-aborted.ts';
import type { RunServices } from '../run-services.ts';
import type { RunRecord } from '../runs.ts';
import type { PendingCall } from './agent-state.ts';
import type { AgentWork } from './agent-work.ts';

/** A call that may run: its input has been checked, and nobody has to be asked any more. */
export type RunnableCall =
  | { kind: 'tool'; pending: PendingCall; tool: AnyTool; input: Record<string, unknown> }
  | { kind: 'agent'; pending: PendingCall; message: string };

/** What the model is told of a call, and the log keeps. */
export type ToolOutcome = Omit<
  Extract<RunEventBody, { type: 'ToolCallFinished' }>,
  'type' | 'callId' | 'tool'
>;

export const toolError = (message: string, attempts = 0, durationMs = 0): ToolOutcome => ({
  output: message,
  isError: true,
  attempts,
  durationMs,
  cited: [],
});

const defaultTimeoutMs = 30_000;

/**
 * Runs one call to its outcome. Failures are outcomes; only the run's own end is thrown. A sub-agent that waits for an
 * approval is 'waiting'.
 */
export async function runTool(
  work: AgentWork,
  call: RunnableCall,
  services: RunServices,
): Promise<ToolOutcome | 'waiting'> {
  const startedAt = performance.now();
  const outcome =
    call.kind === 'agent'
      ? await runSubAgent(work, call, services)
      : await attempts(work, call, services);
  if (outcome === 'waiting') return outcome;
  const durationMs = performance.now() - startedAt;
  const { runId, kind, userId, requestId } = work.run.tag;
  const { name, input } = call.pending.call;
  const { output, isError } = outcome;
  const { signal } = work.run;
  const context = { runId, kind, userId, requestId, signal };
  services.hooks.tell('afterToolCall', { tool: name, input, output, isError, durationMs }, context);
  services.log.info(
    { runId, userId, requestId, tool: name, isError, attempts: outcome.attempts, durationMs },
    'tool call',
  );
  return { ...outcome, durationMs };
}

/** Attempts of a tool, each stored before it begins: after a crash it is known what may have had an effect. */
async function attempts(
  work: AgentWork,
  call: Extract<RunnableCall, { kind: 'tool' }>,
  services: RunServices,
): Promise<ToolOutcome> {
  const { run } = work;
  const { pending, tool } = call;
  const most = 1 + (tool.idempotent ? (tool.retries ?? 0) : 0);
  for (let tried = 1; ; tried++) {
    const attempt = pending.attempts + tried;
    run.append({ type: 'ToolAttempt', callId: pending.call.key, attempt, childRunId: null });
    await run.durable();
    run.signal.throwIfAborted();
    const outcome = await attemptOnce(work, { call, attempt }, services);
    // What was done is kept, even when the run was stopped meanwhile.
    if (!outcome.isError) return outcome;
    run.signal.throwIfAborted();
    if (tried >= most) return outcome;
    await delay(Math.min(200 * 2 ** tried, 5_000) * (0.75 + Math.random() / 4), undefined, {
      signal: run.signal,
    });
  }
}

async function attemptOnce(
  { run }: AgentWork,
  { call, attempt }: { call: Extract<RunnableCall, { kind: 'tool' }>; attempt: number },
  { log }: RunServices,
): Promise<ToolOutcome> {
  const { tool, input, pending } = call;
  const timeoutMs = tool.timeoutMs ?? defaultTimeoutMs;
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal = AbortSignal.any([run.signal, timeout]);
  const cited: SearchHit[] = [];
  const context: ToolContext = {
    runId: run.id,
    callId: pending.call.key,
    userId: run.row.userId,
    groups: run.row.groups,
    roles: run.row.roles,
    requestId: run.row.requestId,
    apiKeyId: run.row.apiKeyId,
    signal,
    idempotencyKey: `${run.id}:${pending.call.key}`,
    attempt,
    log: log.child({ runId: run.id, tool: tool.name }),
    cite: (hits) => void cited.push(...hits),
  };
  try {
    return await untilAborted(signal, async () => {
      const raw = await tool.run(input, context);
      return outcomeOf(tool, { raw, cited, attempt }, log);
    });
  } catch (error) {
    if (timeout.aborted) return toolError(tookTooLong(tool, timeoutMs), attempt);
    return toolError(`The tool "${tool.name}" failed: ${messageOf(error)}`, attempt);
  }
}

/** What a tool gave, checked, and in the form in which it is stored. */
async function outcomeOf(
  tool: AnyTool,
  { raw, cited, attempt }: { raw: unknown; cited: SearchHit[]; attempt: number },
  log: RunServices['log'],
): Promise<ToolOutcome> {
  const ran = `The tool "${tool.name}" ran, but`;
  try {
    const parsed = await tool.output.safeParseAsync(raw);
    if (parsed.success) {
      const told = { output: toolOutput(parsed.data), cited: toolOutput(cited) as SearchHit[] };
      return { ...told, isError: false, attempts: attempt, durationMs: 0 };
    }
    log.warn(
      { tool: tool.name, issues: parsed.error.issues },
      'a tool broke its own output schema',
    );
    return toolError(`${ran} gave no valid result.`, attempt);
  } catch (error) {
    log.warn({ tool: tool.name, err: error }, "a tool's output cannot be used");
    return toolError(`${ran} its output cannot be used: ${messageOf(error)}.`, attempt);
  }
}

const tookTooLong = ({ name, idempotent }: AnyTool, timeoutMs: number): string =>
  `The tool "${name}" took longer than ${timeoutMs} ms.${idempotent ? '' : ' Whether it took effect is not known.'}`;

/**
 * Another agent as a tool. Its run's id is stored before the run begins, and the run is durable itself: after a crash it
 * is joined, not begun again.
 */
async function runSubAgent(
  { run, input }: AgentWork,
  { pending, message }: Extract<RunnableCall, { kind: 'agent' }>,
  { subAgents }: RunServices,
): Promise<ToolOutcome | 'waiting'> {
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

const answerOf = ({ output, text }: RunRecord): ToolOutcome => ({
  output: output ?? text,
  isError: false,
  attempts: 1,
  durationMs: 0,
  cited: [],
});
