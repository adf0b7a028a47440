import { UnstorableError } from '../../kernel/json/storable-json.ts';

/** How often one batch is tried that the database has no memory for: some 3 s. */
const maxWithoutMemory = 5;

/**
 * SQLSTATE classes 22 (data), 23 (integrity) and 54 (limits) blame what is written, not the database's health; so does
 * what no JSON or no message can be made of, while a connection that fails is never a RangeError or TypeError. Memory
 * (53200) may be short because of anybody, or of one run's content: that shows when it stays short.
 */
export function isAboutData(error: unknown, attempt: number): boolean {
  if (error instanceof UnstorableError) return true;
  if (error instanceof RangeError || error instanceof TypeError) return true;
  const code = (error as { code?: unknown } | null)?.code;
  if (code === '53200') return attempt >= maxWithoutMemory;
  return typeof code === 'string' && /^(22|23|54)/.test(code);
}
