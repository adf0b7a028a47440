import type { z } from 'zod';
import { DomainError, type Issue } from '../../kernel/errors.ts';
import { nullsAsAbsent } from '../../kernel/tools/nulls-as-absent.ts';

/** One fence that is the whole answer: models that are not held to a schema write JSON so. */
const fence = /^\s*```[\w-]*[ \t]*\r?\n([\s\S]*?)\r?\n?[ \t]*```\s*$/;

/**
 * The value that an answer of a given schema holds, perhaps within a fence. A member that is null and may be left out
 * counts as left out. Throws OUTPUT_INVALID with the answer's text.
 */
export function parseOutput(text: string, schema: z.ZodType): unknown {
  let value: unknown;
  try {
    value = JSON.parse(fence.exec(text)?.[1] ?? text);
  } catch {
    throw outputInvalid(text, [{ path: [], message: 'The answer is not whole JSON.' }]);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const { issues } = parsed.error;
  const withoutNulls = nullsAsAbsent(value, issues);
  const again = withoutNulls === null ? null : schema.safeParse(withoutNulls);
  if (again?.success) return again.data;
  throw outputInvalid(text, issues.map(issueOf));
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
