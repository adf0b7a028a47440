import type { Client } from '../create-client.ts';
import type { TypedDocument } from '../typed-document.ts';
import { type RunState, RunStore } from './run-store.ts';

/** One question with its answer. */
export interface Exchange {
  /** Of this client; the run's own id is `state.runId`. */
  key: string;
  question: string;
  state: RunState;
}

export interface ConversationState {
  /** From the first question to the newest, along the branch that is shown. The last one may still be answered. */
  exchanges: readonly Exchange[];
  isBusy: boolean;
}

/** The variables of a run that asks `text` and goes on from the run `continues`, or begins a conversation. */
export type ToVariables<Variables> = (
  text: string,
  options: { continues: string } | { newConversation: true },
) => Variables;

/** Where a question goes on from, and what was said before. */
interface Branch {
  before: readonly Exchange[];
  question: string;
}

/**
 * The state machine of a conversation, without any framework. A question shows at once, before the server has begun its
 * run. Two runs that continue the same one are branches: `regenerate` and `edit` make one, and show it.
 */
export class ConversationStore<Data, Variables> {
  readonly #client: Client;
  readonly #document: TypedDocument<Data, Variables>;
  readonly #toVariables: ToVariables<Variables>;
  readonly #listeners = new Set<() => void>();
  #state: ConversationState = { exchanges: [], isBusy: false };
  #run: RunStore<Data, Variables> | null = null;

  constructor(
    client: Client,
    operation: { document: TypedDocument<Data, Variables>; toVariables: ToVariables<Variables> },
  ) {
    this.#client = client;
    this.#document = operation.document;
    this.#toVariables = operation.toVariables;
  }

  readonly getState = (): ConversationState => this.#state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Asks what comes after the newest answer. Resolves when it is answered; never rejects. */
  readonly send = (question: string): Promise<void> =>
    this.#ask({ before: this.#state.exchanges, question });

  /** Has the last question answered once more, as a branch. */
  readonly regenerate = (): Promise<void> => {
    const last = this.#state.exchanges.at(-1);
    return last ? this.edit(last.key, last.question) : Promise.resolve();
  };

  /** Asks something else in the place of an earlier question, as a branch: what came after it is left. */
  readonly edit = (key: string, question: string): Promise<void> => {
    const index = this.#state.exchanges.findIndex((exchange) => exchange.key === key);
    if (index < 0) throw new Error('There is no such question in this conversation.');
    return this.#ask({ before: this.#state.exchanges.slice(0, index), question });
  };

  readonly stop = (): void => this.#run?.stop();

  async #ask({ before, question }: Branch): Promise<void> {
    this.stop();
    const continues = before.at(-1)?.state.runId ?? null;
    const run = new RunStore<Data, Variables>(this.#client, this.#document);
    const key = crypto.randomUUID();
    this.#run = run;
    const show = (isBusy: boolean): void => {
      if (this.#run !== run) return;
      this.#set({ exchanges: [...before, { key, question, state: run.getState() }], isBusy });
    };
    const unsubscribe = run.subscribe(() => show(true));
    const variables = this.#toVariables(
      question,
      continues === null ? { newConversation: true } : { continues },
    );
    await run.start(variables as never);
    unsubscribe();
    show(false);
  }

  #set(state: ConversationState): void {
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}
