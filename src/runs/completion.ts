import { isDomainError } from '../kernel/errors.ts';
import { billingOf } from './calls/billing.ts';
import { type CachedRequest, cachedCall, keepRepaired } from './calls/cached-call.ts';
import type { CallFinish } from './calls/metered-call.ts';
import { parseOutput } from './calls/model-output.ts';
import {
  cacheModeOf,
  callOf,
  chainOf,
  type PreparedPrompt,
  preparePrompt,
} from './calls/prepared-prompt.ts';
import { throwIfRefused } from './calls/refusal.ts';
import { repairedAnswer } from './calls/repaired-answer.ts';
import { RunSink } from './calls/run-sink.ts';
import { selectedPrompt } from './calls/selected-prompt.ts';
import { callWith } from './conversation/earlier-tools.ts';
import { fittedMessages } from './conversation/fit-history.ts';
import { historyOf } from './conversation/history-of.ts';
import { failRun } from './live/fail-run.ts';
import { endedByFallbackText } from './live/fallback-text.ts';
import type { LiveRun } from './live/live-run.ts';
import type { RunPatch } from './log/run-rows.ts';
import { OutputProgress } from './output/output-progress.ts';
import type { RunServices } from './run-services.ts';
import type { CompletionRequest } from './runs.ts';

/** Prompt in, text out: renders, calls, streams into the log, checks the output, ends the run. */
export async function runCompletion(
  run: LiveRun,
  request: CompletionRequest,
  services: RunServices,
): Promise<void> {
  const options = request.options ?? {};
  const sink = new RunSink(run);
  let finish: CallFinish | null = null;
  try {
    const subject = options.subject ?? run.row.userId;
    const prepared = await preparePrompt(request.prompt, subject, services.prompts);
    const prompt = selectedPrompt(prepared, request);
    recordPrompt(run, prompt);
    const own = callOf(prompt, request);
    const chain = chainOf(request, { prompt: prompt.model, options, models: services.models });
    if (prompt.name !== null) run.append({ type: 'RunAsked', messages: own.messages });
    run.append({ type: 'RunStarted', model: chain[0]!, promptVersionId: prompt.promptVersionId });
    const exchanges = await historyOf(run, services);
    const fitting = { run, exchanges, call: own, chain, policy: options.history };
    const messages = await fittedMessages(fitting, services);
    const call = callWith(own, messages);
    const mode = cacheModeOf(prompt, options);
    const { outputSelection: selection, outputSchema } = prompt;
    const selected =
      selection === null
        ? null
        : { selection, whole: callWith(callOf(prepared, request), messages) };
    const asked = { call, chain, mode, selected };
    if (prompt.repair && outputSchema) sink.mode = 'heldBack';
    if (outputSchema) {
      const typedPrompt = selection === null ? null : prompt.name;
      sink.progress = { prompt: typedPrompt, output: new OutputProgress(outputSchema) };
    }
    finish = await cachedCall({ billing: billingOf(run), request: asked, sink }, services);
    throwIfRefused(finish);
    const answer = await checkedAnswer(run, { prompt, asked, text: sink.said, finish }, services);
    if (sink.mode === 'heldBack') run.append({ type: 'TextDelta', text: answer.text });
    if (finish.whole && !answer.repaired) run.record.spent = { ...finish.usage, cost: finish.cost };
    const { text, output } = answer;
    keepTurn(run, answer.finish);
    await run.end(
      { ...promptPatch(run), ...finishPatch(answer.finish), text, output },
      { type: 'RunFinished' },
    );
  } catch (error) {
    const patch = { ...promptPatch(run), text: sink.streamed, ...brokenTurn(run, finish) };
    if (!(await endedByFallbackText(run, { error, options, patch }))) {
      await failRun(run, { error, patch }, services);
    }
  }
}

/** Keeps a turn for whoever continues the run, where it is more than the run's text. */
export function keepTurn(run: LiveRun, finish: CallFinish): void {
  const { message, stopReason, refusal, usage, cost } = finish;
  const isText = message.content.every(({ type }) => type === 'text');
  if (isText && !message.verbatim) return;
  run.append({ type: 'AssistantTurn', number: 1, message, stopReason, refusal, usage, cost });
}

/** A whole turn that is not what was asked for can be gone on from. */
function brokenTurn(run: LiveRun, finish: CallFinish | null): RunPatch {
  if (!finish || finish.stopReason === 'refusal') return {};
  const { message, stopReason, refusal, usage, cost } = finish;
  run.append({ type: 'AssistantTurn', number: 1, message, stopReason, refusal, usage, cost });
  return { stopReason };
}

export function recordPrompt(run: LiveRun, prompt: PreparedPrompt): void {
  const { name: promptName, promptVersionId, experimentId, variant, outputSelection } = prompt;
  const recorded = { promptName, promptVersionId, experimentId, variant, outputSelection };
  Object.assign(run.record, recorded);
}

export function promptPatch({ record }: LiveRun): RunPatch {
  const { promptVersionId, promptName, experimentId, variant, outputSelection, model } = record;
  return { promptVersionId, promptName, experimentId, variant, outputSelection, model };
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
  repaired?: true;
}

/** The answer with its typed output, after one attempt at mending it if the prompt asks for that. */
async function checkedAnswer(
  run: LiveRun,
  { prompt, asked, text, finish }: Answered,
  services: RunServices,
): Promise<CheckedAnswer> {
  const schema = prompt.outputSchema;
  if (!schema) return { text, finish };
  try {
    return { text, finish, output: parseOutput(text, schema) };
  } catch (error) {
    if (!prompt.repair || !isDomainError(error, 'OUTPUT_INVALID')) throw error;
    const { issues } = error.details;
    const repaired = await repairedAnswer(run, { asked, answer: finish.message, issues }, services);
    const output = parseOutput(repaired.text, schema);
    await keepRepaired(asked, { ...repaired, userId: run.row.userId }, services);
    const degraded = finish.degraded || repaired.finish.degraded;
    return { ...repaired, output, finish: { ...repaired.finish, degraded }, repaired: true };
  }
}
