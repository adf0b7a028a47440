import type { z } from 'zod';

type Schema = z.core.$ZodType;
type Definition = z.core.$ZodTypes['_zod']['def'];

const definitionOf = (schema: Schema): Definition => (schema as z.core.$ZodTypes)._zod.def;

/** The schema of the value a template sees: without the wrappers that only say when it may be missing. */
export function unwrap(schema: Schema): {
  schema: Schema;
  optional: boolean;
  nullable: boolean;
} {
  let inner = schema;
  let optional = false;
  let nullable = false;
  for (;;) {
    const definition = definitionOf(inner);
    if (definition.type === 'optional') optional = true;
    if (definition.type === 'nullable') nullable = true;
    if (definition.type === 'pipe') inner = definition.out;
    else if (definition.type === 'lazy') inner = (inner as z.core.$ZodLazy)._zod.innerType;
    else if ('innerType' in definition && definition.type !== 'promise')
      inner = definition.innerType;
    else return { schema: inner, optional, nullable };
  }
}

/** Where `path` leaves the schema: the number of segments that exist; null when it does not leave it. */
export function whereItEnds(
  schema: Schema,
  path: readonly (string | number)[],
  from = 0,
): number | null {
  const segment = path[from];
  if (segment === undefined) return null;
  const definition = definitionOf(unwrap(schema).schema);
  const follow = (next: Schema | undefined): number | null =>
    next === undefined ? from : whereItEnds(next, path, from + 1);
  switch (definition.type) {
    case 'object': {
      const own = Object.hasOwn(definition.shape, segment) ? definition.shape[segment] : undefined;
      const { catchall } = definition;
      if (own || catchall === undefined || definitionOf(catchall).type === 'never')
        return follow(own);
      return follow(catchall);
    }
    case 'array': {
      if (segment === 'size' || segment === 'length')
        return path.length === from + 1 ? null : from + 1;
      const isEntry = typeof segment === 'number' || segment === 'first' || segment === 'last';
      return isEntry ? follow(definition.element) : from;
    }
    case 'record':
      return follow(definition.valueType);
    case 'union': {
      const ends = definition.options.map((option) => whereItEnds(option, path, from));
      return ends.includes(null) ? null : Math.max(...ends.map(Number));
    }
    case 'string':
      return segment === 'size' || segment === 'length' ? null : from;
    case 'number':
    case 'boolean':
    case 'bigint':
    case 'date':
    case 'enum':
    case 'literal':
    case 'null':
      return from;
    default:
      return null;
  }
}
