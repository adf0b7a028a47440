import { toStorableText } from '../../kernel/json/storable-text.ts';
import type { ModelSink } from '../../kernel/model.ts';

type Kind = 'text' | 'thinking';

/**
 * Merges the pieces of text that came together and passes them on as the database will keep them: NUL and half surrogate
 * pairs become U+FFFD. A pair that was cut in two by the pieces is put together.
 */
export class TextMerger {
  readonly #sink: ModelSink;
  #kind: Kind = 'text';
  #pending = '';

  constructor(sink: ModelSink) {
    this.#sink = sink;
  }

  add(kind: Kind, text: string): void {
    if (text === '') return;
    if (kind !== this.#kind) {
      this.end();
      this.#kind = kind;
    }
    this.#pending += text;
  }

  /** Passes on what has come, but for half a pair whose other half may follow. */
  flush(): void {
    if (this.#pending === '') return;
    const whole = this.#pending.length - (endsWithHalfPair(this.#pending) ? 1 : 0);
    this.#emit(this.#pending.slice(0, whole));
    this.#pending = this.#pending.slice(whole);
  }

  /** Passes on everything: what follows is another piece of the answer. */
  end(): void {
    this.#emit(this.#pending);
    this.#pending = '';
  }

  #emit(text: string): void {
    if (text !== '') this.#sink[this.#kind](toStorableText(text));
  }
}

const endsWithHalfPair = (text: string): boolean =>
  (text.charCodeAt(text.length - 1) & 0xfc00) === 0xd800;
