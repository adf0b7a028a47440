import { z } from 'zod';
import type { Issue } from '../../kernel/errors.ts';

type Schema = z.core.$ZodType;

interface Place {
  path: readonly string[];
  /** Where to say what is wrong. */
  issues: Issue[];
}

const instant = z.iso.datetime({ offset: true });

const definitionOf = (schema: Schema): z.core.$ZodTypes['_zod']['def'] =>
  (schema as z.core.$ZodTypes)._zod.def;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);

function readEntries(
  value: Record<string, unknown>,
  schemaOf: (key: string) => Schema | undefined,
  { path, issues }: Place,
): Record<string, unknown> {
  const entries = Object.entries(value).map(([key, entry]) => {
    const schema = schemaOf(key);
    return [key, schema ? read(schema, entry, { path: [...path, key], issues }) : entry];
  });
  return Object.fromEntries(entries);
}

function readObject(
  { shape, catchall }: z.core.$ZodObjectDef,
  value: Record<string, unknown>,
  place: Place,
): Record<string, unknown> {
  const others = catchall && definitionOf(catchall).type !== 'never' ? catchall : undefined;
  const schemaOf = (key: string): Schema | undefined =>
    Object.hasOwn(shape, key) ? shape[key] : others;
  const { path, issues } = place;
  const declared = Object.keys(shape).join(', ') || 'none';
  for (const key of Object.keys(value).filter((name) => !schemaOf(name))) {
    const what =
      path.length === 0 ? 'the prompt declares no such variable' : 'there is no such property';
    const known = path.length === 0 ? 'it declares' : 'there are';
    issues.push({ path: [...path, key], message: `${what} (${known}: ${declared})` });
  }
  return readEntries(value, schemaOf, place);
}

/** A union of objects is told apart by their literals; of other values, each is taken for what a member makes of it. */
function readMember(options: readonly Schema[], value: unknown, place: Place): unknown {
  if (!isRecord(value)) {
    const readings = options.map((option) => read(option, value, place));
    return readings.find((reading) => reading !== value) ?? value;
  }
  const member = options.find((option) =>
    Object.entries(option._zod.propValues ?? {}).every(([key, values]) =>
      values.has(value[key] as z.core.util.Primitive),
    ),
  );
  return member ? read(member, value, place) : value;
}

function read(schema: Schema, value: unknown, place: Place): unknown {
  const def = definitionOf(schema);
  if (def.type === 'lazy') return read((schema as z.core.$ZodLazy)._zod.innerType, value, place);
  if (def.type === 'pipe') {
    const isPrepared = definitionOf(def.in).type === 'transform';
    return read(isPrepared ? def.out : def.in, value, place);
  }
  if ('innerType' in def) return read(def.innerType as Schema, value, place);
  if (def.type === 'union') return readMember(def.options, value, place);
  if (def.type === 'date') {
    return typeof value === 'string' && instant.safeParse(value).success ? new Date(value) : value;
  }
  if (Array.isArray(value) && def.type === 'array') {
    const { path, issues } = place;
    return value.map((item, index) =>
      read(def.element, item, { path: [...path, String(index)], issues }),
    );
  }
  if (!isRecord(value)) return value;
  if (def.type === 'object') return readObject(def, value, place);
  return def.type === 'record' ? readEntries(value, () => def.valueType, place) : value;
}

interface ReadVariables {
  /** As the schema makes them, defaults filled in; to be used only where there are no issues. */
  variables: Record<string, unknown>;
  issues: Issue[];
}

/**
 * Checks variables, which may come from JSON: a date's ISO 8601 text is taken for the `Date`. What the schema does not
 * declare is an issue too: zod drops it, and a misspelt optional variable must not vanish so.
 */
export async function readVariables(schema: z.ZodObject, given: unknown): Promise<ReadVariables> {
  const issues: Issue[] = [];
  const parsed = await schema.safeParseAsync(read(schema, given, { path: [], issues }));
  for (const { code, path, message } of parsed.error?.issues ?? []) {
    // A strict schema reports what is reported above.
    if (code !== 'unrecognized_keys') issues.push({ path: path.map(String), message });
  }
  return { variables: parsed.data as Record<string, unknown>, issues };
}
