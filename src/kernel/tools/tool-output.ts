import { messageOf } from '../message-of.ts';

const maxCharacters = 1_000_000;
const maxLevels = 100;

/**
 * What a tool gave as JSON tells it, which is how it is stored, shown and sent: dates become text, a member that is
 * undefined goes, and what has no JSON at all (undefined, a function) is null. Throws, saying what is wrong, for what
 * JSON cannot tell, for more than 1,000,000 characters of it, and for more than 100 levels.
 */
export function toolOutput(value: unknown): unknown {
  const json = jsonOf(value);
  if (json.length > maxCharacters) {
    throw new Error(`it is ${json.length} characters of JSON; ${maxCharacters} are the most`);
  }
  const told: unknown = JSON.parse(json);
  assertShallow(told);
  return told;
}

function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? 'null';
  } catch (error) {
    throw new Error(`JSON cannot tell it: ${messageOf(error)}`);
  }
}

const isContainer = (value: unknown): value is object =>
  typeof value === 'object' && value !== null;

/** Level by level: a recursion would overflow on the very value that it is to find. */
function assertShallow(value: unknown): void {
  let level = [value].filter(isContainer);
  for (let depth = 1; level.length > 0; depth += 1) {
    if (depth > maxLevels) throw new Error(`it is nested deeper than ${maxLevels} levels`);
    level = level.flatMap((container) => Object.values(container).filter(isContainer));
  }
}
