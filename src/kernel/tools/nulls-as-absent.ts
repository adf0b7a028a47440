import type { z } from 'zod';

type Path = readonly PropertyKey[];

/**
 * The value without the members that are null where its schema wants something else: models write null for what they
 * leave out. Null when no issue is about such a member. The result may lack members that are required: check it again.
 */
export function nullsAsAbsent(value: unknown, issues: readonly z.core.$ZodIssue[]): unknown {
  const paths = issues.flatMap((issue) => pathsOf(issue, [])).filter((path) => isNull(value, path));
  if (paths.length === 0) return null;
  const copy: unknown = structuredClone(value);
  for (const path of paths) {
    const holder = at(copy, path.slice(0, -1));
    if (isObject(holder)) delete holder[path.at(-1)!];
  }
  return copy;
}

/** The places of an issue; a union's issue has those of its members. */
function pathsOf(issue: z.core.$ZodIssue, within: Path): Path[] {
  const path = [...within, ...issue.path];
  if (issue.code !== 'invalid_union') return [path];
  return [path, ...issue.errors.flat().flatMap((inner) => pathsOf(inner, path))];
}

const isNull = (value: unknown, path: Path): boolean =>
  isObject(at(value, path.slice(0, -1))) && at(value, path) === null;

const isObject = (value: unknown): value is Record<PropertyKey, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function at(value: unknown, path: Path): unknown {
  let place = value;
  for (const key of path) {
    if (typeof place !== 'object' || place === null || !Object.hasOwn(place, key)) return undefined;
    place = (place as Record<PropertyKey, unknown>)[key];
  }
  return place;
}
