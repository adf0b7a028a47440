import { toPointer } from '../../kernel/json/json-pointer.ts';

/** An output object that is still written: its fields are promises of their whole values. */
export class GrowingValue {
  readonly #pointer: string;
  readonly #whenWhole: (pointer: string) => Promise<unknown>;

  /** `whenWhole` resolves with the value at a JSON Pointer when it is whole; rejects when it never will be. */
  constructor(pointer: string, whenWhole: (pointer: string) => Promise<unknown>) {
    this.#pointer = pointer;
    this.#whenWhole = whenWhole;
  }

  field(name: string): Promise<unknown> {
    return this.#whenWhole(`${this.#pointer}${toPointer([name])}`);
  }
}
