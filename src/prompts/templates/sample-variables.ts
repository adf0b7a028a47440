import { Drop } from 'liquidjs';
import type { z } from 'zod';
import { unwrap } from './variables-schema.ts';

type Schema = z.core.$ZodType;

export interface SampleChoice {
  /** Which member of unions and enumerations: the nth, counted round. */
  round: number;
  /** Leaves out what is optional and makes null what may be null. */
  bare: boolean;
}

const deepest = 6;
const pick = <Item>(items: readonly Item[], round: number): Item | undefined =>
  items[round % items.length];

/** Stands for a value of which the schema does not tell anything: whatever a template takes of it is there. */
class OpaqueSample extends Drop {
  override liquidMethodMissing(): unknown {
    return this;
  }

  override valueOf(): string {
    return 'sample';
  }
}

const maxItems = 100;

/** As many items as there are at least, to name one by its place; else one, to be looped over. */
function sampleLength({ _zod: { def } }: Schema): number {
  const least = (def.checks ?? []).map(({ _zod: check }) => {
    const { length, minimum } = check.def as { length?: number; minimum?: number };
    return length ?? minimum ?? 1;
  });
  return Math.min(Math.max(1, ...least), maxItems);
}

function sampleNumber(schema: Schema): number {
  const { minimum, maximum } = schema._zod.bag as { minimum?: number; maximum?: number };
  return Math.min(Math.max(1, Math.ceil(minimum ?? 1)), maximum ?? 3);
}

/**
 * A value of the shape that a template gets to see. It need not pass the schema's refinements (a pattern, a checksum):
 * it is rendered, never sent.
 */
function sampleValue(outer: Schema, choice: SampleChoice, depth: number): unknown {
  const { schema, nullable } = unwrap(outer);
  if (nullable && (choice.bare || depth > deepest)) return null;
  if (depth > 2 * deepest) return new OpaqueSample();
  const definition = (schema as z.core.$ZodTypes)._zod.def;
  switch (definition.type) {
    case 'object':
      return sampleObject(definition.shape, choice, depth);
    case 'array':
      return Array.from({ length: depth > deepest ? 0 : sampleLength(schema) }, () =>
        sampleValue(definition.element, choice, depth + 1),
      );
    case 'tuple':
      return definition.items.map((item) => sampleValue(item, choice, depth + 1));
    case 'record':
      return { sample: sampleValue(definition.valueType, choice, depth + 1) };
    case 'union':
      return sampleValue(memberOf(definition.options, choice, depth), choice, depth + 1);
    case 'enum':
      return pick(Object.values(definition.entries), choice.round);
    case 'literal':
      return pick(definition.values, choice.round);
    case 'number':
      return sampleNumber(schema);
    case 'bigint':
      return 1n;
    case 'boolean':
      return choice.round % 2 === 0;
    case 'date':
      return new Date(0);
    case 'null':
      return null;
    case 'string':
    case 'template_literal':
      return 'sample';
    default:
      return new OpaqueSample();
  }
}

/** The member of the round; far inside, one that ends a schema that contains itself. */
function memberOf(options: readonly Schema[], { round }: SampleChoice, depth: number): Schema {
  const ending = depth > deepest ? options.find(isFlat) : undefined;
  return ending ?? pick(options, round)!;
}

const containers = new Set(['object', 'array', 'tuple', 'record', 'union']);
const typeOf = (schema: Schema): string =>
  (unwrap(schema).schema as z.core.$ZodTypes)._zod.def.type;

/** Nothing, or an object of nothing, that could contain more. */
function isFlat(option: Schema): boolean {
  const { def } = (unwrap(option).schema as z.core.$ZodTypes)._zod;
  if (def.type !== 'object') return !containers.has(def.type);
  return Object.values(def.shape).every((field) => !containers.has(typeOf(field)));
}

function sampleObject(
  shape: Readonly<Record<string, Schema>>,
  choice: SampleChoice,
  depth = 0,
): Record<string, unknown> {
  const sample: Record<string, unknown> = {};
  for (const [key, schema] of Object.entries(shape)) {
    const missing = unwrap(schema).optional && (choice.bare || depth > deepest);
    if (!missing) sample[key] = sampleValue(schema, choice, depth + 1);
  }
  return sample;
}

/** Variables to try a template with: everything given, in several choices of its alternatives; then the least possible. */
export function sampleVariables(schema: z.ZodObject): Record<string, unknown>[] {
  const rounds = [0, 1, 2, 3].map((round) => sampleObject(schema.shape, { round, bare: false }));
  return [...rounds, sampleObject(schema.shape, { round: 0, bare: true })];
}
