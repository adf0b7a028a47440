import { backoffMs, isRefusal, type Loss, maxFailures, wait } from './reconnect.ts';
import type { ResumableDocument } from './resumable-document.ts';
import { RunError } from './run-error.ts';
import type { FinishedOf, OutputOf, ReadEvent } from './run-events.ts';
import type { ExecutionResult, OperationRequest, Transport } from './transport.ts';

export interface RunOptions {
  /** Aborting it stops the run, or only stops reading it: see `onAbort`. */
  signal?: AbortSignal;
  /** `cancel` (default) stops the run on the server. `leave` lets it go on there; join it again by `runEvents`. */
  onAbort?: 'cancel' | 'leave';
  /** The same key joins the same run, from any tab or device, for 24 h. Default: a new one. */
  idempotencyKey?: string;
}

/** What a run needs of its client. */
export interface RunHost {
  transport: Transport;
  cancelRun(runId: string): Promise<void>;
}

type Waiter = () => void;

/**
 * A run that is being read: an async iterable of its events, each exactly once and in order however often the connection
 * is lost. Every iteration begins with the first event. A run that fails ends the iteration after its `RunFailed`; `text`,
 * `output` and `finished` reject with a `RunError`.
 */
export class Run<Event> implements AsyncIterable<Event> {
  /** The whole text, once the run has finished. */
  readonly text: Promise<string>;
  /** The typed output, as the operation selects it of the finished run. */
  readonly output: Promise<OutputOf<Event>>;
  /** The last event of a run that succeeded. */
  readonly finished: Promise<FinishedOf<Event>>;
  /** The run's id, once the server has begun it. */
  readonly id: Promise<string>;

  readonly #host: RunHost;
  readonly #document: ResumableDocument;
  readonly #variables: Record<string, unknown>;
  readonly #options: RunOptions;
  readonly #key: string;
  readonly #events: Event[] = [];
  readonly #ids = Promise.withResolvers<string>();
  readonly #ends = Promise.withResolvers<FinishedOf<Event>>();
  #waiters: Waiter[] = [];
  #runId: string | null = null;
  #cursor: string | null = null;
  #text = '';
  /** How much of the text is of turns that are over: what came after is void when a turn starts again. */
  #textOfTurns = 0;
  #failures = 0;
  #isOver = false;
  #unsubscribe: () => void = () => {};
  #wake: AbortController = new AbortController();

