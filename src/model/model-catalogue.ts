import type { ModelInformation } from '../kernel/model.ts';
import { type PriceTable, priceTableSchema } from './prices/price-table.ts';
import builtIn from './prices/prices.json' with { type: 'json' };

const table: PriceTable = priceTableSchema.parse(builtIn);

const catalogue: ReadonlyMap<string, ModelInformation> = new Map(
  Object.entries(table).map(([id, { contextWindow, maxOutput, lifecycle }]) => [
    id,
    {
      id,
      ...(contextWindow ? { contextWindow } : {}),
      ...(maxOutput ? { maxOutputTokens: maxOutput } : {}),
      ...(lifecycle ? { lifecycle } : {}),
    },
  ]),
);

/** What is known of Claude models without asking anyone (from the price table), newest first. */
export function listCatalogue(): ModelInformation[] {
  return [...catalogue.values()];
}

/** The model's row; a dated name has its undated one's. Null when not known. */
export function findInCatalogue(id: string): ModelInformation | null {
  return catalogue.get(id) ?? catalogue.get(id.replace(/-\d{8}$/, '')) ?? null;
}
