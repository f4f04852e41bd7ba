import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FanfoldError } from '../../src/errors.js';
import { arange } from '../../src/space/arange.js';
import { bitsOf, goldenJson } from '../format/bits.js';

interface GoldenCase {
  readonly fn: string;
  readonly args: readonly [string, string, string];
  readonly dtype?: 'int64' | 'float64';
  readonly values: readonly (number | { readonly bits: string })[];
}

const cases = (goldenJson('arange_linspace.json') as { cases: GoldenCase[] }).cases.filter(
  ({ fn }) => fn === 'arange',
);

describe("NumPy's reference values", () => {
  test.each(cases.filter(({ values }) => values.length > 0))(
    'arange of $args is bit exact',
    ({ args, dtype = 'float64', values }) => {
      const [start, stop, step] = args.map(Number) as [number, number, number];
      const found = arange(start, stop, step, { dtype });
      expect(found.dtype).toBe(dtype);
      const bits = (value: unknown): unknown => (typeof value === 'number' ? bitsOf(value) : value);
      expect([...found].map(bits)).toEqual(
        values.map((value) => (typeof value === 'number' ? bitsOf(value) : value.bits)),
      );
    },
  );

  test('an empty range is refused, because a sweep of no points is a mistake', () => {
    const empty = cases.filter(({ values }) => values.length === 0);
    expect(empty).toHaveLength(2);
    for (const { args, dtype = 'float64' } of empty) {
      const [start, stop, step] = args.map(Number) as [number, number, number];
      expect(() => arange(start, stop, step, { dtype })).toThrow(FanfoldError);
    }
  });
});

describe('arguments', () => {
  test('one is the stop, two are start and stop, the step is 1', () => {
    expect([...arange(3)]).toEqual([0, 1, 2]);
    expect([...arange(1, 3)]).toEqual([1, 2]);
    expect([...arange(3, { dtype: 'float64' })]).toEqual([0, 1, 2]);
    expect([...arange(0, 1, 0.25)]).toEqual([0, 0.25, 0.5, 0.75]);
  });

  test('whole numbers give int64, one fraction gives float64', () => {
    expect(arange(0, 10, 2).dtype).toBe('int64');
    expect(arange(0, 10, 2.5).dtype).toBe('float64');
    expect(arange(0.5, 10).dtype).toBe('float64');
    expect(arange(0n, 3n).dtype).toBe('int64');
    expect(arange(0, 10, 2, { dtype: 'float64' }).dtype).toBe('float64');
  });

  test('a negative step counts down', () => {
    expect([...arange(3, 0, -1)]).toEqual([3, 2, 1]);
    expect([...arange(1, 0, -0.25)]).toEqual([1, 0.75, 0.5, 0.25]);
    expect([...arange(-1, -10, -4)]).toEqual([-1, -5, -9]);
  });
});

describe('int64', () => {
  test('goes beyond 2^53 in bigints, all values of one type', () => {
    expect([...arange(2n ** 53n - 1n, 2n ** 53n + 3n)]).toEqual([
      9007199254740991n,
      9007199254740992n,
      9007199254740993n,
      9007199254740994n,
    ]);
    expect([...arange(2n ** 63n - 3n, 2n ** 63n - 1n)]).toEqual([2n ** 63n - 3n, 2n ** 63n - 2n]);
    expect([...arange(-(2n ** 63n), -(2n ** 63n) + 2n)]).toEqual([-(2n ** 63n), -(2n ** 63n) + 1n]);
  });

  test('up to 2^53 is in numbers, also where it was given as bigints', () => {
    expect([...arange(0n, 3n)]).toEqual([0, 1, 2]);
  });

  test('is exact where the span is beyond 2^53 though both ends are below', () => {
    const [start, stop, step] = [-9007199254740991, 9007199254740991, 4503599627370497];
    expect([...arange(start, stop, step)].map(BigInt)).toEqual([
      -9007199254740991n,
      -4503599627370494n,
      3n,
      4503599627370500n,
    ]);
  });

  test('is what counting with bigints gives', () => {
    const end = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    fc.assert(
      fc.property(
        end,
        fc.bigInt({ min: 1n, max: 2n ** 62n }),
        fc.integer({ min: 1, max: 20 }),
        fc.boolean(),
        (start, size, count, isDown) => {
          const step = isDown ? -size : size;
          const last = start + BigInt(count - 1) * step;
          const stop = last + (isDown ? -1n : 1n);
          fc.pre([last, stop].every((value) => BigInt.asIntN(64, value) === value));
          const values = arange(start, stop, step);
          expect(values.size).toBe(count);
          expect([...values].map((value) => BigInt(value))).toEqual(
            Array.from({ length: count }, (_, index) => start + BigInt(index) * step),
          );
        },
      ),
      { numRuns: 500 },
    );
  });

  test('has as many values as the division says, whatever its size', () => {
    expect(arange(0, 1_000_000_000).size).toBe(1_000_000_000);
    expect(arange(0, 1_000_000_000).at(999_999_999)).toBe(999_999_999);
    expect(arange(0n, 2n ** 63n - 1n, 2n ** 40n).size).toBe(2 ** 23);
    expect(arange(0, 10, 3).size).toBe(4);
    expect(arange(0, 9, 3).size).toBe(3);
    expect(arange(10, 0, -3).size).toBe(4);
  });
});

