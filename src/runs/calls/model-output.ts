import type { z } from 'zod';
import { DomainError, type Issue } from '../../kernel/errors.ts';

/** The value that an answer of a given schema holds. Throws OUTPUT_INVALID with what came. */
export function parseOutput(text: string, schema: z.ZodType): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw outputInvalid(text, [{ path: [], message: 'The answer is not whole JSON.' }]);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw outputInvalid(text, parsed.error.issues.map(issueOf));
}

const issueOf = ({ path, message }: z.core.$ZodIssue): Issue => ({
  path: path.map(String),
  message,
});

function outputInvalid(text: string, issues: Issue[]): DomainError {
  const what =
    'The model answered, but not in the form that the prompt declares. Try again, or mend the prompt.';
  return new DomainError('OUTPUT_INVALID', what, { details: { text, issues } });
}

/** Does `parseOutput` take it? */
export function isOutput(text: string, schema: z.ZodType): boolean {
  try {
    parseOutput(text, schema);
    return true;
  } catch {
    return false;
  }
}
