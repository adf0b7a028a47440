import { z } from 'zod';
import type { StatsWindowInput } from '../../ledger/ledger.ts';
import type { Builder } from '../builder.ts';

type StatsWindowValue = {
  [Field in keyof StatsWindowInput]: StatsWindowInput[Field] | undefined;
};

const inOrder = ({ from, to }: StatsWindowValue): boolean => !from || !to || from < to;
const oneStart = ({ from, last }: StatsWindowValue): boolean => !from || !last;

export function declareStatsWindow(builder: Builder): void {
  builder.inputType('StatsWindow', {
    description: 'A time window that ends at `to` and starts at `from`, or `last` before `to`.',
    validate: [
      [inOrder, { message: 'must be before `to`', path: ['from'] }],
      [oneStart, { message: '`from` and `last` exclude each other: give one', path: ['last'] }],
    ],
    fields: (t) => ({
      from: t.field({ type: 'DateTime', description: 'Start, included. Excludes `last`.' }),
      to: t.field({ type: 'DateTime', description: 'End, not included. Default: now.' }),
      last: t.string({
        description: 'ISO 8601, counted back from `to`: PT1H (the default), P7D.',
        validate: { schema: z.iso.duration() },
      }),
    }),
  });
}

export const statsWindow = (
  window: StatsWindowValue | null | undefined,
): StatsWindowInput | null => (window ? window : null);
