/** P(|T| < t) for Student's t with whole degrees of freedom: Abramowitz and Stegun, 26.7.3 and 26.7.4. */
function centralProbability(t: number, degrees: number): number {
  const angle = Math.atan(t / Math.sqrt(degrees));
  const [sine, cosine] = [Math.sin(angle), Math.cos(angle)];
  const odd = degrees % 2 === 1;
  let term = odd ? cosine : 1;
  let sum = degrees === 1 ? 0 : term;
  for (let k = odd ? 3 : 2; k < degrees; k += 2) {
    term *= ((k - 1) / k) * cosine ** 2;
    sum += term;
  }
  return odd ? (2 / Math.PI) * (angle + sine * sum) : sine * sum;
}

const normal95 = 1.959963984540054;

/** Fisher's expansion of the quantile around the normal one: Abramowitz and Stegun, 26.7.5. Exact to 1e-9 from 100 on. */
function largeQuantile(degrees: number): number {
  const z = normal95;
  const terms = [
    (z ** 3 + z) / 4,
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96,
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384,
    (79 * z ** 9 + 776 * z ** 7 + 1482 * z ** 5 - 1920 * z ** 3 - 945 * z) / 92_160,
  ];
  return terms.reduce((sum, term, index) => sum + term / degrees ** (index + 1), z);
}

/** The t with P(|T| < t) = 0.95. */
export function studentQuantile95(degrees: number): number {
  if (degrees > 100) return largeQuantile(degrees);
  let [low, high] = [0, 13];
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    if (centralProbability(middle, degrees) < 0.95) low = middle;
    else high = middle;
  }
  return high;
}

/**
 * The 95 % interval of a mean by Student's t, which stays right for few samples. One sample says nothing of the spread:
 * its interval is every number there is (to the largest double, as JSON has no infinity).
 */
export function meanInterval(sample: {
  count: number;
  mean: number;
  /** Of the sample, with n - 1; null for a single value. */
  standardDeviation: number | null;
}): { low: number; high: number } {
  const { count, mean, standardDeviation } = sample;
  if (count < 2 || standardDeviation === null) {
    return { low: -Number.MAX_VALUE, high: Number.MAX_VALUE };
  }
  const half = (studentQuantile95(count - 1) * standardDeviation) / Math.sqrt(count);
  return { low: mean - half, high: mean + half };
}
