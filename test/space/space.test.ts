import { execFileSync } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FanfoldError } from '../../src/errors.js';
import type { Value } from '../../src/format/value.js';
import { arange } from '../../src/space/arange.js';
import type { Axis } from '../../src/space/axis.js';
import { grid, groupAxes, toValues } from '../../src/space/grid.js';
import { linspace } from '../../src/space/linspace.js';
import { list } from '../../src/space/list.js';
import { checkName, pointOf, space, type Point, type Space } from '../../src/space/space.js';
import { testWith } from '../tools.js';

const axis = (name: string, ...values: Value[]): Axis => ({ name, values: list(values) });
const pointsOf = (made: Space): Point[] => Array.from({ length: made.size }, (_, index) => made.point(index));

/** Every point of a grid by nested loops, the last axis in the innermost. */
function nestedLoops(lists: readonly (readonly number[])[]): number[][] {
  const [first, ...rest] = lists;
  if (first === undefined) return [[]];
  return first.flatMap((value) => nestedLoops(rest).map((tail) => [value, ...tail]));
}

describe('the order of a grid', () => {
  test('runs the last axis fastest', () => {
    expect(pointsOf(grid({ x: [1, 2], name: ['a', 'b', 'c'] }))).toEqual([
      { x: 1, name: 'a' },
      { x: 1, name: 'b' },
      { x: 1, name: 'c' },
      { x: 2, name: 'a' },
      { x: 2, name: 'b' },
      { x: 2, name: 'c' },
    ]);
  });

  test('is that of nested loops for any number of axes', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 5 }), (lengths) => {
        const lists = lengths.map((length) => Array.from({ length }, (_, index) => index * 10));
        const made = space(lists.map((values, index) => [axis(`a${String(index)}`, ...values)]));
        expect(Array.from({ length: made.size }, (_, index) => made.values(index))).toEqual(
          nestedLoops(lists),
        );
      }),
    );
  });

  testWith('numpy', "is that of NumPy's meshgrid with indexing='ij', flattened", () => {
    const lists = [
      [0, 1, 2],
      [10, 20],
      [7, 8, 9, 11],
    ];
    const code = `import numpy as np, json
print(json.dumps(np.stack([g.ravel() for g in np.meshgrid(*${JSON.stringify(lists)}, indexing='ij')], 1).tolist()))`;
    const made = space(lists.map((values, index) => [axis(`a${String(index)}`, ...values)]));
    expect(Array.from({ length: made.size }, (_, index) => made.values(index))).toEqual(
      JSON.parse(execFileSync('python3', ['-c', code], { encoding: 'utf8' })),
    );
  });

  test('of no axis is one point without parameters', () => {
    expect(pointsOf(space([]))).toEqual([{}]);
  });
});

describe('axes that walk together', () => {
  test('take the place of the first of them', () => {
    const made = grid({ a: [1, 2], b: [10, 20], c: [100, 200] }, { zip: [['a', 'c']] });
    expect(made.axes.map(({ name }) => name)).toEqual(['a', 'c', 'b']);
    expect(made.size).toBe(4);
    expect(Array.from({ length: 4 }, (_, index) => made.values(index))).toEqual([
      [1, 100, 10],
      [1, 100, 20],
      [2, 200, 10],
      [2, 200, 20],
    ]);
  });

  test('may be several groups', () => {
    const groups = groupAxes(
      [axis('a', 1), axis('b', 1), axis('c', 1), axis('d', 1), axis('e', 1)],
      [
        ['e', 'b'],
        ['a', 'd'],
      ],
    );
    expect(groups.map((group) => group.map(({ name }) => name))).toEqual([['a', 'd'], ['b', 'e'], ['c']]);
  });

  test('of unequal lengths are refused with both lengths', () => {
    const make = (): unknown => grid({ a: [1, 2], b: [1, 2, 3] }, { zip: [['a', 'b']] });
    expect(make).toThrow(FanfoldError);
    expect(make).toThrow('to have the same number of values, got 2 for "a" and 3 for "b".');
  });

  test.each<[string[][], string]>([
    [[['a']], 'got "a". The sweep has: a, b.'],
    [[[]], 'got "". The sweep has: a, b.'],
    [[['a', 'q']], 'got "q", which is not among them. The sweep has: a, b.'],
    [[['a', 'a']], 'got "a" twice'],
    [
      [
        ['a', 'b'],
        ['b', 'a'],
      ],
      'got "a" twice',
    ],
  ])('by the zip %j are refused', (zip, message) => {
    expect(() => grid({ a: [1], b: [1] }, { zip })).toThrow(FanfoldError);
    expect(() => grid({ a: [1], b: [1] }, { zip })).toThrow(message);
  });
});

