import type { ModelEvent, ModelProvider, ProviderSink } from '../../kernel/model.ts';

type Call = NonNullable<ModelProvider['call']>;

/** A provider's `call` as its `stream`. A reader that leaves ends the call at once, also while it is silent. */
export function streamOfCall(call: Call): ModelProvider['stream'] {
  return (request, options) => ({
    [Symbol.asyncIterator]: () =>
      new CallEvents((sink, left) =>
        call(request, { ...options, signal: AbortSignal.any([options.signal, left]) }, sink),
      ),
  });
}

type Work = (sink: ProviderSink, left: AbortSignal) => ReturnType<Call>;

class CallEvents implements AsyncIterator<ModelEvent, void> {
  readonly #events: ModelEvent[] = [];
  readonly #left = new AbortController();
  readonly #work: Work;
  #wake = () => {};
  #end: { error: unknown } | 'finished' | null = null;
  #over: Promise<void> | null = null;

  constructor(work: Work) {
    this.#work = work;
  }

  async next(): Promise<IteratorResult<ModelEvent, void>> {
    this.#over ??= this.#read();
    while (this.#events.length === 0 && this.#end === null) await this.#change();
    const event = this.#events.shift();
    if (event) return { done: false, value: event };
    const end = this.#end;
    this.#end = 'finished';
    if (end !== 'finished' && end !== null) throw end.error;
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorReturnResult<void>> {
    this.#end = 'finished';
    this.#events.length = 0;
    this.#left.abort();
    await this.#over;
    return { done: true, value: undefined };
  }

  async #read(): Promise<void> {
    try {
      const finish = await this.#work(this.#sink(), this.#left.signal);
      this.#events.push({ type: 'finish', ...finish });
      this.#end ??= 'finished';
    } catch (error) {
      this.#end ??= { error };
    }
    this.#wake();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #sink(): ProviderSink {
    const push = (event: ModelEvent) => {
      if (this.#end === null) this.#events.push(event);
      this.#wake();
    };
    return {
      start: (model, providerRequestId) => push({ type: 'start', model, providerRequestId }),
      text: (text) => push({ type: 'text', text }),
      thinking: (text) => push({ type: 'thinking', text }),
      citation: (citation) => push({ type: 'citation', citation }),
      usage: (usage, estimated) => push({ type: 'usage', usage, estimated }),
    };
  }
}
