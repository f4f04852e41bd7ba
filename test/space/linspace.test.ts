import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FanfoldError } from '../../src/errors.js';
import { geomspace, linspace, logspace } from '../../src/space/linspace.js';
import { bitsOf, goldenJson } from '../format/bits.js';

interface GoldenCase {
  readonly fn: string;
  readonly args: readonly [string, string, string];
  readonly values: readonly { readonly bits: string }[];
}

const cases = (goldenJson('arange_linspace.json') as { cases: GoldenCase[] }).cases.filter(
  ({ fn }) => fn === 'linspace',
);
const bits = (values: Iterable<unknown>): string[] => [...values].map((value) => bitsOf(value as number));

const RULES = { linspace, logspace, geomspace };

describe('linspace', () => {
  test.each(cases)('of the reference $args is bit exact', ({ args, values }) => {
    const [start, stop, num] = args.map(Number) as [number, number, number];
    expect(bits(linspace(start, stop, num))).toEqual(values.map((value) => value.bits));
  });

  test('holds both ends exactly', () => {
    const end = fc.double({ noDefaultInfinity: true, noNaN: true, min: -1e300, max: 1e300 });
    fc.assert(
      fc.property(end, end, fc.integer({ min: 2, max: 1000 }), (start, stop, num) => {
        const values = linspace(start, stop, num);
        expect(values.at(0)).toBeCloseTo(start, 12);
        expect(Number(values.at(0)) === start).toBe(true);
        expect(bitsOf(values.at(num - 1) as number)).toBe(bitsOf(stop));
        expect(values.size).toBe(num);
      }),
    );
  });

  test('of a step that underflows keeps apart what a double can', () => {
    expect([...linspace(0, 5e-324, 5)]).toEqual([0, 0, 0, 5e-324, 5e-324].map((_, i) => (i / 4) * 5e-324));
  });

  test('may go down', () => {
    expect([...linspace(1, 0, 5)]).toEqual([1, 0.75, 0.5, 0.25, 0]);
  });

  test('of one value is the start', () => {
    expect([...linspace(2, 5, 1)]).toEqual([2]);
  });

  test('whose ends are further apart than a double reaches is refused', () => {
    expect(() => linspace(-1.7e308, 1.7e308, 3)).toThrow(FanfoldError);
    expect(() => linspace(-1.7e308, 1.7e308, 3)).toThrow('got -1.7e+308 and 1.7e+308');
  });
});

describe('logspace', () => {
  test('of whole exponents holds exact powers of ten', () => {
    expect([...logspace(0, 22, 23)]).toEqual(
      Array.from({ length: 23 }, (_, index) => Number(`1e${String(index)}`)),
    );
    expect([...logspace(-3, 3, 7)]).toEqual([0.001, 0.01, 0.1, 1, 10, 100, 1000]);
    expect([...logspace(-308, -300, 9)]).toEqual(
      Array.from({ length: 9 }, (_, index) => Number(`1e${String(index - 308)}`)),
    );
  });

  test('of other exponents holds their powers', () => {
    expect([...logspace(0, 1, 3)]).toEqual([1, 10 ** 0.5, 10]);
  });

  test('beyond the doubles is infinite or 0, as in NumPy, also for the largest exponents', () => {
    expect([...logspace(400, 1e21, 2)]).toEqual([Infinity, Infinity]);
    expect([...logspace(-400, -1e21, 2)]).toEqual([0, 0]);
  });
});

describe('geomspace', () => {
  test('holds both ends exactly', () => {
    const end = fc.double({ min: 1e-300, max: 1e300, noNaN: true });
    fc.assert(
      fc.property(end, end, fc.integer({ min: 2, max: 200 }), fc.boolean(), (a, b, num, isNegative) => {
        const [start, stop] = isNegative ? [-a, -b] : [a, b];
        const values = geomspace(start, stop, num);
        expect([values.at(0), values.at(num - 1)]).toEqual([start, stop]);
      }),
    );
  });

  test('has steps of one ratio', () => {
    expect([...geomspace(1, 1000, 4)]).toEqual([1, 10, 100, 1000]);
    const values = [...geomspace(2, 162, 5)] as number[];
    for (const [index, value] of values.entries()) expect(value).toBeCloseTo(2 * 3 ** index, 10);
  });

  test('may be negative, go down, or have one value', () => {
    expect([...geomspace(-1000, -1, 4)]).toEqual([-1000, -100, -10, -1]);
    expect([...geomspace(7, 9, 1)]).toEqual([7]);
  });

  test('takes ends whose product a double can not hold', () => {
    expect([...geomspace(1e-200, 1e-190, 2)]).toEqual([1e-200, 1e-190]);
    expect([...geomspace(1e200, 1e190, 2)]).toEqual([1e200, 1e190]);
    expect([...geomspace(-1e-200, -1e-190, 3)]).toHaveLength(3);
  });

  test.each([
    [0, 1],
    [1, 0],
    [-0, -1],
    [-1, 1],
    [1e-200, -1e-200],
  ])('from %d to %d is refused', (start, stop) => {
    expect(() => geomspace(start, stop, 5)).toThrow(FanfoldError);
    expect(() => geomspace(start, stop, 5)).toThrow(
      `Expected the ends of geomspace to be other than 0 and of one sign, got ${String(start)} and ${String(stop)}.`,
    );
  });
});

describe.each(Object.entries(RULES))('%s', (name, rule) => {
  test.each([
    [NaN, 1],
    [1, NaN],
    [Infinity, 1],
    [1, -Infinity],
  ])('from %d to %d is refused', (start, stop) => {
    expect(() => rule(start, stop, 3)).toThrow(FanfoldError);
    expect(() => rule(start, stop, 3)).toThrow(
      `Expected the ends of ${name} to be finite numbers with a finite difference, got`,
    );
  });

  test.each([0, -1, 2.5, NaN, Infinity, 2 ** 53])('of %d values is refused', (num) => {
    expect(() => rule(1, 2, num)).toThrow(FanfoldError);
    expect(() => rule(1, 2, num)).toThrow(
      `Expected the number of values of ${name} to be a positive integer, got ${String(num)}.`,
    );
  });

  test('is lazy, float64, and the same by iterating and by position', () => {
    expect(rule(1, 2, 1_000_000_000).at(999_999_999)).toBe(rule(1, 2, 2).at(1));
    const values = rule(1, 2, 7);
    expect(values.dtype).toBe('float64');
    expect([...values]).toEqual(Array.from({ length: 7 }, (_, index) => values.at(index)));
  });
});