describe('names', () => {
  test.each(['x', 'U_1', '_', 'Größe', 'температура', '温度', 'constructor', 'toString', 'number'])(
    '%s is a name, and the point holds its value',
    (name) => {
      expect(checkName(name)).toBe(name);
      const [point = {}] = pointsOf(space([[axis(name, 5)]]));
      expect(Object.entries(point)).toEqual([[name, 5]]);
    },
  );

  test.each(['', '1x', 'a b', 'a-b', 'a.b', 'a=b', ' x', 'x\n', '"x"', '__proto__', '\ud800'])(
    '%j is none',
    (name) => {
      expect(() => space([[axis(name, 1)]])).toThrow(FanfoldError);
      expect(() => space([[axis(name, 1)]])).toThrow(
        `Expected a parameter name of letters, digits and _ that doesn't begin with a digit, got ${JSON.stringify(name)}.`,
      );
    },
  );

  test('__proto__ of a parsed object is refused too, and no object changes', () => {
    const parameters = JSON.parse('{"__proto__": [1]}') as Record<string, number[]>;
    expect(() => grid(parameters)).toThrow('got "__proto__"');
    expect(({} as Record<string, unknown>)['0']).toBeUndefined();
  });

  test('given twice are refused', () => {
    expect(() => space([[axis('x', 1)], [axis('y', 1)], [axis('x', 2)]])).toThrow(FanfoldError);
    expect(() => space([[axis('x', 1), axis('x', 2)]])).toThrow(
      'Expected each parameter once, got "x" twice.',
    );
  });
});

describe('laziness', () => {
  test('a grid of 10^15 points answers at once', () => {
    const made = grid({ i: arange(1_000_000_000), u: linspace(0, 1, 1_000_000) });
    expect(made.size).toBe(1e15);
    expect(made.point(0)).toEqual({ i: 0, u: 0 });
    expect(made.point(1e15 - 1)).toEqual({ i: 999_999_999, u: 1 });
    expect(made.point(123_456_789_000_001)).toEqual({ i: 123_456_789, u: linspace(0, 1, 1_000_000).at(1) });
  });

  test('positions stay exact up to the largest space', () => {
    const [rows, columns] = [6361, 1_416_003_655_831];
    const made = grid({ a: arange(rows), b: arange(columns) });
    expect(made.size).toBe(rows * columns);
    for (const row of [0, 1, 3180, 6359, 6360]) {
      for (const column of [0, 1, columns - 1]) {
        expect(made.point(row * columns + column)).toEqual({ a: row, b: column });
      }
    }
  });

  test('2^53 points are refused', () => {
    const make = (): unknown => grid({ a: arange(2 ** 30), b: arange(2 ** 23) });
    expect(make).toThrow(FanfoldError);
    expect(make).toThrow('Expected a space of less than 2^53 points, got more');
  });
});

test('a value that is left to the default is left out of the point', () => {
  const axes = [axis('a', 1), axis('b', 2)];
  expect(pointOf(axes, [undefined, 2])).toEqual({ b: 2 });
  expect(Object.keys(pointOf(axes, [undefined, 2]))).toEqual(['b']);
});

test('values are taken as they are, arrays become lists', () => {
  const values = linspace(0, 1, 3);
  expect(toValues(values)).toBe(values);
  expect([...toValues([1, 0.5])]).toEqual([1, 0.5]);
});