describe('float64', () => {
  test("has NumPy's surplus value where the length rounds up", () => {
    expect([...arange(1, 1.3, 0.1)]).toHaveLength(4);
  });

  test('counts from the first step, whose rounding NumPy repeats', () => {
    const values = arange(0.1, 2.1, 0.1);
    const delta = 0.1 + 0.1 - 0.1;
    expect([...values]).toEqual(Array.from({ length: values.size }, (_, index) => 0.1 + index * delta));
  });

  test('a step that underflows the quotient gives one value', () => {
    expect([...arange(0, 5e-324, 1e308)]).toEqual([0]);
  });
});

describe('refused', () => {
  test.each<[string, () => unknown, string]>([
    [
      '0:0',
      () => arange(0, 0),
      'range 0:0:1 to hold at least one value, got none, because its start is its stop',
    ],
    ['5:1', () => arange(5, 1), 'got none, because its step leads away from its stop'],
    ['1:5 by -1', () => arange(1, 5, -1), 'got none, because its step leads away from its stop'],
    ['0.5:0.5', () => arange(0.5, 0.5), 'got none, because its start is its stop'],
    ['1.5:0.5', () => arange(1.5, 0.5), 'got none, because its step leads away from its stop'],
    ['a step of 0', () => arange(0, 5, 0), 'step of the range 0:5:0 to be other than 0, got 0'],
    ['a float step of 0', () => arange(0, 5.5, 0), 'to be other than 0, got 0'],
    ['nan', () => arange(NaN, 5), 'to have finite numbers, got nan or inf'],
    ['inf', () => arange(0, Infinity), 'to have finite numbers, got nan or inf'],
    ['an infinite step', () => arange(0, 1, -Infinity), 'to have finite numbers, got nan or inf'],
    ['an end beyond int64', () => arange(0n, 2n ** 63n), 'to fit in int64, got an integer beyond 2^63'],
    ['a start beyond int64', () => arange(-(2n ** 63n) - 1n, 0n), 'to fit in int64'],
    ['a fraction as int64', () => arange(0, 1.5, 1, { dtype: 'int64' }), 'to have whole numbers'],
    ['2^53 values', () => arange(0n, 2n ** 60n), 'less than 2^53 values'],
    ['2^53 float values', () => arange(0, 1e300, 0.5), 'less than 2^53 values'],
    ['no argument', () => (arange as () => unknown)(), 'at least one value'],
  ])('%s', (_, make, message) => {
    expect(make).toThrow(FanfoldError);
    expect(make).toThrow(message);
    expect(make).toThrow("A range is start:stop[:step], with the stop left out, as in NumPy's arange.");
  });
});

test('values are the same by iterating and by position', () => {
  const values = arange(0, 1, 0.1);
  expect([...values]).toEqual(Array.from({ length: values.size }, (_, index) => values.at(index)));
});
