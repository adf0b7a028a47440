import { JSONParser } from '@streamparser/json';
import type { z } from 'zod';
import type { WholeValue } from '../../kernel/events.ts';
import { toPointer } from '../../kernel/json/json-pointer.ts';
import { schemaAt } from './schema-at.ts';

type Path = readonly (string | number)[];

const isLeaf = (value: unknown): boolean =>
  typeof value !== 'object' || value === null || Object.keys(value).length === 0;

/**
 * Finds the values of a structured output that have become whole while its text still comes. A value counts when it is
 * whole and of its schema: never half a text or half a number. Fields that nobody asked for are passed over. After text
 * that is no JSON, or a value that is not of its schema, nothing more is reported: the check of the whole answer says why.
 */
export class OutputProgress {
  readonly #schema: z.ZodType;
  readonly #parser = new JSONParser({ keepStack: true });
  #found: WholeValue[] = [];
  #isBroken = false;

  constructor(schema: z.ZodType) {
    this.#schema = schema;
    this.#parser.onError = () => {
      this.#isBroken = true;
    };
    this.#parser.onValue = ({ value, key, stack }) => {
      const keys = [
        ...stack.slice(1).map((entry) => entry.key),
        ...(stack.length > 0 ? [key] : []),
      ];
      this.#add(keys as Path, value);
    };
  }

  /** Takes the next piece of text; returns what has become whole with it, inner values before those that hold them. */
  write(text: string): WholeValue[] {
    if (this.#isBroken) return [];
    this.#found = [];
    this.#parser.write(text);
    return this.#found;
  }

  #add(path: Path, value: unknown): void {
    if (this.#isBroken) return;
    const schema = schemaAt(this.#schema, path);
    if (schema === null) return;
    if (schema && !schema.safeParse(value).success) {
      this.#isBroken = true;
      return;
    }
    const pointer = toPointer(path);
    this.#found.push(isLeaf(value) ? { pointer, value } : { pointer });
  }
}
