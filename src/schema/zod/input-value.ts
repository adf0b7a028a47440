import type { ObjectShape, Slot, UnionShape } from './type-shape.ts';

const fieldsOf = (shape: ObjectShape, value: object): Record<string, unknown> => {
  const given = new Map(Object.entries(value));
  const entries = shape.fields.map((field) => [
    field.name,
    toZodInput(field, given.get(field.name)),
  ]);
  return Object.fromEntries(entries.filter(([, item]) => item !== undefined));
};

/** The member whose field is set, with the discriminator that the field's name stood for. */
function memberOf({ discriminator, members }: UnionShape, value: object): unknown {
  const [[name, given] = ['', null]] = Object.entries(value).filter(([, item]) => item != null);
  for (const { values, object } of members) {
    const chosen = values.find((candidate) => candidate.name === name);
    const rest = typeof given === 'object' && given !== null ? given : {};
    if (chosen) return { [discriminator]: chosen.value, ...fieldsOf(object, rest) };
  }
  return undefined;
}

/**
 * A value as GraphQL took it, as its zod schema takes it: null where the schema has null, left out where it does not;
 * an `@oneOf` as the member of the union that it chooses. Enum values and dates GraphQL has translated already.
 */
export function toZodInput(slot: Slot, value: unknown): unknown {
  if (value === null || value === undefined) {
    const missing = value === undefined && slot.optional;
    return slot.nullable && !missing ? null : undefined;
  }
  const { shape } = slot;
  switch (shape.kind) {
    case 'list':
      return (value as unknown[]).map((item) => toZodInput(shape.item, item));
    case 'object':
      return fieldsOf(shape, value);
    case 'union':
      return memberOf(shape, value);
    default:
      return value;
  }
}
