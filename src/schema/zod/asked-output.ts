import { GraphQLError } from 'graphql';
import type { OutputSelection } from '../../kernel/output-selection.ts';
import { GrowingValue } from './growing-value.ts';

/** Selection of an output value, for the resolvers of its fields. */
const askedOf = new WeakMap<object, OutputSelection>();

/** An output on its way to a client, who may ask for a field that no model was asked for. */
export function askedOutput(output: unknown, selection: OutputSelection | null): unknown {
  if (output instanceof GrowingValue) return output;
  if (selection !== null && selection !== true) mark(output, selection);
  return output;
}

function mark(value: unknown, selection: OutputSelection): void {
  if (selection === true || typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) for (const item of value) mark(item, selection);
  else askedOf.set(value, memberOf(value, selection));
}

/** Of a union, the part of the member that the value is of. */
function memberOf(value: object, selection: Exclude<OutputSelection, true>): OutputSelection {
  const members = Object.keys(selection).filter((name) => name.startsWith('='));
  if (members.length === 0) return selection;
  const values = new Set(Object.values(value).map((part) => `=${part}`));
  const member = members.find((name) => values.has(name));
  return member === undefined ? {} : selection[member]!;
}

/** A field of an output object. Throws when no model was asked for it: null would be a lie. */
export function askedField(value: Record<string, unknown>, name: string): unknown {
  if (value instanceof GrowingValue) return value.field(name);
  const selection = askedOf.get(value);
  const part = value[name];
  if (selection === undefined || selection === true) return part;
  if (!Object.hasOwn(selection, name)) {
    if (part === undefined) throw neverWritten(name);
    return part;
  }
  mark(part, selection[name]!);
  return part;
}

const neverWritten = (name: string): GraphQLError =>
  new GraphQLError(
    `The run was not asked for the output field "${name}", so no model has written it. Select it where the run begins, or begin it with options: { outputFields: WHOLE }.`,
    { extensions: { code: 'BAD_USER_INPUT' } },
  );
