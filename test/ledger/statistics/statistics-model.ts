import { Decimal } from 'decimal.js';
import fc from 'fast-check';
import { expect } from 'vitest';
import type {
  CostDimension,
  CostStats,
  CostStatsRequest,
  UsageRecordRow,
} from '../../../src/ledger/ledger.ts';
import { usageRecord } from '../support/ledger-fixture.ts';

const ids = [
  '01890000-0000-7000-8000-000000000001',
  '01890000-0000-7000-8000-000000000002',
] as const;
export const start = Date.UTC(2026, 2, 27);
const spanMs = 5 * 86_400_000;
/** The end of the span in which records and windows lie. */
export const now = new Date(start + spanMs);

const cents = fc
  .bigInt({ min: 0n, max: 10n ** 15n })
  .map((units) => new Decimal(units.toString()).div('1e12').toFixed());
export const arbitraryRecord: fc.Arbitrary<UsageRecordRow> = fc
  .record({
    createdAt: fc.integer({ min: start, max: start + spanMs - 1 }).map((at) => new Date(at)),
    model: fc.constantFrom('small', 'large', 'openai/x'),
    userId: fc.constantFrom('ada', 'bob'),
    kind: fc.constantFrom('COMPLETION', 'AGENT'),
    promptName: fc.constantFrom(null, 'greet'),
    promptVersionId: fc.constantFrom(null, ...ids),
    variant: fc.constantFrom(null, 'a', 'b'),
    apiKeyId: fc.constantFrom(null, ids[0]),
    cost: fc.option(cents),
    inputTokens: fc.nat(5_000),
    outputTokens: fc.nat(5_000),
    cacheReadTokens: fc.nat(50),
    cacheWriteTokens: fc.nat(50),
    cached: fc.boolean(),
    status: fc.constantFrom('succeeded', 'failed', 'cancelled', 'interrupted'),
    durationMs: fc.oneof(fc.nat(40), fc.double({ min: 0, max: 1e5, noNaN: true })),
    timeToFirstTokenMs: fc.option(fc.nat(900)),
  })
  .map((part) => usageRecord(part as Partial<UsageRecordRow>));

const dimensions = [
  'MODEL',
  'USER',
  'PROMPT',
  'PROMPT_VERSION',
  'VARIANT',
  'KIND',
  'API_KEY',
] as const;
const columns: Record<CostDimension, keyof UsageRecordRow> = {
  MODEL: 'model',
  USER: 'userId',
  PROMPT: 'promptName',
  PROMPT_VERSION: 'promptVersionId',
  VARIANT: 'variant',
  KIND: 'kind',
  API_KEY: 'apiKeyId',
};
const moment = fc.integer({ min: start, max: start + spanMs }).map((at) => new Date(at));
export const arbitraryRequest: fc.Arbitrary<CostStatsRequest> = fc.record(
  {
    window: fc.oneof(
      fc.constantFrom({ last: 'P5D' }, { last: 'PT36H' }, { last: 'P1DT12H' }, { last: 'P1W' }),
      fc
        .tuple(moment, moment)
        .filter(([one, other]) => one.getTime() !== other.getTime())
        .map(([one, other]) => (one < other ? { from: one, to: other } : { from: other, to: one })),
    ),
    userId: fc.constantFrom('ada', null),
    model: fc.constantFrom('small', null),
    prompt: fc.constantFrom('greet', null),
    promptVersionId: fc.constantFrom(ids[0], null),
    kind: fc.constantFrom('AGENT' as const, null),
    groupBy: fc.subarray([...dimensions]),
    bucket: fc.constantFrom('HOUR' as const, 'DAY' as const, 'MONTH' as const, null),
  },
  { requiredKeys: ['window'] },
);

const hours: Record<string, number> = { P5D: 120, PT36H: 36, P1DT12H: 36, P1W: 168 };
const total = (records: readonly UsageRecordRow[], column: keyof UsageRecordRow): number =>
  records.reduce((sum, record) => sum + Number(record[column] ?? 0), 0);
const costOf = (records: readonly UsageRecordRow[]): string =>
  Decimal.clone({ precision: 60 })
    .sum('0', ...records.map(({ cost }) => cost ?? '0'))
    .toFixed();
const errorsOf = (records: readonly UsageRecordRow[]): number =>
  records.filter(({ status }) => status === 'failed' || status === 'interrupted').length;
const average = (values: readonly number[]): number | null =>
  values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;

function percentile(values: readonly number[], part: number): number | null {
  if (values.length === 0) return null;
  const sorted = values.toSorted((one, other) => one - other);
  const place = part * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(place)]!, sorted[Math.ceil(place)]!];
  return low + (place - Math.floor(place)) * (high - low);
}

