import { describe, expect, test } from '@jest/globals';

import { DATASETS, problem, type Dataset } from '../../workers/nist-strd.js';
import residuals, { schema } from '../../workers/residuals.js';

/** The residual sum of squares by way of the schema, as a sweep computes it. */
function rss(dataset: Dataset, parameters: readonly number[]): number {
  return residuals(schema.parse({ dataset, ...named(parameters) }));
}

function named(parameters: readonly number[]): Record<string, number> {
  return Object.fromEntries(parameters.map((value, i) => [`b${String(i + 1)}`, value]));
}

describe('residuals', () => {
  // The certified parameters are rounded to 11 digits; at a minimum that changes the sum in second order only.
  test.each(DATASETS)('%s: the certified point gives the certified sum to all its 11 digits', (dataset) => {
    const { parameters, residualSumOfSquares } = problem(dataset).certified;
    expect(Number(rss(dataset, parameters).toPrecision(11))).toBe(residualSumOfSquares);
  });

  test.each(DATASETS)('%s: the sum grows by a step along any one parameter', (dataset) => {
    const { parameters, standardDeviations, residualSumOfSquares } = problem(dataset).certified;
    for (const [i, deviation] of standardDeviations.entries()) {
      for (const step of [-deviation / 10, deviation / 10]) {
        const moved = parameters.map((value, j) => (j === i ? value + step : value));
        expect(rss(dataset, moved)).toBeGreaterThan(residualSumOfSquares * (1 + 1e-6));
      }
    }
  });

  test('Misra1a: a 200 by 200 grid that holds the certified point has its minimum there', () => {
    const b1 = linspace(228.94212918, 248.84212918, 200);
    const b2 = linspace(0.00052515643181, 0.00057490643181, 200);
    const sums = b1.flatMap((first) => b2.map((second) => rss('Misra1a', [first, second])));
    const least = sums.indexOf(Math.min(...sums));
    expect([b1[Math.floor(least / 200)], b2[least % 200]]).toEqual(problem('Misra1a').certified.parameters);
    expect(Number(sums[least]?.toPrecision(11))).toBe(problem('Misra1a').certified.residualSumOfSquares);
  });

  test('Misra1a is the default', () => {
    expect(schema.parse({ b1: 1, b2: 2 }).dataset).toBe('Misra1a');
  });

  test('a missing parameter is named, and what the model needs', () => {
    expect(issues({ dataset: 'Rat43', b1: 1, b3: 1 })).toEqual([
      { path: ['b2'], message: 'the parameters of Rat43 are b1 to b4' },
      { path: ['b4'], message: 'the parameters of Rat43 are b1 to b4' },
    ]);
  });

  test('a parameter that the model lacks is named', () => {
    expect(issues({ b1: 1, b2: 1, b3: 1 })).toEqual([
      { path: ['b3'], message: 'the parameters of Misra1a are b1 to b2' },
    ]);
  });

  test.each([
    { dataset: 'Longley', b1: 1, b2: 1 },
    { b1: '1', b2: 1 },
    { b1: NaN, b2: 1 },
  ])('%j is refused', (point) => {
    expect(schema.safeParse(point).success).toBe(false);
  });

  test('the names that a sweep may set can be read off the schema', () => {
    expect(Object.keys(schema.shape)).toEqual(['dataset', 'b1', 'b2', 'b3', 'b4', 'b5', 'b6', 'b7']);
  });
});

/** As NumPy's `linspace`. */
function linspace(start: number, stop: number, count: number): number[] {
  const step = (stop - start) / (count - 1);
  return Array.from({ length: count }, (_, i) => (i === count - 1 ? stop : i * step + start));
}

function issues(point: Record<string, unknown>) {
  return schema.safeParse(point).error?.issues.map(({ path, message }) => ({ path, message }));
}
