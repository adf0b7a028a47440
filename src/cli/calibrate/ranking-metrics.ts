/** The judgements of one question: document to gain, above 0 where it is relevant. */
export type Judgements = ReadonlyMap<string, number>;

/** nDCG as trec_eval computes it: linear gain, discount log2(rank + 1), ideal over all judged documents. */
export function ndcg(ranked: readonly string[], judged: Judgements, depth: number): number {
  const gains = [...judged.values()].filter((gain) => gain > 0).sort((a, b) => b - a);
  const ideal = discounted(gains.slice(0, depth));
  if (ideal === 0) return 0;
  return discounted(ranked.slice(0, depth).map((id) => Math.max(0, judged.get(id) ?? 0))) / ideal;
}

/** The share of the relevant documents among the first `depth`. */
export function recall(ranked: readonly string[], judged: Judgements, depth: number): number {
  const relevant = [...judged].filter(([, gain]) => gain > 0).map(([id]) => id);
  const found = new Set(ranked.slice(0, depth));
  return relevant.filter((id) => found.has(id)).length / Math.max(1, relevant.length);
}

export const mean = (numbers: readonly number[]): number =>
  numbers.reduce((sum, number) => sum + number, 0) / Math.max(1, numbers.length);

/** Of the mean of a sample. */
export function standardError(numbers: readonly number[]): number {
  const middle = mean(numbers);
  const squares = numbers.map((number) => (number - middle) ** 2);
  return Math.sqrt(mean(squares) / Math.max(1, numbers.length - 1));
}

/** The value below which `share` of the numbers lie. */
export function quantile(numbers: readonly number[], share: number): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}

const discounted = (gains: readonly number[]): number =>
  gains.reduce((sum, gain, at) => sum + gain / Math.log2(at + 2), 0);
