import type { z } from 'zod';

interface Def {
  type: string;
  innerType?: z.ZodType;
  element?: z.ZodType;
  getter?: () => z.ZodType;
  shape?: Record<string, z.ZodType>;
  out?: z.ZodType;
}

/**
 * The schema of the value at a path. Null where the schema knows no such value; undefined where it depends on what is not
 * whole yet, inside of a union or of a value that is transformed.
 */
export function schemaAt(
  schema: z.ZodType,
  path: readonly (string | number)[],
): z.ZodType | null | undefined {
  const def = schema._zod.def as unknown as Def;
  if (def.getter) return schemaAt(def.getter(), path);
  const [first, ...rest] = path;
  if (first === undefined) return schema;
  if (def.type === 'union' || def.type === 'pipe') return undefined;
  if (def.innerType) return schemaAt(def.innerType, path);
  if (def.element && typeof first === 'number') return schemaAt(def.element, rest);
  if (!def.shape || !Object.hasOwn(def.shape, first)) return null;
  return schemaAt(def.shape[first]!, rest);
}
