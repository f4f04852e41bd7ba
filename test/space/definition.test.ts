import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Value } from '../../src/format/value.js';
import { arange } from '../../src/space/arange.js';
import type { Values } from '../../src/space/axis.js';
import { defineSpace, needsPoints, spaceFrom, type SpaceDefinition } from '../../src/space/definition.js';
import { geomspace, linspace, logspace } from '../../src/space/linspace.js';
import { list, listOfTexts } from '../../src/space/list.js';
import { columnsFrom, pointsColumns, type PointsColumns } from '../../src/space/points-columns.js';
import { space, type Space } from '../../src/space/space.js';
import { anyText } from '../format/text.js';

/** Through JSON, as `sweep.json` and `points.json` are. */
function store<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

const allValues = (made: Space): (Value | undefined)[][] =>
  Array.from({ length: made.size }, (_, index) => made.values(index));

const finite = fc.double({ min: -1e100, max: 1e100, noNaN: true });
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const someOf = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T[]> =>
  fc.array(value, { minLength: 1, maxLength: 6 });

/** Values of every kind that a user can give. */
const anyValues: fc.Arbitrary<Values> = fc.oneof(
  fc
    .tuple(finite, finite, fc.integer({ min: 1, max: 6 }))
    .map(([start, stop, num]) => linspace(start, stop, num)),
  fc
    .tuple(fc.double({ min: -400, max: 400, noNaN: true }), fc.integer({ min: 1, max: 6 }))
    .map(([stop, num]) => logspace(-0, stop, num)),
  fc
    .tuple(fc.double({ min: 5e-324, max: 1e300, noNaN: true }), fc.integer({ min: 1, max: 6 }))
    .map(([stop, num]) => geomspace(1, stop, num)),
  fc
    .tuple(int64, fc.bigInt({ min: 1n, max: 2n ** 60n }), fc.integer({ min: 1, max: 6 }))
    .filter(([start, step, count]) => start + step * BigInt(count) < 2n ** 63n)
    .map(([start, step, count]) => arange(start, start + step * BigInt(count), step)),
  fc
    .tuple(fc.double({ min: -1e6, max: 1e6, noNaN: true }), fc.integer({ min: 1, max: 6 }))
    .map(([start, count]) => arange(start, start + count / 2, 0.5, { dtype: 'float64' })),
  fc.constant(arange(-0, 2, 1, { dtype: 'float64' })),
  someOf(fc.double()).map(list),
  someOf(fc.oneof(int64, fc.maxSafeInteger())).map(list),
  someOf(fc.boolean()).map(list),
  someOf(anyText()).map(list),
  someOf(fc.oneof(fc.constant(undefined), fc.constant('9007199254740993'), fc.constant('7'))).map((texts) =>
    listOfTexts(texts.map((text) => (text === undefined ? text : { text, isQuoted: false }))),
  ),
);

const anySpace = fc
  .array(anyValues, { maxLength: 3 })
  .map((axes) => space(axes.map((values, index) => [{ name: `a${String(index)}`, values }])));

describe('the stored form of a space', () => {
  test('gives the same points again', () => {
    fc.assert(
      fc.property(anySpace, (made) => {
        const again = spaceFrom(store(defineSpace(made)));
        expect(again.size).toBe(made.size);
        expect(again.axes.map(({ name, values }) => [name, values.dtype])).toEqual(
          made.axes.map(({ name, values }) => [name, values.dtype]),
        );
        expect(allValues(again)).toEqual(allValues(made));
      }),
      { numRuns: 500 },
    );
  });

  test('is the same again, so that its hash is', () => {
    fc.assert(
      fc.property(anySpace, (made) => {
        const definition = store(defineSpace(made));
        expect(store(defineSpace(spaceFrom(definition)))).toEqual(definition);
      }),
      { numRuns: 300 },
    );
  });

  test('keeps the groups of axes that walk together', () => {
    const made = space([
      [
        { name: 'a', values: arange(3) },
        { name: 'b', values: list(['x', 'y', 'z']) },
      ],
      [{ name: 'c', values: linspace(0, 1, 2) }],
    ]);
    const again = spaceFrom(store(defineSpace(made)));
    expect(again.groups.map((group) => group.map(({ name }) => name))).toEqual([['a', 'b'], ['c']]);
    expect(allValues(again)).toEqual(allValues(made));
  });

  test('holds the rule, not the values, of a large axis', () => {
    const made = space([[{ name: 'a', values: arange(1_000_000_000) }]]);
    expect(defineSpace(made)).toEqual({
      groups: [
        [{ name: 'a', values: { kind: 'arange', dtype: 'int64', start: 0, stop: 1_000_000_000, step: 1 } }],
      ],
    });
  });
});

describe('the columns of a points file', () => {
  const columns = (values: Values): PointsColumns => store(pointsColumns([{ name: 'a', values }]));

  test('keep their values through JSON', () => {
    fc.assert(
      fc.property(anyValues, (values) => {
        const [again] = columnsFrom(columns(values));
        expect(again?.values.dtype).toBe(values.dtype);
        expect(Array.from({ length: values.size }, (_, index) => again?.values.at(index))).toEqual(
          Array.from({ length: values.size }, (_, index) => values.at(index)),
        );
      }),
      { numRuns: 500 },
    );
  });

  test('stand in the definition by size and hash, which change with any value', () => {
    const define = (values: Values): unknown => columnsFrom(columns(values))[0]?.values.definition;
    expect(define(list([1, 2]))).toEqual({
      kind: 'column',
      dtype: 'int64',
      size: 2,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(define(list([1, 2]))).toEqual(define(list([1, 2])));
    expect(define(list([1, 2]))).not.toEqual(define(list([1, 3])));
    expect(define(list([0, 0.5]))).not.toEqual(define(list([-0, 0.5])));
    expect(define(list(['NaN']))).not.toEqual(define(list([NaN])));
  });

  test('are found by name when the space is made again', () => {
    const stored = store(
      pointsColumns([
        { name: 'a', values: list([1, 2]) },
        { name: 'b', values: list(['x', 'y']) },
      ]),
    );
    const made = space([columnsFrom(stored), [{ name: 'c', values: arange(2) }]]);
    const definition = store(defineSpace(made));
    expect(needsPoints(definition)).toBe(true);
    expect(allValues(spaceFrom(definition, stored))).toEqual(allValues(made));
    expect(() => spaceFrom(definition)).toThrow('the column "a"');
  });

  test('are needed by no other space', () => {
    const definition: SpaceDefinition = defineSpace(space([[{ name: 'a', values: list([1]) }]]));
    expect(needsPoints(definition)).toBe(false);
  });
});
