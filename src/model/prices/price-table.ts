import { Decimal } from 'decimal.js';
import { z } from 'zod';

// Enough for any product of a rate and a token count; the library's own default is 20 digits.
export const ExactDecimal = Decimal.clone({ precision: 40 });

/** US dollars per million tokens, a JSON number or a decimal string; null when not known. */
const statedRate = z
  .union([z.number().nonnegative(), z.string().regex(/^\d+(\.\d+)?$/)])
  .nullable();

const rate = statedRate.default(null);

const rates = {
  input: rate,
  output: rate,
  cacheRead: rate,
  cacheWrite5m: rate,
  cacheWrite1h: rate,
};

const date = z.string().regex(/^\d{4}-\d{2}-\d{2}$/);

const row = z.looseObject({
  ...rates,
  /** Above so many prompt tokens (cache reads and writes included) the whole request, output too, pays these rates. */
  longPrompt: z.looseObject({ ...rates, aboveInputTokens: z.number().int().positive() }).optional(),
  /** Rates that were different before a day (UTC); what is not named was as it is now. */
  history: z
    .array(
      z.looseObject({
        until: date,
        input: statedRate.optional(),
        output: statedRate.optional(),
        cacheRead: statedRate.optional(),
        cacheWrite5m: statedRate.optional(),
        cacheWrite1h: statedRate.optional(),
      }),
    )
    .optional(),
  released: date.optional(),
  aliasOf: z.string().optional(),
  contextWindow: z.number().int().positive().nullable().optional(),
  maxOutput: z.number().int().positive().nullable().optional(),
  lifecycle: z.string().optional(),
});

/** The format of `prices.json` and of a file that overrides it: rows by model name, further fields ignored. */
export const priceTableSchema = z.record(z.string(), row);

export type PriceTable = z.infer<typeof priceTableSchema>;
export type PriceRow = PriceTable[string];
