import { messageOf } from '../message-of.ts';
import { ToolError } from './tool-error.ts';

const maxCharacters = 1_000_000;
const maxLevels = 100;

/**
 * A tool's output as JSON, which is how it is stored, shown and sent: dates become text, a member that is undefined goes,
 * and a value without any JSON (undefined, a function) is null. Throws a `ToolError` for what JSON cannot express, for more
 * than 1,000,000 characters of it, and for more than 100 levels.
 */
export function toolOutput(value: unknown): unknown {
  const json = jsonOf(value);
  if (json.length > maxCharacters) {
    throw new ToolError(`it is ${json.length} characters of JSON; ${maxCharacters} are the most`);
  }
  const output: unknown = JSON.parse(json);
  assertShallow(output);
  return output;
}

function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? 'null';
  } catch (error) {
    // These are the engine's own; anything else is thrown by the value itself.
    const isOfEngine = error instanceof TypeError || error instanceof RangeError;
    const reason = isOfEngine ? `: ${messageOf(error)}` : '';
    throw new ToolError(`JSON cannot tell it${reason}`, { cause: error });
  }
}

const isContainer = (value: unknown): value is object =>
  typeof value === 'object' && value !== null;

/** Level by level: a recursion would overflow on the very value that it is to find. */
function assertShallow(value: unknown): void {
  let level = [value].filter(isContainer);
  for (let depth = 1; level.length > 0; depth += 1) {
    if (depth > maxLevels) throw new ToolError(`it is nested deeper than ${maxLevels} levels`);
    level = level.flatMap((container) => Object.values(container).filter(isContainer));
  }
}
