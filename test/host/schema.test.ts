import { describe, expect, test } from '@jest/globals';
import * as z from 'zod';
import * as mini from 'zod/mini';
import {
  isSchema,
  parsePoint as parse,
  problemsOf as problems,
  type ParameterSchema,
} from '../../src/host/schema.js';
import type { Point } from '../../src/space/space.js';

/** A worker's export, which is a schema once it has been looked at. */
function asSchema(value: unknown): ParameterSchema {
  if (isSchema(value)) return value;
  throw new Error('no schema');
}

const problemsOf = (value: unknown, points: readonly Point[]): string[] =>
  problems(asSchema(value), [...new Set(points.flatMap((point) => Object.keys(point)))], points);
const parsePoint = (value: unknown, point: Point): Point => parse(asSchema(value), point);

const schema = z.object({ x: z.number(), n: z.int(), name: z.string().default('none') });

describe('problemsOf', () => {
  test('finds none in points that fit, whether defaults are given or not', () => {
    expect(
      problemsOf(schema, [
        { x: 1.5, n: 2 },
        { x: 1, n: 3, name: 'a' },
      ]),
    ).toEqual([]);
  });

  test('names an unknown parameter, and those that there are', () => {
    expect(problemsOf(schema, [{ x: 1, n: 2, nmae: 'a' }])).toEqual([
      'parameter "nmae": the worker\'s schema doesn\'t know it; its parameters are: x, n, name',
    ]);
  });

  test('names an unknown parameter of a schema without parameters', () => {
    expect(problemsOf(z.object({}), [{ x: 1 }])).toEqual([
      'parameter "x": the worker\'s schema doesn\'t know it; its parameters are: none',
    ]);
  });

  test('names a missing parameter and how to give it', () => {
    const found = problemsOf(schema, [{ x: 1 }]);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(
      /^parameter "n": the worker's schema says ".*"; it is missing: give it by --param or --set$/,
    );
  });

  test.each<[string, Point, string]>([
    ['a fraction where it wants an integer', { x: 1, n: 0.5 }, 'parameter "n"'],
    ['a string where it wants a number', { x: '1', n: 1 }, 'parameter "x"'],
    ['a bigint where it wants a number', { x: 2n ** 60n, n: 1 }, 'parameter "x"'],
    ['nan', { x: NaN, n: 1 }, 'parameter "x"'],
    ['a number where it wants a string', { x: 1, n: 1, name: 5 }, 'parameter "name"'],
  ])('names %s, and shows what came', (_, point, start) => {
    const found = problemsOf(schema, [point]);
    expect(found).toHaveLength(1);
    expect(found[0]?.startsWith(start)).toBe(true);
    expect(found[0]).toMatch(/; got /);
  });

  test('shows a string in quotes and a bigint in full', () => {
    expect(problemsOf(schema, [{ x: '1', n: 1 }])[0]).toMatch(/; got "1"$/);
    expect(problemsOf(schema, [{ x: 9007199254740993n, n: 1 }])[0]).toMatch(/; got 9007199254740993$/);
  });

  test("uses the schema's own message", () => {
    const positive = z.object({ x: z.number().positive('the length must be positive') });
    expect(problemsOf(positive, [{ x: -1 }])).toEqual([
      'parameter "x": the worker\'s schema says "the length must be positive"; got -1',
    ]);
  });

  test('names a parameter once, however many points are wrong', () => {
    const points = [-1, -2, 3].map((x) => ({ x, y: 'a' }));
    const found = problemsOf(z.object({ x: z.number().positive(), y: z.number() }), points);
    expect(found.map((problem) => problem.slice(0, 13))).toEqual(['parameter "x"', 'parameter "y"']);
    expect(found[0]).toMatch(/; got -1$/);
  });

  test('finds what is wrong in a later point only', () => {
    expect(
      problemsOf(schema, [
        { x: 1, n: 1 },
        { x: 1, n: 0.5 },
      ]),
    ).toHaveLength(1);
  });

  test('tells what a rule about several parameters says', () => {
    const ordered = z
      .object({ low: z.number(), high: z.number() })
      .refine(({ low, high }) => low < high, 'low must be below high');
    expect(problemsOf(ordered, [{ low: 2, high: 1 }])).toEqual(['low must be below high']);
    expect(problemsOf(ordered, [{ low: 1, high: 2 }])).toEqual([]);
    expect(problemsOf(ordered, [{ low: 1, high: 2, mid: 3 }])).toHaveLength(1);
  });

  test('lets looseObject and a catchall take parameters that they do not name', () => {
    expect(problemsOf(z.looseObject({ x: z.number() }), [{ x: 1, extra: 2 }])).toEqual([]);
    expect(problemsOf(z.object({ x: z.number() }).catchall(z.number()), [{ x: 1, extra: 2 }])).toEqual([]);
    expect(problemsOf(z.object({ x: z.number() }).catchall(z.number()), [{ x: 1, extra: 'a' }])[0]).toMatch(
      /^parameter "extra"/,
    );
  });

  test('names what a strictObject does not know', () => {
    const found = problemsOf(z.strictObject({ x: z.number() }), [{ x: 1, extra: 2 }]);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain('extra');
  });

  test('names a parameter that is unknown to a schema of zod/mini', () => {
    expect(problemsOf(mini.object({ x: mini.number() }), [{ x: 1, extra: 2 }])[0]).toMatch(
      /^parameter "extra"/,
    );
    expect(problemsOf(mini.looseObject({ x: mini.number() }), [{ x: 1, extra: 2 }])).toEqual([]);
  });
});

describe('parsePoint', () => {
  test('fills defaults in', () => {
    expect(parsePoint(schema, { x: 1, n: 2 })).toEqual({ x: 1, n: 2, name: 'none' });
  });

  test('keeps what is given, also beside looseObject', () => {
    expect(parsePoint(schema, { x: 1, n: 2, name: '' })).toEqual({ x: 1, n: 2, name: '' });
    expect(parsePoint(z.looseObject({}), { x: 2n ** 60n })).toEqual({ x: 2n ** 60n });
  });

  test('applies what the schema makes of a value', () => {
    expect(parsePoint(z.object({ x: z.coerce.string() }), { x: 5 })).toEqual({ x: '5' });
  });

  test('throws one line for every parameter that is refused', () => {
    expect(() => parsePoint(schema, { x: 'a', n: 0.5 })).toThrow(
      /^parameter "x": .*; got "a"\nparameter "n": .*; got 0\.5$/,
    );
  });
});

describe('isSchema', () => {
  test('takes schemas of zod and zod/mini', () => {
    expect([z.object({}), mini.object({})].map(isSchema)).toEqual([true, true]);
  });

  test('takes nothing else', () => {
    const others = [undefined, null, { x: 'number' }, { safeParse: true }, () => true];
    expect(others.map(isSchema)).toEqual(others.map(() => false));
  });
});
