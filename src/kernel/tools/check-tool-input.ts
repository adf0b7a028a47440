import type { z } from 'zod';
import { messageOf } from '../message-of.ts';
import { raceAbort } from '../race-abort.ts';

export type CheckedInput<Input> = { input: Input } | { complaint: string };

interface Takes<Input> {
  name: string;
  input: z.ZodType<Input>;
}

/**
 * What the schema makes of a tool's input, or what the model is told to mend; a schema that throws complains as well.
 * Rejects with the signal's reason, and never otherwise.
 */
export async function checkToolInput<Input>(
  { name, input }: Takes<Input>,
  given: unknown,
  signal: AbortSignal,
): Promise<CheckedInput<Input>> {
  const complain = (problem: string) => ({
    complaint: `The tool "${name}" does not take this input. ${problem}`,
  });
  try {
    const parsed = await raceAbort(signal, () => input.safeParseAsync(given));
    if (parsed.success) return { input: parsed.data };
    const issues = parsed.error.issues.map(
      ({ path, message }) => `${path.join('.') || 'input'}: ${message}`,
    );
    return complain(issues.join('; '));
  } catch (error) {
    signal.throwIfAborted();
    return complain(messageOf(error));
  }
}
