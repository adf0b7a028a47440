import type { Json } from '../json-fields.ts';

/** The field that holds an output whose schema is no object: the API takes objects only. */
const field = 'answer';

const beginning = new RegExp(`^\\s*\\{\\s*"${field}"\\s*:\\s*`);
/** What may become the beginning, without its spaces. */
const key = `{"${field}":`;

const isObject = (schema: Json): boolean =>
  schema['type'] === 'object' &&
  !['anyOf', 'oneOf', 'allOf', '$ref'].some((word) => word in schema);

/** The schema within an object, if its root is a union, a list or anything else that is no object. */
export function wrapSchema(schema: Json): { schema: Json; isWrapped: boolean } {
  if (isObject(schema)) return { schema, isWrapped: false };
  // What refers to the root means the wrapped one.
  const { $defs, ...inner } = JSON.parse(
    JSON.stringify(schema).replaceAll('"$ref":"#"', `"$ref":"#/properties/${field}"`),
  ) as Json;
  const wrapped = {
    type: 'object',
    properties: { [field]: inner },
    required: [field],
    additionalProperties: false,
    $defs,
  };
  return { schema: wrapped, isWrapped: true };
}

/** Where the text stands: perhaps before the value, within the wrapping, or in an answer without one. */
type Place = 'before' | 'within' | 'plain';

/**
 * Takes the value out of the wrapping object while it streams. An answer that is not wrapped, of a server that heeds no
 * schema, is passed on as it is.
 */
export class OutputUnwrapper {
  #place: Place = 'before';
  #pending = '';

  take(text: string): string {
    this.#pending += text;
    if (this.#place === 'before') this.#place = this.#begin();
    if (this.#place === 'before') return '';
    if (this.#place === 'plain') return this.#rest();
    // The wrapping's end, should this be the answer's.
    const end = /[\s}]*$/.exec(this.#pending)!.index;
    const said = this.#pending.slice(0, end);
    this.#pending = this.#pending.slice(end);
    return said;
  }

  end(): string {
    return this.#place === 'within' ? this.#rest().replace(/\}\s*$/, '') : this.#rest();
  }

  #begin(): Place {
    const found = beginning.exec(this.#pending);
    if (found) {
      this.#pending = this.#pending.slice(found[0].length);
      return 'within';
    }
    return key.startsWith(this.#pending.replaceAll(/\s/g, '')) ? 'before' : 'plain';
  }

  #rest(): string {
    const rest = this.#pending;
    this.#pending = '';
    return rest;
  }
}
