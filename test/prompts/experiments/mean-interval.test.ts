import { describe, expect, test } from 'vitest';
import { meanInterval, studentQuantile95 } from '../../../src/prompts/experiments/mean-interval.ts';

describe('studentQuantile95', () => {
  // Two-sided 95 % points: NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2, column 0.975.
  test.for([
    [1, 12.706],
    [2, 4.303],
    [3, 3.182],
    [4, 2.776],
    [5, 2.571],
    [10, 2.228],
    [11, 2.201],
    [20, 2.086],
    [30, 2.042],
    [60, 2.0],
    [100, 1.984],
  ] as const)('of %i degrees of freedom is %f', ([degrees, quantile]) => {
    expect(studentQuantile95(degrees)).toBeCloseTo(quantile, 3);
  });

  test('goes over into the expansion without a step, and to the normal quantile', () => {
    const step = studentQuantile95(100) - studentQuantile95(101);
    expect(step).toBeGreaterThan(0);
    expect(step).toBeLessThan(studentQuantile95(98) - studentQuantile95(99));
    expect(studentQuantile95(1e9)).toBeCloseTo(1.959964, 6);
  });
});

describe('meanInterval', () => {
  test('is wide for few samples', () => {
    const { low, high } = meanInterval({ count: 4, mean: 10, standardDeviation: 2 });
    expect(low).toBeCloseTo(10 - 3.182, 3);
    expect(high).toBeCloseTo(10 + 3.182, 3);
  });

  test('is everything for a single one', () => {
    const { low, high } = meanInterval({ count: 1, mean: 10, standardDeviation: null });
    expect([low, high]).toEqual([-Number.MAX_VALUE, Number.MAX_VALUE]);
  });

  test('is the mean where all samples agree', () => {
    const { low, high } = meanInterval({ count: 5, mean: 1, standardDeviation: 0 });
    expect([low, high]).toEqual([1, 1]);
  });
});
