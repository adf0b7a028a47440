import type { z } from 'zod';
import { raceAbort } from '../timing/race-abort.ts';
import { nullsAsAbsent } from './nulls-as-absent.ts';
import { shownMessage } from './tool-error.ts';

export type CheckedInput<Input> = { input: Input } | { complaint: string };

interface Takes<Input> {
  name: string;
  input: z.ZodType<Input>;
}

const shownCharacters = 200;

/**
 * A tool's input as its schema gives it, or a complaint that lets the model repair it; a schema that throws complains as
 * well. A member that is null and may be left out counts as left out. Rejects with the signal's reason, and never
 * otherwise.
 */
export async function checkToolInput<Input>(
  { name, input }: Takes<Input>,
  given: unknown,
  signal: AbortSignal,
): Promise<CheckedInput<Input>> {
  const complain = (problem: string) => ({
    complaint: `The tool "${name}" does not take this input. ${problem}`,
  });
  if (typeof given === 'string') return complain(notJson(given));
  try {
    const parse = (value: unknown) => raceAbort(signal, () => input.safeParseAsync(value));
    const parsed = await parse(given);
    if (parsed.success) return { input: parsed.data };
    const { issues } = parsed.error;
    const withoutNulls = nullsAsAbsent(given, issues);
    const again = withoutNulls === null ? null : await parse(withoutNulls);
    if (again?.success) return { input: again.data };
    return complain(
      issues.map(({ path, message }) => `${path.join('.') || 'input'}: ${message}`).join('; '),
    );
  } catch (error) {
    signal.throwIfAborted();
    return complain(shownMessage(error) ?? 'Its check failed.');
  }
}

/** Providers hand on text that holds no JSON object as it is. */
function notJson(text: string): string {
  const shown = text.length > shownCharacters ? `${text.slice(0, shownCharacters)}…` : text;
  return `input: it is not one whole JSON object. It was: ${shown.toWellFormed()}`;
}
