import { isDomainError } from '../kernel/errors.ts';
import type { Message } from '../kernel/model.ts';
import { cachedCall } from './cached-call.ts';
import { failRun } from './fail-run.ts';
import type { LiveRun } from './live-run.ts';
import type { CallEvent, CallFinish } from './metered-call.ts';
import { parseOutput } from './model-output.ts';
import { payerOf } from './payer.ts';
import {
  chainOf,
  defaultMaxTokens,
  type PreparedPrompt,
  preparePrompt,
} from './prepared-prompt.ts';
import { refusal } from './refusal.ts';
import type { RunRooms } from './run-rooms.ts';
import type { RunPatch } from './run-rows.ts';
import type { CompletionRequest, RunOptions } from './runs.ts';

/** Prompt in, text out: renders, calls, streams into the log, checks the output, ends the run. */
export async function runCompletion(
  run: LiveRun,
  request: CompletionRequest,
  rooms: RunRooms,
): Promise<void> {
  const options = request.options ?? {};
  const told = { text: '' };
  try {
    const subject = options.subject ?? run.row.userId;
    const prompt = await preparePrompt(request.prompt, subject, rooms.prompts);
    notePrompt(run, prompt);
    const call = callOf(prompt, request);
    const chain = chainOf(request, { prompt: prompt.model, options, models: rooms.models });
    run.append({ type: 'RunStarted', model: chain[0]!, promptVersionId: prompt.promptVersionId });
    const mode = prompt.cacheable ? (options.cache ?? 'DEFAULT') : 'BYPASS';
    const finish = await stream(run, cachedCall(payerOf(run), { call, chain, mode }, rooms), told);
    const answered = { prompt, call, chain, text: told.text, finish };
    const { mended, ...output } = await outputOf(run, answered, rooms);
    if (finish.whole && !mended) run.record.spent = { ...finish.usage, cost: finish.cost };
    await run.end(
      { ...promptPatch(run), ...finishPatch(finish), ...output },
      { type: 'RunFinished' },
    );
  } catch (error) {
    const patch = { ...promptPatch(run), text: told.text };
    if (!(await endedByFallbackText(run, { error, options, told, patch }))) {
      await failRun(run, { error, patch }, rooms);
    }
  }
}

/** Appends what the model says as it comes; returns how it ended. Refusals are errors, whatever was said before. */
async function stream(
  run: LiveRun,
  events: AsyncIterable<CallEvent>,
  told: { text: string },
): Promise<CallFinish> {
  let finish: CallFinish | null = null;
  for await (const event of events) {
    if (event.type === 'text') {
      told.text += event.text;
      run.append({ type: 'TextDelta', text: event.text });
    } else if (event.type === 'thinking') run.append({ type: 'ThinkingDelta', text: event.text });
    else if (event.type === 'start') run.record.model = event.model;
    else if (event.type === 'finish') finish = event;
  }
  if (!finish) throw new Error('the call ended without a finish');
  if (finish.stopReason === 'refusal') throw refusal(finish.refusal);
  return finish;
}

export function notePrompt(run: LiveRun, prompt: PreparedPrompt): void {
  const { promptVersionId, experimentId, variant, name } = prompt;
  Object.assign(run.record, { promptVersionId, experimentId, variant });
  run.promptName = name;
}

export function promptPatch({ record }: LiveRun): RunPatch {
  const { promptVersionId, experimentId, variant, model } = record;
  return { promptVersionId, experimentId, variant, model };
}

export function finishPatch(finish: CallFinish): RunPatch {
  const { stopReason, cached, degraded, timeToFirstTokenMs, model } = finish;
  return { status: 'SUCCEEDED', stopReason, cached, degraded, timeToFirstTokenMs, model };
}

/** Answers with the caller's own words when every model failed before a word was out; true when it did. */
export async function endedByFallbackText(
  run: LiveRun,
  {
    error,
    options,
    told,
    patch,
  }: { error: unknown; options: RunOptions; told: { text: string }; patch: RunPatch },
): Promise<boolean> {
  const text = options.fallbackText;
  const modelFailed = isDomainError(error) && modelFailures.has(error.code) && !isCancel(run);
  if (text == null || told.text !== '' || !modelFailed) return false;
  run.append({ type: 'TextDelta', text });
  const fallback = {
    status: 'SUCCEEDED',
    model: 'fallback',
    degraded: true,
    stopReason: 'end_turn',
  } as const;
  await run.end({ ...patch, ...fallback, text }, { type: 'RunFinished' });
  return true;
}

const modelFailures: ReadonlySet<string> = new Set([
  'MODEL_RATE_LIMITED',
  'MODEL_OVERLOADED',
  'MODEL_TIMEOUT',
  'MODEL_UNAVAILABLE',
]);

const isCancel = (run: LiveRun): boolean =>
  run.signal.aborted &&
  isDomainError(run.signal.reason) &&
  !modelFailures.has(run.signal.reason.code);

function callOf(prompt: PreparedPrompt, request: CompletionRequest) {
  const system = request.system ?? prompt.system;
  return {
    messages: prompt.messages,
    maxTokens: request.maxTokens ?? prompt.maxTokens ?? defaultMaxTokens,
    ...(system ? { system } : {}),
    ...(prompt.outputSchema ? { outputSchema: prompt.outputSchema } : {}),
    ...(prompt.thinking ? { thinking: true } : {}),
  };
}

interface Answered {
  prompt: PreparedPrompt;
  call: ReturnType<typeof callOf>;
  chain: string[];
  text: string;
  finish: CallFinish;
}

/** The typed output, after one attempt at mending if the prompt asks for it; `text` is then what was mended. */
async function outputOf(
  run: LiveRun,
  answered: Answered,
  rooms: RunRooms,
): Promise<Pick<RunPatch, 'text' | 'output'> & { mended?: true }> {
  const { prompt, call, chain, text, finish } = answered;
  const schema = prompt.outputSchema;
  if (!schema) return { text };
  try {
    return { text, output: parseOutput(text, schema) };
  } catch (error) {
    if (!prompt.repair || !isDomainError(error, 'OUTPUT_INVALID')) throw error;
    const complaint: Message = {
      role: 'user',
      content: [{ type: 'text', text: JSON.stringify({ issues: error.details.issues }) }],
    };
    const messages = [...call.messages, finish.message, complaint];
    const request = { call: { ...call, messages }, chain, mode: 'BYPASS' as const };
    let mended = '';
    for await (const event of cachedCall(payerOf(run), request, rooms)) {
      if (event.type === 'text') mended += event.text;
    }
    return { text: mended, output: parseOutput(mended, schema), mended: true };
  }
}
