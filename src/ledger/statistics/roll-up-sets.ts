/** A quarter of an hour or a day in UTC: no place's offset from UTC is finer than the one, and most have days of their own. */
export type RollUpBin = '15 minutes' | '1 day';

export interface RollUpSet {
  name: string;
  bin: RollUpBin;
  /** Of usage records: there is one row for each combination of their values that occurs in a bin. */
  columns: readonly string[];
}

/**
 * Narrowest first. By the quarter of an hour only what has few values: users and prompts are about as many as records
 * in so short a time.
 */
export const rollUpSets: readonly RollUpSet[] = [
  { name: 'kind', bin: '15 minutes', columns: ['model', 'kind'] },
  { name: 'user', bin: '1 day', columns: ['model', 'userId'] },
  {
    name: 'prompt',
    bin: '1 day',
    columns: ['model', 'kind', 'promptName', 'promptVersionId', 'variant'],
  },
  { name: 'account', bin: '1 day', columns: ['model', 'kind', 'userId', 'apiKeyId'] },
];

export const binMs: Record<RollUpBin, number> = { '15 minutes': 900_000, '1 day': 86_400_000 };

export const dateBin = (bin: string, moment: string): string =>
  `date_bin('${bin}', ${moment}, TIMESTAMPTZ '1970-01-01 00:00:00+00')`;

export const quoted = (columns: readonly string[]): string =>
  columns.map((column) => `"${column}"`).join(', ');

/** The sums that statistics are made of, but for "cost". */
export const sumColumns = [
  'requests',
  'errors',
  'cacheHits',
  'inputTokens',
  'outputTokens',
  'cacheReadTokens',
  'cacheWriteTokens',
  'durationMs',
  'timedRequests',
  'timeToFirstTokenMs',
] as const;

/** Of usage records, in the order of `sumColumns`, then "cost". */
export const recordSums = `count(*) AS "requests",
  count(*) FILTER (WHERE "status" IN ('failed', 'interrupted')) AS "errors",
  count(*) FILTER (WHERE "cached") AS "cacheHits",
  sum("inputTokens") AS "inputTokens", sum("outputTokens") AS "outputTokens",
  sum("cacheReadTokens") AS "cacheReadTokens", sum("cacheWriteTokens") AS "cacheWriteTokens",
  sum("durationMs") AS "durationMs", count("timeToFirstTokenMs") AS "timedRequests",
  sum("timeToFirstTokenMs") AS "timeToFirstTokenMs", sum("cost") AS "cost"`;

/** Of roll-ups, likewise. Whole numbers add up exactly in a float, five times as fast as in the type of their sum. */
export const rollUpSums = `${sumColumns
  .map((column) => `sum("${column}"::float8) AS "${column}"`)
  .join(', ')}, sum("cost") AS "cost"`;

/** The step of a duration: each is 3 % longer than the one before, and longer durations are never in an earlier one. */
export const durationStep = `CASE WHEN "durationMs" > 1 THEN ceil(ln(least("durationMs", 1e9)) * 32)::int ELSE 0 END`;
