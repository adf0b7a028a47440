import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../log.ts';
import type { SearchHit } from '../run.ts';
import { raceAbort } from '../timing/race-abort.ts';
import type { AnyTool, ToolContext } from '../tool.ts';
import { shownMessage } from './tool-error.ts';
import { toolOutput } from './tool-output.ts';

/** A call's result as the model is given it. Of a failed call `output` is a message that says what to do differently. */
export interface ToolResult {
  output: unknown;
  isError: boolean;
  /** Passages that the tool offers as sources. */
  cited: SearchHit[];
  /** The number of the last attempt. */
  attempts: number;
}

export interface RunToolOptions {
  context: Omit<ToolContext, 'signal' | 'attempt' | 'log' | 'cite'>;
  /** Ends the call. */
  signal: AbortSignal;
  log: Log;
  /** Attempts of the same call that a server began before it died. Default 0. */
  attemptsBefore?: number;
  /** Awaited before each attempt. */
  beforeAttempt?(attempt: number): Promise<void>;
}

export const toolError = (message: string, attempts = 0): ToolResult => ({
  output: message,
  isError: true,
  cited: [],
  attempts,
});

const defaultTimeoutMs = 30_000;

/**
 * Runs a tool on an input that it takes, with its timeout and its retries, and checks its output. Failures are results;
 * it rejects only with the signal's reason, and as `beforeAttempt` does. What succeeded is kept, even when the signal
 * has aborted meanwhile.
 */
export async function runTool(
  tool: AnyTool,
  input: Record<string, unknown>,
  options: RunToolOptions,
): Promise<ToolResult> {
  const { signal, attemptsBefore = 0, beforeAttempt } = options;
  const maxTries = 1 + (tool.idempotent ? (tool.retries ?? 0) : 0);
  for (let tried = 1; ; tried++) {
    const attempt = attemptsBefore + tried;
    await beforeAttempt?.(attempt);
    signal.throwIfAborted();
    const result = await attemptOnce(tool, { input, attempt }, options);
    if (!result.isError) return result;
    signal.throwIfAborted();
    if (tried >= maxTries) return result;
    await delay(backoffMs(tried), undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

const backoffMs = (tried: number): number =>
  Math.min(200 * 2 ** tried, 5_000) * (0.75 + Math.random() / 4);

async function attemptOnce(
  tool: AnyTool,
  { input, attempt }: { input: Record<string, unknown>; attempt: number },
  { context, signal: ending, log }: RunToolOptions,
): Promise<ToolResult> {
  const timeoutMs = tool.timeoutMs ?? defaultTimeoutMs;
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal = AbortSignal.any([ending, timeout]);
  const cited: SearchHit[] = [];
  try {
    return await raceAbort(signal, async () => {
      const raw = await tool.run(input, {
        ...context,
        signal,
        attempt,
        log: log.child({ runId: context.runId, tool: tool.name }),
        cite: (hits) => void cited.push(...hits),
      });
      return checkedResult(tool, { raw, cited, attempt }, log);
    });
  } catch (error) {
    if (timeout.aborted) return toolError(tookTooLong(tool, timeoutMs), attempt);
    return failed(tool, { error, attempt }, log.child({ runId: context.runId }));
  }
}

/** The reason, where it is meant for the model; the log has every reason. */
function failed(
  tool: AnyTool & { plugin?: string },
  { error, attempt }: { error: unknown; attempt: number },
  log: Log,
): ToolResult {
  const reason = shownMessage(error);
  const { name, plugin } = tool;
  if (reason !== null) return toolError(`The tool "${name}" failed: ${reason}`, attempt);
  log.warn({ tool: name, plugin, err: error }, 'a tool failed');
  return toolError(`The tool "${name}" failed. The reason is in the server's log.`, attempt);
}

/** A tool's output in the form in which it is stored, shown and sent. */
async function checkedResult(
  { name, output: schema }: AnyTool,
  { raw, cited, attempt }: { raw: unknown; cited: SearchHit[]; attempt: number },
  log: Log,
): Promise<ToolResult> {
  try {
    const parsed = await schema.safeParseAsync(raw);
    if (!parsed.success) {
      log.warn({ tool: name, issues: parsed.error.issues }, 'a tool broke its own output schema');
      return toolError(`The tool "${name}" failed: it gave no valid result.`, attempt);
    }
    const output = toolOutput(parsed.data);
    return {
      output,
      isError: false,
      cited: toolOutput(cited) as SearchHit[],
      attempts: attempt,
    };
  } catch (error) {
    log.warn({ tool: name, err: error }, "a tool's output cannot be used");
    const why = shownMessage(error);
    const reason = why === null ? '' : `: ${why}`;
    return toolError(`The tool "${name}" ran, but its output cannot be used${reason}.`, attempt);
  }
}

const tookTooLong = ({ name, idempotent }: AnyTool, timeoutMs: number): string =>
  `The tool "${name}" took longer than ${timeoutMs} ms.${idempotent ? '' : ' Whether it took effect is not known.'}`;
