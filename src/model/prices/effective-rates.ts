import type { PriceRow } from './price-table.ts';
import { ExactDecimal } from './price-table.ts';

type Rate = InstanceType<typeof ExactDecimal>;

/** US dollars per million tokens; null when not known. */
export interface Rates {
  input: Rate | null;
  output: Rate | null;
  cacheRead: Rate | null;
  cacheWrite5m: Rate | null;
  cacheWrite1h: Rate | null;
}

const names = ['input', 'output', 'cacheRead', 'cacheWrite5m', 'cacheWrite1h'] as const;
type RateName = (typeof names)[number];
type RawRates = Partial<Record<RateName, string | number | null | undefined>>;

/** The rates of a request with a prompt of so many tokens, cache reads and writes included, at a moment. */
export function effectiveRates(row: PriceRow, promptTokens: number, at: Date): Rates {
  const { longPrompt } = row;
  const now: RawRates = longPrompt && promptTokens > longPrompt.aboveInputTokens ? longPrompt : row;
  // Old rates of long prompts are not recorded: the history is that of the ordinary rates.
  const past = now === row ? pastRates(row, at) : {};
  const pick = (name: RateName): Rate | null => {
    const value = name in past ? past[name] : now[name];
    return value === null || value === undefined ? null : new ExactDecimal(value);
  };
  const [input, output, cacheRead, cacheWrite5m, cacheWrite1h] = names.map(pick);
  return {
    input: input ?? null,
    output: output ?? null,
    cacheRead: cacheRead ?? null,
    cacheWrite5m: cacheWrite5m ?? null,
    cacheWrite1h: cacheWrite1h ?? null,
  };
}

/** Since when the rates of that moment hold; null when not known. */
export function effectiveSince(row: PriceRow, at: Date): Date | null {
  const changes = (row.history ?? []).map(({ until }) => until);
  const started = [...(row.released ? [row.released] : []), ...changes]
    .map((day) => new Date(`${day}T00:00:00Z`))
    .filter((day) => day <= at);
  if (started.length === 0) return null;
  return new Date(Math.max(...started.map((day) => day.getTime())));
}

/** Differences that were in force then. A later change's old rate also held before the earlier ones, unless they say. */
function pastRates(row: PriceRow, at: Date): RawRates {
  const then = (row.history ?? [])
    .filter(({ until }) => at < new Date(`${until}T00:00:00Z`))
    .toSorted((first, second) => second.until.localeCompare(first.until));
  const past: RawRates = {};
  for (const change of then) {
    for (const name of names) if (change[name] !== undefined) past[name] = change[name];
  }
  return past;
}
