import type { ExecutionResult, GraphQLError } from 'graphql';
import type { Exchange } from '../http/exchange.ts';
import { refusal } from '../http/request-refusal.ts';

type Result = IteratorResult<ExecutionResult, undefined>;

const ended: Result = { done: true, value: undefined };
const pullsPerTurn = 64;

interface GuardOptions {
  exchange: Exchange;
  /** Where the reader can go on, should it be left behind. */
  lastCursor(): string | undefined;
  onSlowConsumer(): void;
}

/**
 * A stream of results whose reader may fall behind. Results are pulled, so what a slow reader has not taken stays,
 * merged, in the run's log; a reader that stalls ends with SLOW_CONSUMER and the cursor behind what it was sent.
 */
export class GuardedStream implements AsyncIterableIterator<ExecutionResult, undefined> {
  readonly #source: AsyncIterator<ExecutionResult>;
  readonly #options: GuardOptions;
  #failure: GraphQLError | null = null;
  #pulled = 0;
  #over = false;

  constructor(source: AsyncIterable<ExecutionResult>, options: GuardOptions) {
    this.#source = source[Symbol.asyncIterator]();
    this.#options = options;
    options.exchange.giveUp = (refused) => this.#giveUp(refused);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<Result> {
    this.#pulled += 1;
    // Events that are all there already, as in a replay, would be sent without one turn of the event loop: 80,000 small
    // ones held everybody up for 2 s.
    if (this.#pulled % pullsPerTurn === 0) await new Promise(setImmediate);
    if (this.#options.exchange.outflow.stalled()) this.#giveUp();
    if (!this.#over) {
      const { done, value } = await this.#source.next();
      // Given up while it waited: this result was never sent, so the cursor must not be behind it.
      if (!this.#failure) {
        if (!done) return { done: false, value };
        this.#over = true;
      }
    }
    const failure = this.#failure;
    this.#failure = null;
    if (failure) throw failure;
    return ended;
  }

  async return(): Promise<Result> {
    if (!this.#over) {
      this.#over = true;
      await this.#source.return?.();
    }
    return ended;
  }

  async throw(): Promise<Result> {
    return this.return();
  }

  #giveUp(refused?: GraphQLError): void {
    if (this.#over) return;
    this.#over = true;
    const { exchange, lastCursor, onSlowConsumer } = this.#options;
    const failure = refused ?? tooSlow(lastCursor());
    this.#failure = failure;
    exchange.outcome = String(failure.extensions['code']);
    if (!refused) onSlowConsumer();
    // To the run it is a lost connection: its policy decides, and runEvents can take over.
    exchange.disconnected.abort();
    void Promise.resolve(this.#source.return?.()).catch(() => undefined);
  }
}

const tooSlow = (cursor: string | undefined): GraphQLError =>
  refusal(
    'SLOW_CONSUMER',
    'This stream was read too slowly and has been ended. Go on with runEvents from the cursor.',
    cursor === undefined ? {} : { details: { cursor } },
  );
