import { expect, test } from 'vitest';
import { clock } from '../../src/plugins/clock/clock.ts';
import { callTool, checkPlugin } from '../../src/testing.ts';

interface Told {
  dateTime: string;
  date: string;
  weekday: string;
  timeZone: string;
  utc: string;
}

const now = async (timeZone?: string, plugin = clock()): Promise<Told> =>
  (await callTool(plugin, { tool: 'current_time', input: { timeZone } })).output as Told;

test.for([
  ['Asia/Kathmandu', '+05:45'],
  ['America/Sao_Paulo', '-03:00'],
  ['UTC', '+00:00'],
] as const)('current_time tells the time in %s', async ([zone, offset]) => {
  const before = Date.now();
  const told = await now(zone);
  expect(told).toMatchObject({ timeZone: zone, dateTime: expect.stringContaining(offset) });
  expect(told.dateTime.slice(0, 10)).toBe(told.date);
  // The same moment, to the second that a local time is told in.
  const moment = Date.parse(told.utc);
  expect(Date.parse(told.dateTime)).toBe(moment - (moment % 1000));
  expect(moment).toBeGreaterThanOrEqual(before);
  expect(told.weekday).toBe(
    new Intl.DateTimeFormat('en', { weekday: 'long', timeZone: zone }).format(moment),
  );
});

test('current_time takes the zone of its options when none is asked for', async () => {
  expect((await now(undefined, clock({ timeZone: 'Europe/Oslo' }))).timeZone).toBe('Europe/Oslo');
});

test('current_time says what a zone looks like', async () => {
  await expect(now('Mars/Olympus')).rejects.toThrow(
    '"Mars/Olympus" is no IANA time zone: give one',
  );
  expect(await checkPlugin(clock({ timeZone: 'Nowhere' }))).toEqual([
    'plugin "clock": option timeZone: is no IANA time zone',
  ]);
});