function expectNear(actual: number | null, wanted: number | null): void {
  if (wanted === null || actual === null) expect(actual).toBe(wanted);
  else expect(Math.abs(actual - wanted)).toBeLessThanOrEqual(1e-9 * Math.max(1, wanted));
}

/** Everything that the answer says, summed up one record after the other. */
export function expectExact(
  stats: CostStats,
  request: CostStatsRequest,
  all: readonly UsageRecordRow[],
): void {
  const to = request.window?.to ?? now;
  const from =
    request.window?.from ?? new Date(to.getTime() - hours[request.window?.last ?? '']! * 3_600_000);
  const records = all.filter(
    (record) =>
      record.createdAt >= from &&
      record.createdAt < to &&
      (!request.userId || record.userId === request.userId) &&
      (!request.model || record.model === request.model) &&
      (!request.prompt || record.promptName === request.prompt) &&
      (!request.promptVersionId || record.promptVersionId === request.promptVersionId) &&
      (!request.kind || record.kind === request.kind),
  );
  expect(stats).toMatchObject({
    requests: records.length,
    errors: errorsOf(records),
    cacheHits: records.filter(({ cached }) => cached).length,
    totalCost: costOf(records),
    inputTokens: total(records, 'inputTokens'),
    outputTokens: total(records, 'outputTokens'),
    cacheReadTokens: total(records, 'cacheReadTokens'),
    cacheWriteTokens: total(records, 'cacheWriteTokens'),
  });
  const durations = records.map(({ durationMs }) => durationMs);
  expectNear(stats.averageDurationMs, average(durations));
  expectNear(stats.p50DurationMs, percentile(durations, 0.5));
  expectNear(stats.p95DurationMs, percentile(durations, 0.95));
  expectNear(stats.p99DurationMs, percentile(durations, 0.99));
  expectNear(
    stats.averageTimeToFirstTokenMs,
    average(records.flatMap(({ timeToFirstTokenMs: time }) => (time === null ? [] : [time]))),
  );
  const models = Map.groupBy(records, ({ model }) => model);
  expect(new Map(stats.costByModel.map((entry) => [entry.model, entry]))).toEqual(
    new Map(
      [...models].map(([model, part]) => [
        model,
        { model, requests: part.length, cost: costOf(part) },
      ]),
    ),
  );
  expectGroups(stats, request.groupBy ?? [], records);
  expectSeries(stats, { from, to, bucket: request.bucket ?? null }, records);
}

function expectGroups(
  stats: CostStats,
  groupBy: readonly CostDimension[],
  records: readonly UsageRecordRow[],
): void {
  const keyOf = (record: UsageRecordRow): string =>
    JSON.stringify(groupBy.map((dimension) => record[columns[dimension]]));
  const wanted = groupBy.length === 0 ? new Map() : Map.groupBy(records, keyOf);
  expect(stats.groups).toHaveLength(wanted.size);
  for (const group of stats.groups) {
    const key = JSON.stringify(groupBy.map((dimension) => group.key[dimension]));
    const part: UsageRecordRow[] = wanted.get(key) ?? [];
    expect(group).toMatchObject({
      requests: part.length,
      totalCost: costOf(part),
      inputTokens: total(part, 'inputTokens'),
      outputTokens: total(part, 'outputTokens'),
      cacheReadTokens: total(part, 'cacheReadTokens'),
      cacheWriteTokens: total(part, 'cacheWriteTokens'),
    });
    expectNear(group.averageDurationMs, average(part.map(({ durationMs }) => durationMs)));
  }
}

/** Buckets leave no gap, and each record is in the one that it falls into; where they begin is tested below. */
function expectSeries(
  stats: CostStats,
  window: { from: Date; to: Date; bucket: string | null },
  records: readonly UsageRecordRow[],
): void {
  const { series } = stats;
  if (window.bucket === null) {
    expect(series).toEqual([]);
    return;
  }
  expect(series[0]!.start.getTime()).toBeLessThanOrEqual(window.from.getTime());
  expect(series.at(-1)!.start.getTime()).toBeLessThan(window.to.getTime());
  series.forEach((point, index) => {
    const end = series[index + 1]?.start ?? window.to;
    expect(end.getTime()).toBeGreaterThan(point.start.getTime());
    const part = records.filter(({ createdAt }) => createdAt >= point.start && createdAt < end);
    expect(point).toMatchObject({
      requests: part.length,
      errors: errorsOf(part),
      totalCost: costOf(part),
      inputTokens: total(part, 'inputTokens'),
      outputTokens: total(part, 'outputTokens'),
      cacheReadTokens: total(part, 'cacheReadTokens'),
      cacheWriteTokens: total(part, 'cacheWriteTokens'),
    });
  });
}
