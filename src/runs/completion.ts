import { isDomainError } from '../kernel/errors.ts';
import { type CachedRequest, cachedCall, keepMended } from './cached-call.ts';
import { failRun } from './fail-run.ts';
import { endedByFallbackText } from './fallback-text.ts';
import type { LiveRun } from './live-run.ts';
import { mendedAnswer } from './mended-answer.ts';
import type { CallEvent, CallFinish } from './metered-call.ts';
import { parseOutput } from './model-output.ts';
import { payerOf } from './payer.ts';
import {
  cacheModeOf,
  callOf,
  chainOf,
  type PreparedPrompt,
  preparePrompt,
} from './prepared-prompt.ts';
import { refusal } from './refusal.ts';
import type { RunRooms } from './run-rooms.ts';
import type { RunPatch } from './run-rows.ts';
import type { CompletionRequest } from './runs.ts';

/** Prompt in, text out: renders, calls, streams into the log, checks the output, ends the run. */
export async function runCompletion(
  run: LiveRun,
  request: CompletionRequest,
  rooms: RunRooms,
): Promise<void> {
  const options = request.options ?? {};
  const said: Said = { text: '', heldBack: false };
  try {
    const subject = options.subject ?? run.row.userId;
    const prompt = await preparePrompt(request.prompt, subject, rooms.prompts);
    notePrompt(run, prompt);
    const call = callOf(prompt, request);
    const chain = chainOf(request, { prompt: prompt.model, options, models: rooms.models });
    run.append({ type: 'RunStarted', model: chain[0]!, promptVersionId: prompt.promptVersionId });
    const mode = cacheModeOf(prompt, options);
    const asked = { call, chain, mode };
    said.heldBack = prompt.repair && prompt.outputSchema !== null;
    const finish = await stream(run, cachedCall(payerOf(run), asked, rooms), said);
    const answer = await checkedAnswer(run, { prompt, asked, text: said.text, finish }, rooms);
    if (said.heldBack) run.append({ type: 'TextDelta', text: answer.text });
    if (finish.whole && !answer.mended) run.record.spent = { ...finish.usage, cost: finish.cost };
    const { text, output } = answer;
    await run.end(
      { ...promptPatch(run), ...finishPatch(answer.finish), text, output },
      { type: 'RunFinished' },
    );
  } catch (error) {
    const patch = { ...promptPatch(run), text: said.heldBack ? '' : said.text };
    if (!(await endedByFallbackText(run, { error, options, patch }))) {
      await failRun(run, { error, patch }, rooms);
    }
  }
}

/** What the model has said, told as it came or held back until it is known to be good. */
interface Said {
  text: string;
  heldBack: boolean;
}

/** Appends what the model says as it comes; returns how it ended. Refusals are errors, whatever was said before. */
async function stream(
  run: LiveRun,
  events: AsyncIterable<CallEvent>,
  said: Said,
): Promise<CallFinish> {
  let finish: CallFinish | null = null;
  for await (const event of events) {
    if (event.type === 'text') {
      said.text += event.text;
      if (!said.heldBack) run.append({ type: 'TextDelta', text: event.text });
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

interface Answered {
  prompt: PreparedPrompt;
  asked: CachedRequest;
  text: string;
  finish: CallFinish;
}

interface CheckedAnswer {
  text: string;
  output?: unknown;
  finish: CallFinish;
  /** The text is that of a second call. */
  mended?: true;
}

/** The answer with its typed output, after one attempt at mending it if the prompt asks for that. */
async function checkedAnswer(
  run: LiveRun,
  { prompt, asked, text, finish }: Answered,
  rooms: RunRooms,
): Promise<CheckedAnswer> {
  const schema = prompt.outputSchema;
  if (!schema) return { text, finish };
  try {
    return { text, finish, output: parseOutput(text, schema) };
  } catch (error) {
    if (!prompt.repair || !isDomainError(error, 'OUTPUT_INVALID')) throw error;
    const { issues } = error.details;
    const mended = await mendedAnswer(run, { asked, answer: finish.message, issues }, rooms);
    const output = parseOutput(mended.text, schema);
    await keepMended(asked, mended, rooms);
    const degraded = finish.degraded || mended.finish.degraded;
    return { ...mended, output, finish: { ...mended.finish, degraded }, mended: true };
  }
}
