import type { ComplexityErrorKind } from '@pothos/plugin-complexity';
import { operationTooExpensive } from './request-error.ts';

/**
 * What one operation may ask for. A field costs 1, a list or page its length times what is asked of each item, a field
 * that starts model work 1,000: ten of them fill an operation. Depth counts levels, breadth fields.
 */
export const operationLimits = { complexity: 10_000, depth: 16, breadth: 500 };

/** Cost of a field that calls a model. */
export const generationCost = 1_000;

/** Cost of a field that renders a prompt in this thread, for 0.1 s at worst: four of them fill an operation. */
export const renderingCost = 2_000;

/** Cost of a page: its length times what is asked of each item. */
export const pageCost = ({ first }: { first?: number | null | undefined }) => ({
  field: 1,
  multiplier: Math.min(Math.max(first ?? 20, 1), 100),
});

/** Cost of a search whose question goes to an embedder, which may bill it. */
const embeddingCost = 100;

/** Cost of a search: its question, and its length times what is asked of each passage. */
export const searchCost = ({ topK, mode, rerank }: SearchCostInput) => {
  const question = mode === 'KEYWORD' ? 1 : embeddingCost;
  return {
    field: rerank == null ? question : generationCost,
    multiplier: Math.min(Math.max(topK ?? 8, 1), 100),
  };
};

interface SearchCostInput {
  topK?: number | null | undefined;
  mode?: string | null | undefined;
  rerank?: string | null | undefined;
}

interface Measured {
  complexity: number;
  depth: number;
  breadth: number;
}

/** OPERATION_TOO_EXPENSIVE, with what was measured and what is allowed. */
export function tooExpensive(kind: ComplexityErrorKind, measured: Measured) {
  const name = kind.toLowerCase() as keyof Measured;
  return operationTooExpensive(
    `The operation has ${name} ${measured[name]}; at most ${operationLimits[name]} is allowed. Ask for less at once.`,
  );
}
