import { z } from 'zod';
import type { OutputSelection } from '../../kernel/output-selection.ts';

/** Fields of the whole output that a field needs to be written first, by its name. */
export type Requirements = Readonly<Record<string, readonly string[] | undefined>>;

const selected = new WeakMap<z.ZodType, Map<string, z.ZodType>>();

/**
 * The part of an output's schema that a selection asks for. Fields stand in the declared order, those that others require
 * before them. Checks of an object as a whole go, since they may read fields that are not asked for; checks of a value
 * stay. A value that is transformed is asked for whole. An object of which nothing is selected has its first field, for
 * no provider takes an empty one. The same selection gives the same schema, so that what is made of it is made once.
 */
export function selectOutput(
  schema: z.ZodType,
  selection: OutputSelection,
  requires: Requirements = {},
): z.ZodType {
  if (selection === true) return schema;
  const known = selected.get(schema) ?? new Map<string, z.ZodType>();
  selected.set(schema, known);
  const key = canonical(selection);
  const found = known.get(key) ?? prune(schema, withRequired(selection, requires), requires);
  known.set(key, found);
  return found;
}

const canonical = (selection: OutputSelection): string =>
  selection === true
    ? '1'
    : `{${Object.keys(selection)
        .sort()
        .map((field) => `${field}:${canonical(selection[field]!)}`)
        .join(',')}}`;

/** The selection with all that its fields require, and that these require in turn. */
export function withRequired(selection: OutputSelection, requires: Requirements): OutputSelection {
  if (selection === true) return true;
  const fields = new Map(Object.entries(selection));
  for (const [field] of fields) {
    for (const required of requires[field] ?? []) fields.set(required, true);
  }
  return Object.fromEntries(fields);
}

type Def = z.core.$ZodTypeDef & {
  innerType?: z.ZodType;
  element?: z.ZodType;
  getter?: () => z.ZodType;
  options?: readonly z.ZodType[];
  discriminator?: string;
  shape?: Record<string, z.ZodType>;
};

const wrappers = new Set([
  'optional',
  'nullable',
  'default',
  'prefault',
  'catch',
  'readonly',
  'nonoptional',
]);

function prune(
  schema: z.ZodType,
  selection: OutputSelection,
  requires: Requirements = {},
): z.ZodType {
  if (selection === true) return schema;
  const def = schema._zod.def as Def;
  if (def.type === 'lazy') return prune(def.getter!(), selection, requires);
  if (def.type === 'object') return pruneObject(schema, selection, requires);
  if (def.type === 'union') return pruneUnion(schema, selection);
  if (def.type === 'array') return copy(schema, { element: prune(def.element!, selection) });
  if (!wrappers.has(def.type)) return schema;
  return copy(schema, { innerType: prune(def.innerType!, selection, requires) });
}

function pruneObject(
  schema: z.ZodType,
  selection: Exclude<OutputSelection, true>,
  requires: Requirements,
  always?: string,
): z.ZodType {
  const { shape = {} } = schema._zod.def as Def;
  const isAsked = (name: string): boolean => name === always || Object.hasOwn(selection, name);
  const declared = Object.keys(shape).filter(isAsked);
  const names = declared.length > 0 ? inOrder(declared, requires) : Object.keys(shape).slice(0, 1);
  const fields = names.map((name) => {
    const part = name === always ? true : (selection[name] ?? {});
    return [name, prune(shape[name]!, part)] as const;
  });
  return copy(schema, { shape: Object.fromEntries(fields), checks: [] });
}

/** Declared names, each after those that it requires. */
function inOrder(names: readonly string[], requires: Requirements): string[] {
  const placed = new Set<string>();
  const visiting = new Set<string>();
  const place = (name: string): void => {
    if (placed.has(name) || visiting.has(name) || !names.includes(name)) return;
    visiting.add(name);
    for (const required of requires[name] ?? []) place(required);
    placed.add(name);
  };
  for (const name of names) place(name);
  return [...placed];
}

function pruneUnion(schema: z.ZodType, selection: Exclude<OutputSelection, true>): z.ZodType {
  const { options = [], discriminator } = schema._zod.def as Def;
  const pruned = options.map((option) => {
    if (discriminator === undefined) return prune(option, selection);
    const values = discriminatorValues(option, discriminator);
    const parts = values.flatMap((value) => selection[`=${value}`] ?? []);
    if (parts.includes(true)) return option;
    return pruneObject(unwrapped(option), Object.assign({}, ...parts), {}, discriminator);
  });
  return copy(schema, { options: pruned });
}

const unwrapped = (schema: z.ZodType): z.ZodType => {
  const def = schema._zod.def as Def;
  return def.type === 'lazy' ? unwrapped(def.getter!()) : schema;
};

function discriminatorValues(option: z.ZodType, discriminator: string): string[] {
  const values = option._zod.propValues?.[discriminator];
  return [...(values ?? [])].map(String);
}

/** The schema with other parts, and its own description. */
function copy(schema: z.ZodType, change: Partial<Def> & { checks?: unknown[] }): z.ZodType {
  const changed = schema.clone({ ...schema._zod.def, ...change } as never) as z.ZodType;
  const meta = z.globalRegistry.get(schema);
  if (meta) z.globalRegistry.add(changed, { ...meta, id: undefined });
  return changed;
}
