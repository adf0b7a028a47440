import { Decimal } from 'decimal.js';
import type { Usd } from '../kernel/prices.ts';

/** Exact decimals: the library's default of 20 digits would round large sums. */
const Exact = Decimal.clone({ precision: 80, rounding: Decimal.ROUND_HALF_UP });

/** As many decimals as the database keeps. */
const storedDecimals = 12;

export type Amount = Decimal;

export const amount = (value: Usd | number): Amount => new Exact(value);

export const sum = (values: Iterable<Usd | Amount>): Amount => {
  let total = amount('0');
  for (const value of values) total = total.plus(value);
  return total;
};

/** Plain notation without trailing zeros, rounded as the database would round it: what is told is what is kept. */
export const usd = (value: Usd | Amount): Usd =>
  new Exact(value).toDecimalPlaces(storedDecimals).toFixed();

/** For people: four decimals or, of very small amounts, two digits. Never rounded in favour of the call. */
export function dollars(value: Usd | Amount, direction: 'up' | 'down'): string {
  const exact = new Exact(value);
  const rounding = direction === 'up' ? Decimal.ROUND_UP : Decimal.ROUND_DOWN;
  if (exact.isInteger()) return `$${exact.toFixed()}`;
  if (exact.abs().lessThan('0.001')) return `$${exact.toSignificantDigits(2, rounding).toFixed()}`;
  return `$${exact.toFixed(4, rounding)}`;
}
