import { refusal } from '../http/request-refusal.ts';

const maxDepth = 64;

const isContainer = (value: unknown): value is object =>
  typeof value === 'object' && value !== null;

/**
 * Refuses JSON that is nested deeper than any real input: coercing, validating and storing it recurse, and would end in
 * a stack overflow. Level by level, because this check must not overflow either.
 */
export function assertShallow(value: unknown): void {
  let level = [value].filter(isContainer);
  for (let depth = 1; level.length > 0; depth += 1) {
    if (depth > maxDepth) {
      throw refusal(
        'BAD_USER_INPUT',
        `The request is nested deeper than ${maxDepth} levels. Flatten its variables.`,
      );
    }
    level = level.flatMap((container) => Object.values(container).filter(isContainer));
  }
}
