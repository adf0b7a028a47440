import type { ModelCall } from '../../kernel/model.ts';
import { maxAnswerCharacters, maxOpaqueCharacters } from './answer-limits.ts';
import { providerError } from './provider-error.ts';

/** Counts what is kept of an answer. Throws MODEL_UNAVAILABLE when it is more than the request can have asked for. */
export class AnswerSize {
  readonly #provider: string;
  readonly #model: string;
  #textLeft: number;
  #opaqueLeft = maxOpaqueCharacters;

  /** `provider` as people call it. */
  constructor(provider: string, { model, maxTokens }: ModelCall) {
    this.#provider = provider;
    this.#model = model;
    this.#textLeft = maxAnswerCharacters(maxTokens);
  }

  /** Text, thinking, or a tool's input. */
  addText(text: string): void {
    this.#textLeft -= text.length;
    if (this.#textLeft < 0) this.#refuse();
  }

  /** Anything else that is kept, such as a signature: counted by its JSON. */
  addOpaque(value: unknown): void {
    this.#opaqueLeft -= JSON.stringify(value)?.length ?? 0;
    if (this.#opaqueLeft < 0) this.#refuse();
  }

  #refuse(): never {
    throw providerError({
      kind: 'answer_too_long',
      provider: this.#provider,
      model: this.#model,
    });
  }
}
