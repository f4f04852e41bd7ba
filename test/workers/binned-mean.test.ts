import { describe, expect, test } from '@jest/globals';

import { BINS, binnedMean } from '../../workers/binned-mean.js';
import { testContext } from './context.js';

/** Numbers uniform in [0, 1), each one repeated `length` times. */
function repeated(length: number, count: number): Float64Array {
  const context = testContext(0, 1n);
  return Float64Array.from({ length: count }, () => context.random()).map(
    (_, i, values) => values[Math.floor(i / length)] ?? 0,
  );
}

describe('binnedMean', () => {
  test('one value a bin gives the mean and its textbook standard error', () => {
    const [mean, error] = binnedMean(Float64Array.from({ length: BINS }, (_, i) => i));
    expect(mean).toBe(15.5);
    // Σ (i - 15.5)² = 2728 for i = 0 to 31.
    expect(error).toBeCloseTo(Math.sqrt(2728 / (32 * 31)), 12);
  });

  test('a constant series has no error', () => {
    expect(binnedMean(new Float64Array(1000).fill(0.25))).toEqual([0.25, 0]);
  });

  test.each([1, 25])(
    'values that come in runs of %i have the error of the independent ones among them',
    (length) => {
      const [mean, error] = binnedMean(repeated(length, 80_000));
      const expected = Math.sqrt(length / 12 / 80_000);
      expect(Math.abs(mean - 0.5)).toBeLessThan(4 * expected);
      // Three times the 13 % by which an error from 32 bins is uncertain.
      expect(Math.abs(error / expected - 1)).toBeLessThan(0.39);
    },
  );
});
