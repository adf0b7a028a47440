import type { z } from 'zod';
import type { FieldShape, ObjectShape, Slot, TypeShape } from './type-shape.ts';
import { descriptionOf, type ZodPlace, type ZodSchema } from './zod-place.ts';
import { describeString, enumShape, literalShape, numberShape, scalar } from './zod-scalars.ts';
import { unionSlot } from './zod-union.ts';

const hints: Readonly<Record<string, string>> = {
  bigint: 'use z.string() for numbers beyond z.int()',
  custom: 'use a schema that says what it holds',
  intersection: 'use .extend(…) to join objects',
  map: 'use z.record(…)',
  set: 'use z.array(…)',
  transform: 'its result has no declared type: end it with .pipe(z.…)',
  tuple: 'use z.object(…) with a name for each part',
};

const open = (shape: TypeShape): Slot => slot(shape, { nullable: true });

function slot(shape: TypeShape, change: Partial<Slot> = {}): Slot {
  return { shape, nullable: false, optional: false, description: undefined, ...change };
}

function objectSlot(schema: z.core.$ZodObject, place: ZodPlace): Slot {
  const met = place.ancestors.get(schema);
  if (met) return slot(met);
  return slot(objectShape(schema, place));
}

/** The fields of an object, without the discriminator. */
function objectShape(schema: z.core.$ZodObject, place: ZodPlace, without?: string): ObjectShape {
  const { catchall, shape: properties } = schema._zod.def;
  if (catchall && catchall._zod.def.type !== 'never') {
    place.refuse('an object with further properties: name them all, or use z.record(…)');
  }
  const fields: FieldShape[] = [];
  const description = descriptionOf(schema);
  const shape: ObjectShape = { kind: 'object', name: place.typeName, description, fields };
  const inside = place.within(schema, shape);
  for (const [name, property] of Object.entries(properties)) {
    if (name !== without) fields.push({ name, ...slotOf(property, inside.property(name)) });
  }
  return shape;
}

function nestedSlot(schema: z.core.$ZodObject, place: ZodPlace): Slot {
  const found = objectSlot(schema, place);
  if (Object.keys(schema._zod.def.shape).length === 0) {
    place.refuse('an object without properties: leave it out, or use z.record(…)');
  }
  return found;
}

const shownDefault = (value: unknown, { kind }: TypeShape): Partial<Slot> =>
  (kind === 'scalar' || kind === 'enum') &&
  (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    ? { defaultValue: value }
    : {};

function defaultSlot(def: { innerType: z.core.$ZodType; defaultValue: unknown }, place: ZodPlace) {
  const inner = slotOf(def.innerType, place.wrapped());
  if (place.direction === 'output') return { ...inner, optional: false };
  return { ...inner, optional: true, ...shownDefault(def.defaultValue, inner.shape) };
}

function pipeSlot({ in: source, out }: z.core.$ZodPipeDef, place: ZodPlace): Slot {
  const [near, far] = place.direction === 'input' ? [source, out] : [out, source];
  const isTransform = near._zod.def.type === 'transform';
  if (isTransform && place.direction === 'output') {
    return place.refuse('the result of a transform has no declared type: end it with .pipe(z.…)');
  }
  return slotOf(isTransform ? far : near, place.wrapped());
}

function wrapperSlot(schema: ZodSchema, place: ZodPlace): Slot | null {
  const { def } = schema._zod;
  switch (def.type) {
    case 'optional':
      return { ...slotOf(def.innerType, place.wrapped()), optional: true };
    case 'nullable':
      return { ...slotOf(def.innerType, place.wrapped()), nullable: true };
    case 'nonoptional':
      return { ...slotOf(def.innerType, place.wrapped()), optional: false };
    case 'readonly':
      return slotOf(def.innerType, place.wrapped());
    case 'catch': {
      const inner = slotOf(def.innerType, place.wrapped());
      return place.direction === 'input' ? { ...inner, optional: true } : inner;
    }
    case 'default':
    case 'prefault':
      return defaultSlot(def, place);
    case 'lazy':
      // Not the getter, which may make another schema each time: one that contains itself would not be met again.
      return slotOf((schema as z.core.$ZodLazy)._zod.innerType, place.wrapped());
    case 'pipe':
      return pipeSlot(def, place);
    case 'union':
      return unionSlot(schema as z.core.$ZodUnion, place, { slotOf, objectShape });
    default:
      return null;
  }
}

function literalSlot(values: readonly unknown[], schema: ZodSchema, place: ZodPlace): Slot {
  const present = values.filter((value) => value !== null && value !== undefined);
  return slot(literalShape(present, descriptionOf(schema), place), {
    nullable: values.includes(null),
    optional: values.includes(undefined),
  });
}

function plainSlot(schema: ZodSchema, place: ZodPlace): Slot {
  const { def } = schema._zod;
  switch (def.type) {
    case 'string':
    case 'template_literal':
      return slot(scalar('String'));
    case 'number':
      return slot(numberShape(schema as z.ZodNumber, place.direction));
    case 'boolean':
      return slot(scalar('Boolean'));
    case 'date':
      return slot(scalar('DateTime'));
    case 'record':
      return slot(scalar('JSON'));
    case 'any':
    case 'unknown':
      return open(scalar('JSON'));
    case 'literal':
      return literalSlot(def.values, schema, place);
    case 'enum': {
      const listed = new Set(schema._zod.values);
      const entries = Object.entries(def.entries).map(([key, value]) => ({ key, value }));
      const known = entries.filter(({ value }) => listed.has(value));
      return slot(enumShape(known, descriptionOf(schema), place));
    }
    case 'array':
      return slot({ kind: 'list', item: slotOf(def.element, place.item()) });
    case 'object':
      return nestedSlot(schema as z.core.$ZodObject, place);
    default:
      return place.refuse(
        `"${def.type}" cannot be said in GraphQL: ${hints[def.type] ?? 'use another schema'}`,
      );
  }
}

/** Reads a schema as the place of a GraphQL value. Throws `InexpressibleError` with the path of what cannot be said. */
export function slotOf(schema: z.core.$ZodType, place: ZodPlace): Slot {
  const known = schema as ZodSchema;
  const found = wrapperSlot(known, place) ?? plainSlot(known, place);
  const description = descriptionOf(schema) ?? found.description;
  const { format } = schema as Partial<z.ZodString>;
  const isText = schema._zod.def.type === 'string';
  return { ...found, description: isText ? describeString(description, format) : description };
}
