import type { Client, Run, RunOptions } from '../create-client.ts';
import { RunError } from '../run-error.ts';
import type { TypedDocument, VariablesArgument } from '../typed-document.ts';

/** What a component shows of a run. A new object for each change, so that it can be compared by identity. */
export interface RunState<Output = unknown> {
  /** `waiting`: for an approval, or for results of the client's own tools. */
  status: 'idle' | 'running' | 'waiting' | 'finished' | 'failed' | 'stopped';
  runId: string | null;
  /** All text until now: no delta is lost, however many come before the next render. */
  text: string;
  thinking: string;
  /** The structured output as far as it has come; the whole one at the end. */
  output: Output | null;
  /** JSON Pointers of the parts of `output` that are whole. */
  complete: readonly string[];
  approvals: readonly PendingApproval[];
  toolCalls: readonly ClientToolCall[];
  error: RunError | null;
}

/** An approval that the run waits for. */
export interface PendingApproval {
  id: string;
  tool?: string;
  input?: unknown;
}

/** A call of one of the client's own tools that the run waits for. */
export interface ClientToolCall {
  id: string;
  name: string;
  input: unknown;
}

interface AnyEvent {
  __typename?: string;
  text?: string;
  output?: unknown;
  /** As the operation selects it; without it the output as JSON. */
  partial?: unknown;
  complete?: readonly string[];
  approval?: PendingApproval;
  toolCalls?: readonly ClientToolCall[];
  run?: { output?: unknown };
}

export const idleState: RunState<never> = Object.freeze({
  status: 'idle',
  runId: null,
  text: '',
  thinking: '',
  output: null,
  complete: [],
  approvals: [],
  toolCalls: [],
  error: null,
});

/** The state after one more event. `text` is the run's own count of it, which knows of turns that were void. */
export function nextState<Output>(
  state: RunState<Output>,
  event: AnyEvent,
  text: string,
): RunState<Output> {
  const next = { ...state, text };
  switch (event.__typename) {
    case 'ThinkingDelta':
      return { ...next, status: 'running', thinking: state.thinking + (event.text ?? '') };
    case 'OutputProgressed':
      return {
        ...next,
        output: (event.partial ?? event.output ?? null) as Output | null,
        complete: event.complete ?? [],
      };
    case 'ApprovalRequested':
      return event.approval
        ? { ...next, status: 'waiting', approvals: [...state.approvals, event.approval] }
        : { ...next, status: 'waiting' };
    case 'ApprovalDecided':
      return {
        ...next,
        status: 'running',
        approvals: state.approvals.filter(({ id }) => id !== event.approval?.id),
      };
    case 'ClientToolsRequested':
      return { ...next, status: 'waiting', toolCalls: event.toolCalls ?? [] };
    case 'RunFinished':
      return {
        ...next,
        status: 'finished',
        output: (event.run?.output ?? state.output) as Output | null,
        approvals: [],
        toolCalls: [],
      };
    case 'TextDelta':
      return { ...next, status: 'running', toolCalls: [] };
    default:
      return next;
  }
}

type Start = () => Run<AnyEvent>;

/**
 * The state machine of one run after another, without any framework: what `useRun` shows, and what a store of Vue or
 * Svelte can wrap. Starting again leaves the former run as `stop` does.
 */
export class RunStore<Data, Variables, Output = unknown> {
  readonly #client: Client;
  readonly #document: TypedDocument<Data, Variables>;
  readonly #listeners = new Set<() => void>();
  #state: RunState<Output> = idleState;
  #abort: AbortController | null = null;
  #again: Start | null = null;

  constructor(client: Client, document: TypedDocument<Data, Variables>) {
    this.#client = client;
    this.#document = document;
  }

  readonly getState = (): RunState<Output> => this.#state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Begins a run. Resolves with its last state; never rejects. */
  readonly start = (
    variables?: VariablesArgument<Variables>,
    options: Omit<RunOptions, 'signal'> = {},
  ): Promise<RunState<Output>> => {
    const begin: Start = () => {
      this.#abort = new AbortController();
      const { signal } = this.#abort;
      return this.#client.run(this.#document, variables, { ...options, signal }) as never;
    };
    this.#again = begin;
    return this.#follow(begin);
  };

  /** Begins the last run once more, with the same variables: another answer to the same. */
  readonly regenerate = (): Promise<RunState<Output>> =>
    this.#again ? this.#follow(this.#again) : Promise.resolve(this.#state);

  /** Stops the run on the server; what it has said stays. */
  readonly stop = (): void => this.#abort?.abort();

  async #follow(begin: Start): Promise<RunState<Output>> {
    this.stop();
    this.#set({ ...idleState, status: 'running' });
    const run = begin();
    const signal = this.#abort!.signal;
    const isCurrent = (): boolean => this.#abort?.signal === signal;
    run.id.then(
      (runId) => isCurrent() && this.#set({ ...this.#state, runId }),
      () => {},
    );
    try {
      for await (const event of run) {
        if (!isCurrent()) return this.#state;
        this.#set(nextState(this.#state, event, run.textSoFar));
      }
      await run.finished;
    } catch (error) {
      if (isCurrent()) this.#set({ ...this.#state, ...failureOf(error) });
    }
    return this.#state;
  }

  #set(state: RunState<Output>): void {
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}

function failureOf(error: unknown): Pick<RunState, 'status' | 'error' | 'approvals' | 'toolCalls'> {
  const failure =
    error instanceof RunError ? error : new RunError(String(error), { code: 'CLIENT_ERROR' });
  const status = failure.code === 'RUN_CANCELLED' ? 'stopped' : 'failed';
  return { status, error: failure, approvals: [], toolCalls: [] };
}