  constructor(
    host: RunHost,
    operation: { document: ResumableDocument; variables: Record<string, unknown> },
    options: RunOptions,
  ) {
    this.#host = host;
    this.#document = operation.document;
    this.#variables = operation.variables;
    this.#options = options;
    this.#key = options.idempotencyKey ?? crypto.randomUUID();
    this.id = this.#ids.promise;
    this.finished = this.#ends.promise;
    this.text = this.finished.then(() => this.#text);
    this.output = this.finished.then((event) => (event as ReadEvent).run?.output as never);
    for (const promise of [this.id, this.finished, this.text, this.output]) promise.catch(() => {});
    options.signal?.addEventListener('abort', this.#onAbort);
    if (options.signal?.aborted) this.#onAbort();
    else this.#subscribe();
  }

  /** The text that has come until now. */
  get textSoFar(): string {
    return this.#text;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Event, void> {
    for (let next = 0; ; ) {
      if (next < this.#events.length) yield this.#events[next++]!;
      else if (this.#isOver) break;
      else await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
    await this.#ends.promise.catch((error: RunError) => {
      // A failed run has said so by its last event; what else ends it early has no event.
      if (!isRunFailed(this.#events.at(-1))) throw error;
    });
  }

  /** Stops the run on the server, as an abort does. */
  cancel(): void {
    if (this.#isOver) return;
    const runId = this.#runId;
    this.#fail(new RunError('The run was cancelled.', this.#details('RUN_CANCELLED')));
    this.#unsubscribe();
    if (runId) void this.#host.cancelRun(runId).catch(() => {});
  }

  readonly #onAbort = (): void => {
    if (this.#options.onAbort === 'leave') {
      this.#fail(new RunError('The client has left the run.', this.#details('LEFT')));
      this.#unsubscribe();
    } else this.cancel();
  };

  #request(): OperationRequest {
    if (this.#runId === null || this.#cursor === null) {
      const leaves = this.#options.onAbort === 'leave';
      return {
        query: this.#document.begin,
        variables: this.#variables,
        extensions: {
          tessera: {
            idempotencyKey: this.#key,
            ...(leaves ? { onDisconnect: 'CONTINUE' } : {}),
          },
        },
      };
    }
    const kept = Object.entries(this.#variables).filter(([name]) =>
      this.#document.resumeVariables.includes(name),
    );
    return {
      query: this.#document.resume,
      variables: {
        ...Object.fromEntries(kept),
        tesseraRunId: this.#runId,
        tesseraAfter: this.#cursor,
      },
    };
  }

  #subscribe(): void {
    let isCurrent = true;
    const ifCurrent =
      <Arguments extends unknown[]>(work: (...values: Arguments) => void) =>
      (...values: Arguments): void => {
        if (isCurrent && !this.#isOver) work(...values);
      };
    const loseOnce = ifCurrent((loss: Loss) => {
      isCurrent = false;
      unsubscribe();
      void this.#recover(loss);
    });
    const unsubscribe = this.#host.transport.subscribe(this.#request(), {
      next: ifCurrent((result) => this.#read(result, loseOnce)),
      complete: () => loseOnce({ message: 'the stream ended early' }),
      lost: loseOnce,
    });
    this.#unsubscribe = () => {
      isCurrent = false;
      unsubscribe();
    };
  }

  #read({ data, errors }: ExecutionResult, lose: (loss: Loss) => void): void {
    const event = data?.[this.#document.responseKey] as ReadEvent | null | undefined;
    if (event) this.#add(event);
    const [error] = errors ?? [];
    if (!error || this.#isOver) return;
    const { code = 'INTERNAL_SERVER_ERROR', retryAfter } = error.extensions ?? {};
    const loss: Loss = { message: error.message, error: code };
    lose(typeof retryAfter === 'number' ? { ...loss, retryAfterMs: retryAfter * 1_000 } : loss);
  }

  #add(event: ReadEvent): void {
    this.#failures = 0;
    this.#cursor = event.cursor || this.#cursor;
    if (this.#runId === null && event.runId) {
      this.#runId = event.runId;
      this.#ids.resolve(event.runId);
    }
    if (event.__typename === 'TextDelta') this.#text += event.text ?? '';
    else if (event.__typename === 'TurnFinished') this.#textOfTurns = this.#text.length;
    else if (event.__typename === 'TurnRestarted')
      this.#text = this.#text.slice(0, this.#textOfTurns);
    this.#events.push(event as Event);
    if (event.__typename === 'RunFinished') this.#end(() => this.#ends.resolve(event as never));
    else if (event.__typename === 'RunFailed') this.#fail(this.#failureOf(event));
    else this.#notify();
  }

  #failureOf({ error }: ReadEvent): RunError {
    const { code = 'RUN_FAILED', message = 'The run failed.', retryable = false } = error ?? {};
    return new RunError(message, { ...this.#details(code), retryable });
  }

  /** Reads on where the lost stream ended, after a pause; or gives up, and says why. */
  async #recover(loss: Loss): Promise<void> {
    this.#failures += 1;
    if (loss.code === 4403 || loss.error === 'UNAUTHENTICATED') this.#host.transport.reconnect();
    if (isRefusal(loss, this.#failures) || this.#failures > maxFailures) {
      return this.#fail(new RunError(loss.message, this.#details(loss.error ?? 'CONNECTION_LOST')));
    }
    this.#wake = new AbortController();
    await wait(loss.retryAfterMs ?? backoffMs(this.#failures), this.#wake.signal);
    if (!this.#isOver) this.#subscribe();
  }

  #details(code: string): { code: string; runId: string | null; text: string } {
    return { code, runId: this.#runId, text: this.#text };
  }

  #fail(error: RunError): void {
    this.#end(() => {
      this.#ids.reject(error);
      this.#ends.reject(error);
    });
  }

  #end(settle: () => void): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    this.#wake.abort();
    settle();
    this.#notify();
  }

  #notify(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }
}

const isRunFailed = (event: unknown): boolean =>
  (event as ReadEvent | undefined)?.__typename === 'RunFailed';
