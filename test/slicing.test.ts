import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FanfoldError } from '../src/errors.js';
import { slice, sliceOf, slicingAdvice, type Slicing } from '../src/slicing.js';
import { goldenJson } from './format/bits.js';

interface GoldenCase {
  readonly num_all: number;
  readonly task_num: number;
  readonly slices?: readonly (readonly [number, number])[];
  readonly error?: string;
}

const { cases } = goldenJson('slices.json') as { cases: GoldenCase[] };
const SLICINGS: readonly Slicing[] = ['guan', 'balanced'];
const sizes = (n: number, t: number, slicing: Slicing): number[] =>
  slice(n, t, slicing).map(({ start, stop }) => stop - start);

const anySweep = fc.tuple(fc.integer({ min: 0, max: 5000 }), fc.integer({ min: 1, max: 300 }));

describe('the slicing guan', () => {
  test("is guan's in every reference case", () => {
    const whole = cases.filter(({ error }) => error === undefined);
    expect(whole.length).toBeGreaterThan(150);
    for (const { num_all: n, task_num: t, slices } of whole) {
      expect([n, t, slice(n, t, 'guan').map(({ start, stop }) => [start, stop])]).toEqual([n, t, slices]);
    }
  });

  test("refuses 0 tasks, where guan stops with Python's ZeroDivisionError", () => {
    const failing = cases.filter(({ error }) => error !== undefined);
    expect(failing.length).toBeGreaterThan(3);
    for (const { num_all: n, task_num: t } of failing) {
      expect(() => slice(n, t, 'guan')).toThrow(FanfoldError);
      expect(() => slice(n, t, 'guan')).toThrow(
        `Expected the number of tasks to be a positive integer, 1,000,000 at most, got ${String(t)}.`,
      );
    }
  });

  test('is the default', () => {
    expect(slice(17, 4)).toEqual(slice(17, 4, 'guan'));
  });

  test.each([
    [17, 4, [5, 5, 5, 2]],
    [9, 4, [3, 3, 3, 0]],
    [17, 2, [17, 0]],
    [3, 5, [0, 0, 0, 0, 3]],
  ])('cuts %d points over %d tasks into %p', (n, t, expected) => {
    expect(sizes(n, t, 'guan')).toEqual(expected);
  });
});

describe('the slicing balanced', () => {
  test('makes sizes that differ by at most one, the longer ones first', () => {
    fc.assert(
      fc.property(anySweep, ([n, t]) => {
        const found = sizes(n, t, 'balanced');
        expect(Math.max(...found) - Math.min(...found)).toBeLessThanOrEqual(1);
        expect([...found].sort((a, b) => b - a)).toEqual(found);
      }),
    );
  });

  test.each([
    [17, 4, [5, 4, 4, 4]],
    [3, 5, [1, 1, 1, 0, 0]],
    [0, 2, [0, 0]],
  ])('cuts %d points over %d tasks into %p', (n, t, expected) => {
    expect(sizes(n, t, 'balanced')).toEqual(expected);
  });
});

describe.each(SLICINGS)('slices of %s', (slicing) => {
  test('are ordered, contiguous and complete', () => {
    fc.assert(
      fc.property(anySweep, ([n, t]) => {
        const slices = slice(n, t, slicing);
        expect(slices).toHaveLength(t);
        const stops = slices.map(({ stop }) => stop);
        expect(slices.map(({ start }) => start)).toEqual([0, ...stops.slice(0, -1)]);
        expect([...stops].sort((a, b) => a - b)).toEqual(stops);
        expect(stops.at(-1)).toBe(n);
      }),
    );
  });

  test('are those of sliceOf, one by one', () => {
    fc.assert(
      fc.property(anySweep, ([n, t]) => {
        expect(Array.from({ length: t }, (_, index) => sliceOf(n, t, slicing, index))).toEqual(
          slice(n, t, slicing),
        );
      }),
    );
  });

  test('are complete for the largest spaces', () => {
    const n = Number.MAX_SAFE_INTEGER;
    for (const t of [1, 2, 3, 1000, 999_999_937]) {
      const middle = Math.floor(t / 2);
      expect(sliceOf(n, t, slicing, 0).start).toBe(0);
      expect(sliceOf(n, t, slicing, t - 1).stop).toBe(n);
      if (t > 1) expect(sliceOf(n, t, slicing, middle - 1).stop).toBe(sliceOf(n, t, slicing, middle).start);
    }
  });

  test.each([
    [-1, 4],
    [1.5, 4],
    [NaN, 4],
    [Infinity, 4],
    [17, 0],
    [17, -3],
    [17, 2.5],
    [17, NaN],
  ])('of %d points over %d tasks are refused', (n, t) => {
    expect(() => slice(n, t, slicing)).toThrow(FanfoldError);
    expect(() => slice(n, t, slicing)).toThrow(/^Expected the number of (?:points|tasks) to be .*, got /);
  });
});

describe('slicingAdvice', () => {
  test('is given where a task of guan is empty or over 1.5 times the mean, and never for balanced', () => {
    for (let n = 1; n <= 80; n++) {
      for (let t = 1; t <= 40; t++) {
        const found = sizes(n, t, 'guan');
        const empty = found.filter((size) => size === 0).length;
        const largest = Math.max(...found);
        const advice = slicingAdvice(n, t, 'guan');
        const isUneven = empty > 0 || largest > (1.5 * n) / t;
        expect([n, t, advice !== undefined]).toEqual([n, t, isUneven]);
        expect(slicingAdvice(n, t, 'balanced')).toBeUndefined();
        if (advice === undefined) continue;
        expect(advice).toContain('--slicing balanced');
        expect(advice).toContain(`(${String(largest)} points in the largest)`);
        expect(advice).toContain(`at most ${String(Math.max(...sizes(n, t, 'balanced')))} a task`);
        if (empty > 0) expect(advice).toContain(`leaves ${String(empty)} of ${String(t)} tasks empty`);
        else expect(advice).toContain(`${(largest / (n / t)).toFixed(2)} times the mean`);
      }
    }
  });

  test('takes no time for a space that could not be listed', () => {
    expect(slicingAdvice(1e15, 1e9 - 1, 'guan')).toBeDefined();
    expect(slicingAdvice(1e15, 1e9, 'guan')).toBeUndefined();
  });
});
