import type { z } from 'zod';
import { enumValueName } from './graphql-name.ts';
import type { FieldShape, ObjectShape, Slot, TypeShape, UnionShape } from './type-shape.ts';
import { descriptionOf, type ZodPlace, type ZodSchema } from './zod-place.ts';
import { enumShape, literalShape, scalar } from './zod-scalars.ts';

/** Reads what stands in a union. (Handed in, since it reads unions in turn.) */
export interface ZodReader {
  slotOf(schema: z.core.$ZodType, place: ZodPlace): Slot;
  objectShape(schema: z.core.$ZodObject, place: ZodPlace, without: string): ObjectShape;
}

const unwrap = (schema: z.core.$ZodType): ZodSchema => {
  const { def } = (schema as ZodSchema)._zod;
  if (def.type === 'lazy') return unwrap((schema as z.core.$ZodLazy)._zod.innerType);
  if (def.type === 'readonly') return unwrap(def.innerType);
  return schema as ZodSchema;
};

const isAny = (type: string) => (schema: z.core.$ZodType) => unwrap(schema)._zod.def.type === type;

const isPresent = (schema: z.core.$ZodType): boolean =>
  !isAny('null')(schema) && !isAny('undefined')(schema);

/** The members of a discriminated union, those of a union within it by the same property included. */
function membersOf(
  options: readonly z.core.$ZodType[],
  discriminator: string,
  place: ZodPlace,
): z.core.$ZodObject[] {
  return options.flatMap((option) => {
    const schema = unwrap(option);
    const { def } = schema._zod;
    if (def.type === 'object') return schema as z.core.$ZodObject;
    if (def.type === 'union' && 'discriminator' in def && def.discriminator === discriminator) {
      return membersOf(def.options, discriminator, place);
    }
    return place.refuse(`members must be objects told apart by "${discriminator}"`);
  });
}

function discriminatorValues(
  member: z.core.$ZodObject,
  discriminator: string,
  place: ZodPlace,
): { name: string; value: string }[] {
  const values = [...(member._zod.propValues?.[discriminator] ?? [])];
  return values.map((value) => {
    if (typeof value !== 'string') {
      return place.refuse(`"${discriminator}" must be a text in every member, as z.literal("a")`);
    }
    return { name: enumValueName(value), value };
  });
}

/**
 * Object types on output, each with the discriminator as a field of one shared enum (two members' own enums would
 * conflict in one selection); on input the chosen field says it already.
 */
function discriminatedShape(
  schema: z.core.$ZodDiscriminatedUnion,
  place: ZodPlace,
  reader: ZodReader,
): UnionShape {
  const { discriminator, options } = schema._zod.def;
  const description = descriptionOf(schema);
  const members: UnionShape['members'] = [];
  const { typeName: name } = place;
  const shape: UnionShape = { kind: 'union', name, description, discriminator, members };
  const inside = place.within(schema, shape);
  for (const member of membersOf(options.filter(isPresent), discriminator, place)) {
    const values = discriminatorValues(member, discriminator, place);
    const at = inside.member(values[0]?.value ?? '');
    members.push({ values, object: reader.objectShape(member, at, discriminator) });
  }
  const entries = members.flatMap(({ values }) =>
    values.map(({ value }) => ({ key: value, value })),
  );
  const names = enumShape(entries, undefined, place.property(discriminator));
  if (place.direction === 'output') {
    for (const { object } of members) addDiscriminator(object, discriminator, names);
  }
  return shape;
}

function addDiscriminator(object: ObjectShape, name: string, shape: TypeShape): void {
  const field: FieldShape = {
    name,
    shape,
    nullable: false,
    optional: false,
    description: undefined,
  };
  object.fields.unshift(field);
}

/** Alternatives of one kind of scalar; anything open makes the whole open. */
function scalarShape(schema: z.core.$ZodUnion, place: ZodPlace, reader: ZodReader): TypeShape {
  const options = schema._zod.def.options.filter(isPresent);
  const open = ['record', 'any', 'unknown'];
  if (options.some((option) => open.includes(unwrap(option)._zod.def.type))) return scalar('JSON');
  const literals = options.map((option) => unwrap(option)._zod.values);
  if (literals.every((values) => values !== undefined)) {
    const values = literals.flatMap((listed) => [...(listed ?? [])]);
    return literalShape([...new Set(values)], descriptionOf(schema), place);
  }
  const shapes = options.map((option) => reader.slotOf(option, place.wrapped()).shape);
  const names = new Set(shapes.map((shape) => (shape.kind === 'scalar' ? shape.name : shape.kind)));
  if (names.size === 1 && shapes[0]?.kind === 'scalar') return shapes[0];
  if ([...names].every((name) => name === 'Int' || name === 'Float')) return scalar('Float');
  if ([...names].every((name) => name === 'String' || name === 'enum')) return scalar('String');
  return place.refuse(
    `a union of ${[...names].join(' and ')} cannot be said in GraphQL: use z.discriminatedUnion("kind", […])`,
  );
}

/** A union without its null and undefined, which make the place nullable or optional. */
export function unionSlot(schema: z.core.$ZodUnion, place: ZodPlace, reader: ZodReader): Slot {
  const { def } = schema._zod;
  const nullable = def.options.some(isAny('null'));
  const optional = def.options.some(isAny('undefined'));
  const [first, ...others] = def.options.filter(isPresent);
  if (!first) return place.refuse('a union of nothing but null');
  if (others.length === 0) {
    const inner = reader.slotOf(first, place.wrapped());
    return { ...inner, nullable: nullable || inner.nullable, optional: optional || inner.optional };
  }
  const shape =
    place.ancestors.get(schema) ??
    ('discriminator' in def
      ? discriminatedShape(schema as z.core.$ZodDiscriminatedUnion, place, reader)
      : scalarShape(schema, place, reader));
  return { shape, nullable, optional, description: undefined };
}
