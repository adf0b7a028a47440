import type { MetadataFilter } from './metadata-filter.ts';

/** Collects the values of one statement; each call answers its placeholder. */
export type Placeholder = (value: unknown) => string;

/** Starts the list of a statement's values with those already placed as $1, $2, … */
export function createPlaceholders(values: unknown[]): Placeholder {
  return (value) => `$${values.push(value)}`;
}

/**
 * A filter as a condition in SQL over the jsonb expression `metadata`; never null, so that `not` is exact. Values go
 * through `place`, none is written into the statement.
 */
export function filterSql(filter: MetadataFilter, metadata: string, place: Placeholder): string {
  switch (filter.kind) {
    case 'and':
    case 'or': {
      const parts = filter.parts.map((part) => filterSql(part, metadata, place));
      if (parts.length === 0) return 'TRUE';
      return `(${parts.join(filter.kind === 'and' ? ' AND ' : ' OR ')})`;
    }
    case 'not':
      return `NOT ${filterSql(filter.part, metadata, place)}`;
    case 'exists': {
      const present = `(${fieldSql(filter.field, metadata, place)} IS NOT NULL)`;
      return filter.expected ? present : `NOT ${present}`;
    }
    case 'range': {
      const value = fieldSql(filter.field, metadata, place);
      const bound = `${place(JSON.stringify(filter.bound))}::jsonb`;
      const same = `jsonb_typeof(${value}) = '${typeof filter.bound}'`;
      return `COALESCE(${same} AND ${value} ${filter.operator} ${bound}, FALSE)`;
    }
    case 'in':
      return membershipSql(filter, metadata, place);
  }
}

function membershipSql(
  filter: Extract<MetadataFilter, { kind: 'in' }>,
  metadata: string,
  place: Placeholder,
): string {
  if (filter.values.length === 0) return 'FALSE';
  const value = fieldSql(filter.field, metadata, place);
  const values = `${place(filter.values.map((each) => JSON.stringify(each)))}::jsonb[]`;
  const equal = `COALESCE(${value} = ANY (${values}), FALSE)`;
  const listed = `COALESCE(jsonb_typeof(${value}) = 'array' AND EXISTS (SELECT 1 FROM unnest(${values}) AS wanted (value) WHERE ${value} @> jsonb_build_array(wanted.value)), FALSE)`;
  const absent = filter.values.includes(null) ? ` OR ${value} IS NULL` : '';
  return `(${equal} OR ${listed}${absent})`;
}

/** The value at a dotted path, or under a key that has the dots in its name. */
function fieldSql(field: string, metadata: string, place: Placeholder): string {
  const whole = `${metadata} -> ${place(field)}::text`;
  if (!field.includes('.')) return `(${whole})`;
  return `COALESCE(${metadata} #> ${place(field.split('.'))}::text[], ${whole})`;
}
