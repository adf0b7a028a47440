import { type DomainError, type ErrorCode, isDomainError } from '../../kernel/errors.ts';
import type { RunEvent } from '../../kernel/events.ts';
import type { RunHandle, RunRecord } from '../../runs/runs.ts';
import type { GraphQLContext } from '../context.ts';
import { encodeGlobalId } from '../global-id.ts';
import { emptyOutput, outputAt } from './growing-output.ts';
import { createRunStream, RunEventView, type RunStream, toView } from './run-event-view.ts';
import type { RunView } from './run-view.ts';

type Result = IteratorResult<RunEventView, undefined>;

interface Following {
  context: GraphQLContext;
  after: number | undefined;
}

const ended: Result = { done: true, value: undefined };

/** What keeps a stream from starting, and yet is told as its only event. */
const startErrors: readonly ErrorCode[] = [
  'CONFLICT',
  'AGENT_NOT_FOUND',
  'RUN_NOT_FOUND',
  'NOT_FOUND',
];

/**
 * A run's events as GraphQL iterates them. `return()` ends it at once also while the run is silent, which an async
 * generator would not: its `return()` waits for the pending `next()`.
 */
class RunEventIterator implements AsyncIterableIterator<RunEventView, undefined> {
  readonly #events: AsyncIterator<RunEvent>;
  readonly #stream: RunStream;
  readonly #context: GraphQLContext;
  readonly #leave: () => void;
  #over = false;
  #endPending: ((result: Result) => void) | null = null;

  constructor(handle: RunHandle, stream: RunStream, following: Following) {
    const { context, after } = following;
    this.#events = handle.events(after);
    this.#stream = stream;
    this.#context = context;
    this.#leave = () =>
      handle.leave(context.disconnected?.aborted ? 'disconnected' : 'unsubscribed');
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Result> {
    if (this.#over) return Promise.resolve(ended);
    return new Promise((resolve, reject) => {
      this.#endPending = resolve;
      this.#events.next().then(
        ({ done, value }) => {
          if (done) {
            this.#over = true;
            return resolve(ended);
          }
          const view = toView(value, this.#stream);
          this.#context.lastEvent = view;
          resolve({ done: false, value: view });
        },
        (error: unknown) => {
          this.#over = true;
          reject(error);
        },
      );
    });
  }

  return(): Promise<Result> {
    if (!this.#over) {
      this.#over = true;
      this.#leave();
      this.#endPending?.(ended);
      // Not awaited: the client is gone whatever comes of it, and its failure is the run's to log.
      void this.#events.return?.()?.catch(() => undefined);
    }
    return Promise.resolve(ended);
  }
}

async function* singleFailure(error: DomainError, runId: string): AsyncGenerator<RunEventView> {
  const globalRunId = runId && encodeGlobalId('Run', runId);
  const stream = { ...createRunStream(runId), globalRunId, cursorAt: () => '' };
  const at = new Date();
  yield new RunEventView(
    { type: 'RunFailed', error: error.toJSON(), runId, position: 0, length: 0, at },
    stream,
  );
}

interface StreamOptions {
  /** The position behind which to begin. */
  after?: number;
  /** Known before the stream is, when it joins a run. */
  runId?: string;
  viewRun?: (run: RunRecord) => RunView;
}

/**
 * Starts or joins a run and follows it. An unsubscribe or a lost connection is told to the run; what keeps it from
 * starting is a single `RunFailed`.
 */
export async function followRun(
  start: () => Promise<RunHandle>,
  context: GraphQLContext,
  { after, runId = '', viewRun }: StreamOptions = {},
): Promise<AsyncIterable<RunEventView>> {
  try {
    const handle = await start();
    context.runIds.add(handle.runId);
    const outputBefore = async () => {
      if (!after) return emptyOutput;
      const [events = []] = await context.services.runs.storedEvents([handle.runId]);
      return outputAt(events, after);
    };
    const stream = createRunStream(handle.runId, viewRun, outputBefore);
    return new RunEventIterator(handle, stream, { context, after });
  } catch (error) {
    if (isDomainError(error) && startErrors.includes(error.code)) {
      return singleFailure(error, runId);
    }
    throw error;
  }
}
