import type { StatsBucket, StatsWindowInput } from '../ledger.ts';
import { InvalidWindowError } from './invalid-window-error.ts';

/** A window as the statistics' SQL takes it: an absent `from` is `to` less both durations, an absent `to` is now. */
export interface StatsWindow {
  from: Date | null;
  to: Date | null;
  /** ISO 8601. Days and longer are counted on the calendar, hours and shorter on the clock. */
  calendarPart: string;
  clockPart: string;
  /** About. */
  lengthMs: number;
}

const secondMs = 1_000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
const maxMs = 100 * 366 * dayMs;
const maxBuckets = 2_000;

const bucketMs: Record<StatsBucket, number> = {
  MINUTE: minuteMs,
  HOUR: hourMs,
  DAY: dayMs,
  MONTH: 28 * dayMs,
};

/** Throws `InvalidWindowError`. */
export function statsWindow(input: StatsWindowInput | null | undefined, now: Date): StatsWindow {
  const { from = null, to = null, last = null } = input ?? {};
  if (from && last)
    throw new InvalidWindowError('Give a window either "from" or "last", not both.');
  if (from) {
    const lengthMs = (to ?? now).getTime() - from.getTime();
    if (!(lengthMs > 0))
      throw new InvalidWindowError('The window is empty: "from" must be before "to".');
    return { from, to, calendarPart: 'P0D', clockPart: 'PT0S', lengthMs };
  }
  return { from, to, ...parseDuration(last ?? 'PT1H') };
}

/** Throws `InvalidWindowError` when the window has more buckets than one answer should carry. */
export function checkBuckets(window: StatsWindow, bucket: StatsBucket): void {
  const buckets = Math.ceil(window.lengthMs / bucketMs[bucket]);
  if (buckets > maxBuckets)
    throw new InvalidWindowError(
      `The window has about ${buckets} buckets of a ${bucket.toLowerCase()}; ${maxBuckets} is the most: choose larger buckets or a shorter window.`,
    );
}

const durationPattern =
  /^P(?=.)(?<calendar>(?:(?<years>\d+)Y)?(?:(?<months>\d+)M)?(?:(?<weeks>\d+)W)?(?:(?<days>\d+)D)?)(?<clock>T(?=\d)(?:(?<hours>\d+)H)?(?:(?<minutes>\d+)M)?(?:(?<seconds>\d+(?:\.\d{1,6})?)S)?)?$/;

/** ISO 8601 durations, whole numbers with fractions of a second: "PT90M", "P7D", "P1M". */
function parseDuration(text: string): Omit<StatsWindow, 'from' | 'to'> {
  const groups = durationPattern.exec(text)?.groups;
  if (!groups)
    throw new InvalidWindowError(
      `"${text.slice(0, 40)}" is no ISO 8601 duration; write for example "PT1H", "P7D" or "P1M".`,
    );
  const count = (name: string): number => Number(groups[name] ?? 0);
  const lengthMs =
    count('years') * 365 * dayMs +
    count('months') * 30 * dayMs +
    count('weeks') * 7 * dayMs +
    count('days') * dayMs +
    count('hours') * hourMs +
    count('minutes') * minuteMs +
    count('seconds') * secondMs;
  if (!(lengthMs > 0)) throw new InvalidWindowError(`The window "${text}" is empty.`);
  if (lengthMs > maxMs) throw new InvalidWindowError(`The window "${text}" is too long.`);
  return {
    calendarPart: groups['calendar'] ? `P${groups['calendar']}` : 'P0D',
    clockPart: groups['clock'] ? `P${groups['clock']}` : 'PT0S',
    lengthMs,
  };
}
