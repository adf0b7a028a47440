import { isDomainError } from '../../kernel/errors.ts';
import type { RunEvent } from '../../kernel/events.ts';
import type { Message } from '../../kernel/model.ts';
import { parseOutput } from '../calls/model-output.ts';
import { userMessage } from '../conversation/exchange.ts';
import { fittedMessages } from '../conversation/fit-history.ts';
import { historyOf } from '../conversation/history-of.ts';
import { failRun } from '../live/fail-run.ts';
import { endedByFallbackText } from '../live/fallback-text.ts';
import type { RunPatch } from '../log/run-rows.ts';
import type { RunServices } from '../run-services.ts';
import { type AgentState, agentState } from './agent-state.ts';
import { callOf, takeTurn } from './agent-turn.ts';
import type { AgentStart, AgentWork } from './agent-work.ts';
import { brokenTurn, maxTurnsExceeded, windowFull } from './broken-turn.ts';
import { assertKeyHolds } from './key-holds.ts';
import { runTools } from './run-tools.ts';
import { windowRoom } from './window-room.ts';

/**
 * The loop. Each step is read off the log and stored in it before the next one starts, so that it makes no difference
 * whether this server or another one, now or after a crash, takes the next step.
 */
export async function runAgentLoop(start: AgentStart, services: RunServices): Promise<void> {
  const { run, input } = start;
  let work: AgentWork = { ...start, asked: [userMessage(input.message)] };
  try {
    if (run.log.end === 0) {
      run.append({ type: 'RunStarted', model: input.chain[0]!, promptVersionId: null });
    }
    work = { ...work, asked: await conversationUntil(work, services) };
    begin(work, services);
    while (true) {
      run.signal.throwIfAborted();
      const state = readState(work, services);
      if (state.broken) throw brokenTurn(state.broken, input);
      await assertKeyHolds(run, services);
      if (state.pending.length > 0) {
        if ((await runTools(work, state, services)) === 'waiting') return await run.suspend();
      } else if (state.unreported) run.append({ type: 'TurnFinished', turn: state.unreported });
      else if (state.answer) return await finish(work, state.answer, state.text);
      else if (state.turns >= input.maxTurns) throw maxTurnsExceeded(input);
      else if (windowRoom(work, state, services) < 0) throw windowFull();
      else await takeTurn(work, state, services);
    }
  } catch (error) {
    await fail(work, isTooLong(error) ? windowFull() : error, services);
  }
}

const isTooLong = (error: unknown): boolean =>
  isDomainError(error, 'MODEL_REFUSED') && error.details.tooLong === true;

/** The former server of a run may have told words of a turn that it never stored, and stored few of them: they are void. */
function begin(work: AgentWork, services: RunServices): void {
  const { run, input } = work;
  if (run.epoch === 1) return;
  const { pending, broken, answer, unreported, turns } = readState(work, services);
  if (pending.length > 0 || broken || answer) return;
  if (unreported) run.append({ type: 'TurnFinished', turn: unreported });
  if (turns < input.maxTurns) run.append({ type: 'TurnRestarted', number: turns + 1 });
}

/** The conversation that the run goes on from, as much as fits the window, and the message. */
async function conversationUntil(work: AgentWork, services: RunServices): Promise<Message[]> {
  const { run, input, asked } = work;
  const exchanges = await historyOf(run, services);
  const call = callOf(work, { messages: [...asked] }, services);
  const { chain, options } = input;
  return fittedMessages({ run, exchanges, call, chain, policy: options.history }, services);
}

function readState({ run, asked }: AgentWork, { knowledge }: RunServices): AgentState {
  return agentState({
    asked,
    events: run.log.events,
    pack: (hits, tokens) => knowledge.pack(hits, tokens),
  });
}

async function finish(
  { run, agent }: AgentWork,
  { stopReason }: NonNullable<AgentState['answer']>,
  text: string,
): Promise<void> {
  const output = agent.output ? { output: parseOutput(text, agent.output) } : {};
  const { model } = run.record;
  await run.end(
    { status: 'SUCCEEDED', text, stopReason, model, ...output },
    { type: 'RunFinished' },
  );
}

/**
 * Everything done so far is kept, a turn in the middle of its tools included. A run without a turn may end with the
 * caller's own words instead.
 */
async function fail(work: AgentWork, error: unknown, services: RunServices): Promise<void> {
  const { run, input } = work;
  const { options } = input;
  const patch: RunPatch = run.leaving ? {} : whatCame(work, services);
  const tookNoTurn = patch.stopReason === undefined;
  if (tookNoTurn && (await endedByFallbackText(run, { error, options, patch: {} }))) return;
  await failRun(run, { error, patch: { ...patch, model: run.record.model } }, services);
}

function whatCame(work: AgentWork, services: RunServices): RunPatch {
  try {
    const { lastTurn, text, unreported } = readState(work, services);
    const broken = brokenOff(work.run.log.events);
    if (broken !== '') work.run.append({ type: 'TurnBrokenOff', text: broken });
    if (unreported) work.run.append({ type: 'TurnFinished', turn: unreported });
    return lastTurn ? { text, stopReason: lastTurn.stopReason } : {};
  } catch (error) {
    // A log that cannot be read must not keep its run from ending.
    services.log.error({ err: error, runId: work.run.id }, "a run's log cannot be read");
    return {};
  }
}

/** What a turn has said that is not stored as a whole. */
function brokenOff(events: readonly RunEvent[]): string {
  const begins = events.findLastIndex(({ type }) => turnEdges.has(type));
  return events
    .slice(begins + 1)
    .map((event) => (event.type === 'TextDelta' ? event.text : ''))
    .join('');
}

const turnEdges = new Set<RunEvent['type']>(['AssistantTurn', 'TurnRestarted']);
