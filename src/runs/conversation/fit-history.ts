import { DomainError } from '../../kernel/errors.ts';
import type { Message } from '../../kernel/model.ts';
import type { HistoryPolicy } from '../../kernel/run.ts';
import type { ModelName } from '../../model/models.ts';
import type { CallRequest } from '../calls/metered-call.ts';
import type { LiveRun } from '../live/live-run.ts';
import type { RunServices } from '../run-services.ts';
import { answeredCalls } from './answered-calls.ts';
import { eventsOf } from './called-turns.ts';
import type { Exchange } from './read-history.ts';
import {
  messagesOf,
  type Shortened,
  separableExchanges,
  shortenedMessages,
} from './shortened-history.ts';
import { summarizeHistory } from './summarize-history.ts';
import { WindowMeasure } from './window-measure.ts';

export interface HistoryRequest {
  run: LiveRun;
  exchanges: readonly Exchange[];
  /** With the run's own messages alone. */
  call: CallRequest['call'];
  chain: readonly ModelName[];
  policy: HistoryPolicy | null | undefined;
}

const nothing: Shortened = { runIds: [], summary: null };

/**
 * The messages of a call: the conversation before the run, as much of it as fits the model's window, and the run's own.
 * What a run left out stays out in those that go on from it, while the whole does not fit: so the provider finds the same
 * beginning again. A cut leaves a quarter of the room free for the exchanges to come. Emits what is left out. Rejects with
 * MODEL_REFUSED where the policy is to fail.
 */
export async function fittedMessages(
  request: HistoryRequest,
  services: RunServices,
): Promise<Message[]> {
  const { run, exchanges, call } = request;
  const withOwn = (history: readonly Message[]) => answeredCalls([...history, ...call.messages]);
  if (exchanges.length === 0) return withOwn([]);
  const decided = eventsOf(run.log.events, 'HistoryShortened').at(-1);
  if (decided) return withOwn(shortenedMessages(exchanges, decided));

  const window = new WindowMeasure(request, services.models);
  const whole = withOwn(messagesOf(exchanges));
  if (await window.holds(whole)) return whole;
  if (request.policy === 'FAIL') throw tooLong(window.room);

  const before = exchanges.at(-1)!.shortened ?? nothing;
  if (before.runIds.length > 0) {
    const messages = withOwn(shortenedMessages(exchanges, before));
    if (await window.holds(messages)) return emit(run, before, messages);
  }
  const { shortened, messages } = await cut(request, before, { window, services });
  return emit(run, shortened, withOwn(messages));
}

function emit(run: LiveRun, { runIds, summary }: Shortened, messages: Message[]): Message[] {
  run.append({ type: 'HistoryShortened', runIds, summary });
  return messages;
}

interface Cutting {
  window: WindowMeasure;
  services: RunServices;
}

/** Leaves out whole exchanges, the oldest first, until the rest fits with a margin. */
async function cut(
  { run, exchanges, call, policy }: HistoryRequest,
  before: Shortened,
  { window, services }: Cutting,
): Promise<{ shortened: Shortened; messages: Message[] }> {
  const gone = new Set(before.runIds);
  const groups = separableExchanges(exchanges.filter(({ runId }) => !gone.has(runId)));
  for (let kept = await window.lastThatFit(groups.map(messagesOf)); ; kept--) {
    const out = groups.slice(0, groups.length - kept).flat();
    const summary =
      policy === 'SUMMARIZE'
        ? await summarizeHistory(
            run,
            { messages: messagesOf(out), earlier: before.summary },
            services,
          )
        : null;
    const runIds = [...before.runIds, ...out.map(({ runId }) => runId)];
    const messages = shortenedMessages(exchanges, { runIds, summary });
    const fits = kept === 0 || (await window.holds([...messages, ...call.messages]));
    if (fits) return { shortened: { runIds, summary }, messages };
  }
}

const tooLong = (room: number): DomainError =>
  new DomainError(
    'MODEL_REFUSED',
    `The conversation does not fit the model's window, which has room for ${Math.max(0, Math.floor(room))} tokens beside the answer. Set history to DROP_OLDEST or SUMMARIZE, ask for fewer maxTokens, or choose a model with a larger window.`,
  );
