import type {
  ModelFinish,
  ModelStreamOptions,
  ModelUsage,
  ProviderSink,
} from '../../kernel/model.ts';
import { JsonEvents } from './json-events.ts';
import type { LeanResponse } from './lean-fetch.ts';

export interface Bill {
  usage: ModelUsage;
  /** Some number is ours. */
  estimated: boolean;
}

/** Puts one streamed answer together, and passes on to the sink what it says. */
export interface AnswerTurn {
  /** Takes one event. Throws a `DomainError` for an event that reports an error. */
  take(json: unknown, type: string | undefined): void;
  /** "[DONE]" came. */
  done(): void;
  /** Passes on the text that came together. */
  flush(): void;
  /** Nothing follows: passes on the rest, and completes the answer if nothing of it is missing. */
  end(): void;
  /** Nothing that matters can follow, should the server leave the connection open. */
  readonly isWhole: boolean;
  /** The answer, once it has ended. Events after it are not given to the turn. */
  readonly answer: ModelFinish | null;
  /** The bill of an answer that broke off; null before it began. */
  bill(): Bill | null;
}

interface ReadOptions extends Pick<ModelStreamOptions, 'onActivity'> {
  /** The caller's. */
  signal: AbortSignal;
  sink: ProviderSink;
  /** Sends the request. `signal` is the attempt's own. */
  open(signal: AbortSignal): Promise<LeanResponse>;
  /** Makes the turn of the response that came. */
  begin(response: LeanResponse): AnswerTurn;
  /** Translates what went wrong; also given an answer that ended before it was whole, as undefined. */
  errorOf(error: unknown): Error;
}

/** When the answer is whole, this long is waited for the response's end, so that its connection can be used again. */
const drainTimeoutMs = 1_000;

/**
 * One attempt of a call: opens the response and reads its events into a turn, synchronously for each piece of bytes. An
 * answer that is whole stands, whatever follows it. Else rejects with the signal's reason or the translated error, after
 * the sink has the bill of an answer that had begun.
 */
export async function readAnswer(options: ReadOptions): Promise<ModelFinish> {
  const { signal, sink } = options;
  signal.throwIfAborted();
  const abort = new AbortController();
  const onAbort = () => abort.abort(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  let turn: AnswerTurn | null = null;
  let error: unknown;
  try {
    const response = await options.open(abort.signal);
    turn = options.begin(response);
    await readEvents(response, turn, { ...options, abort });
  } catch (thrown) {
    error = thrown;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
  turn?.end();
  if (turn?.answer) return turn.answer;
  const bill = turn?.bill();
  if (bill) sink.usage(bill.usage, bill.estimated);
  throw signal.aborted ? signal.reason : options.errorOf(error);
}

async function readEvents(
  response: LeanResponse,
  turn: AnswerTurn,
  { onActivity, abort }: ReadOptions & { abort: AbortController },
): Promise<void> {
  const events = new JsonEvents({
    onJson: (json, type) => turn.answer ?? turn.take(json, type),
    onDone: () => turn.answer ?? turn.done(),
  });
  const flushSoon = oncePerTurn(
    () => turn.flush(),
    (error) => abort.abort(error),
  );
  let timer: NodeJS.Timeout | undefined;
  try {
    await response.read((bytes) => {
      onActivity?.();
      events.feed(bytes);
      flushSoon();
      if (turn.isWhole) timer ??= setTimeout(() => abort.abort(), drainTimeoutMs);
    });
    events.end();
  } finally {
    clearTimeout(timer);
  }
}

/** One read of the socket may bring many pieces of the body, one after the other: they are one piece to the sink. */
function oncePerTurn(work: () => void, onError: (error: unknown) => void): () => void {
  let isDue = false;
  const run = () => {
    isDue = false;
    try {
      work();
    } catch (error) {
      onError(error);
    }
  };
  return () => {
    if (!isDue) queueMicrotask(run);
    isDue = true;
  };
}
