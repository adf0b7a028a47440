import { readFile } from 'node:fs/promises';
import { messageOf } from '../kernel/message-of.ts';
import type { Prices } from '../kernel/prices.ts';
import { StartupError } from '../kernel/startup-error.ts';
import { createPrices } from '../model/prices/create-prices.ts';

/** The built-in price table, with the operator's file over it. Rejects with a `StartupError` that says what is wrong in it. */
export async function loadPrices(file: string | null): Promise<Prices> {
  if (file === null) return createPrices();
  try {
    return createPrices({ overrides: JSON.parse(await readFile(file, 'utf8')) });
  } catch (error) {
    const why = messageOf(error);
    throw new StartupError([`TESSERA_PRICES: ${file}: ${why}`], { cause: error });
  }
}
