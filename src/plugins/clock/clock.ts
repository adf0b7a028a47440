import { z } from 'zod';
import { definePlugin } from '../../kernel/plugin.ts';
import { defineTool } from '../../kernel/tool.ts';
import { ToolError } from '../../kernel/tools/tool-error.ts';

const options = z.object({
  timeZone: z
    .string()
    .default('UTC')
    .refine(isTimeZone, 'is no IANA time zone')
    .describe('The zone when none is asked for.'),
});

function isTimeZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

/** The parts of a moment in a zone; `offset` like "+02:00". */
function partsOf(moment: Date, timeZone: string) {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    weekday: 'long',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    timeZoneName: 'longOffset',
  });
  const parts = new Map(format.formatToParts(moment).map(({ type, value }) => [type, value]));
  const part = (type: Intl.DateTimeFormatPartTypes): string => parts.get(type) ?? '';
  return {
    date: `${part('year')}-${part('month')}-${part('day')}`,
    time: `${part('hour')}:${part('minute')}:${part('second')}`,
    weekday: part('weekday'),
    offset: part('timeZoneName').replace('GMT', '') || '+00:00',
  };
}

const currentTime = (defaultZone: string) =>
  defineTool({
    name: 'current_time',
    description:
      'Tells the present date and time in a time zone. Use it whenever an answer depends on today or now.',
    input: z.object({
      timeZone: z
        .string()
        .optional()
        .describe(`An IANA name like "Europe/Madrid"; ${defaultZone} if left out.`),
    }),
    output: z.object({
      dateTime: z.iso.datetime({ offset: true }).describe('ISO 8601 with the zone’s offset.'),
      date: z.iso.date(),
      weekday: z.string(),
      timeZone: z.string(),
      utc: z.iso.datetime(),
    }),
    idempotent: true,
    run({ timeZone = defaultZone }) {
      if (!isTimeZone(timeZone)) {
        throw new ToolError(
          `"${timeZone}" is no IANA time zone: give one by region and city, like "America/Sao_Paulo"`,
        );
      }
      const now = new Date();
      const { date, time, weekday, offset } = partsOf(now, timeZone);
      const utc = now.toISOString();
      return { dateTime: `${date}T${time}${offset}`, date, weekday, timeZone, utc };
    },
  });

export const clock = definePlugin({
  name: 'clock',
  version: '1.0.0',
  description: 'Tells agents the time.',
  options,
  setup: ({ timeZone }) => ({ tools: [currentTime(timeZone)] }),
});
