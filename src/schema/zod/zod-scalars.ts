import type { z } from 'zod';
import { enumValueName, isGraphqlName } from './graphql-name.ts';
import type { EnumShape, ScalarShape, TypeShape } from './type-shape.ts';
import type { Direction, ZodPlace } from './zod-place.ts';

export const scalar = (name: ScalarShape['name']): ScalarShape => ({ kind: 'scalar', name });

const maxInt = 2 ** 31 - 1;

/** Does the schema speak of numbers beyond GraphQL's 32-bit Int? `z.int()` does by leaving open how large they are. */
function isWide({ minValue, maxValue, format }: z.ZodNumber, direction: Direction): boolean {
  const isOpen = (bound: number | null): boolean =>
    bound === null || Math.abs(bound) === Number.MAX_SAFE_INTEGER || !Number.isFinite(bound);
  const beyond = (bound: number | null): boolean =>
    // A caller can be held to an Int; an answer that holds more than an Int is paid for already.
    isOpen(bound) ? direction === 'output' : Math.abs(bound ?? 0) > maxInt + 1;
  return format === 'uint32' || beyond(minValue) || beyond(maxValue);
}

export const numberShape = (schema: z.ZodNumber, direction: Direction): ScalarShape =>
  scalar(schema.isInt && !isWide(schema, direction) ? 'Int' : 'Float');

/** The description with the format of the text, which GraphQL cannot say otherwise. */
export function describeString(
  description: string | undefined,
  format: string | null | undefined,
): string | undefined {
  if (!format || format === 'regex') return description;
  return description ? `${description} (Format: ${format}.)` : `Format: ${format}.`;
}

interface EnumEntry {
  /** How the author calls the value, where it has a name of its own. */
  key: string;
  value: string | number;
}

/** Throws when there is no value, or two would have one name. */
export function enumShape(
  entries: readonly EnumEntry[],
  description: string | undefined,
  place: ZodPlace,
): EnumShape {
  if (entries.length === 0) place.refuse('an enum without values: nothing could be of it');
  const values = entries.map(({ key, value }) => {
    const name = enumValueName(typeof value === 'number' ? key : value);
    return { name, value };
  });
  const names = new Map<string, string | number>();
  for (const { name, value } of values) {
    if (names.has(name)) {
      place.refuse(
        `the values "${names.get(name)}" and "${value}" are both "${name}" in GraphQL: change one`,
      );
    }
    if (!isGraphqlName(name))
      place.refuse(`the value "${value}" has no name in GraphQL: change it`);
    names.set(name, value);
  }
  return { kind: 'enum', name: place.typeName, description, values };
}

/** An enum of the given texts; numbers and booleans as their scalar, of which zod then takes only the listed ones. */
export function literalShape(
  values: readonly unknown[],
  description: string | undefined,
  place: ZodPlace,
): TypeShape {
  const are = (type: string): boolean => values.every((value) => typeof value === type);
  if (values.length > 0 && are('string')) {
    const entries = values.map((value) => ({ key: String(value), value: String(value) }));
    return enumShape(entries, description, place);
  }
  if (values.length > 0 && are('boolean')) return scalar('Boolean');
  if (values.length > 0 && are('number')) {
    const fits = (value: unknown): boolean =>
      Number.isInteger(value) && Math.abs(Number(value)) <= maxInt;
    return scalar(values.every(fits) ? 'Int' : 'Float');
  }
  return place.refuse('literals must be all texts, all numbers or all booleans');
}
