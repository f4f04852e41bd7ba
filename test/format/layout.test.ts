import { describe, expect, test } from '@jest/globals';
import {
  cellsOf,
  describeLayout,
  layoutOf,
  ResultError,
  sameLayout,
  type DeclaredColumns,
  dtypeOfArray,
} from '../../src/format/layout.js';

const names = (result: unknown, declared?: DeclaredColumns, parameters: string[] = ['x']): string[] =>
  layoutOf(result, declared, parameters).columns.map(({ name }) => name);

describe('the columns of a result', () => {
  test.each<[string, unknown, string, string[]]>([
    ['a number', 1, 'scalar', ['y']],
    ['a bigint', 1n, 'scalar', ['y']],
    ['a string', 'a', 'scalar', ['y']],
    ['a boolean', false, 'scalar', ['y']],
    ['a complex number', { re: 0, im: 1 }, 'scalar', ['y']],
    ['an array', [1, 'a', true], 'vector', ['y0', 'y1', 'y2']],
    ['a typed array', new Float64Array(2), 'vector', ['y0', 'y1']],
    ['an array of 64-bit integers', new BigInt64Array(1), 'vector', ['y0']],
    ['an object', { energy: 1, name: 'a' }, 'record', ['energy', 'name']],
    ['an object without prototype', Object.assign(Object.create(null), { a: 1 }), 'record', ['a']],
    ['an object with re and more', { re: 1, im: 2, phase: 0 }, 'record', ['re', 'im', 'phase']],
  ])('%s', (_, result, kind, expected) => {
    expect(layoutOf(result, undefined, ['x']).kind).toBe(kind);
    expect(names(result)).toEqual(expected);
  });

  test('are called result where a parameter has the name y', () => {
    expect(names(1, undefined, ['y'])).toEqual(['result']);
    expect(names([1, 2], undefined, ['y1'])).toEqual(['result0', 'result1']);
    expect(names([1, 2], undefined, ['y'])).toEqual(['y0', 'y1']);
  });

  test('may not repeat the name of a parameter', () => {
    expect(() => layoutOf({ x: 1 }, undefined, ['x'])).toThrow(ResultError);
    expect(() => layoutOf({ x: 1 }, undefined, ['x'])).toThrow(
      'got "x", which is a parameter of the sweep: rename it in the worker',
    );
    expect(() => layoutOf(1, { x: 'float64' }, ['x'])).toThrow('"x"');
    expect(() => layoutOf(1, undefined, ['y', 'result'])).toThrow('"result"');
  });
});

describe('a typed array', () => {
  test.each([
    [new Float64Array(1), 'float64'],
    [new Float32Array(1), 'float64'],
    [new Int32Array(1), 'int64'],
    [new Uint8ClampedArray(1), 'int64'],
    [new BigInt64Array(1), 'int64'],
    // Not every uint64 fits in int64, so it goes by value.
    [new BigUint64Array(1), undefined],
    [[1], undefined],
  ])('%p has elements of the type %p', (result, dtype) => {
    expect(dtypeOfArray(result)).toBe(dtype);
  });

  test('has the same layout as an array, so that it does not matter which came first', () => {
    expect(layoutOf(new Float64Array(2), undefined, [])).toEqual(layoutOf([1, 2], undefined, []));
  });

  test('that the worker declares has the declared type', () => {
    expect(layoutOf(new Int32Array(1), { a: 'float64' }, []).columns).toEqual([
      { name: 'a', dtype: 'float64' },
    ]);
  });
});

describe('what is no result', () => {
  test.each<[string, unknown, string]>([
    ['undefined', undefined, 'undefined'],
    ['null', null, 'null'],
    ['a Date', new Date(), 'a Date'],
    ['a Map', new Map([['a', 1]]), 'a Map'],
    ['a function', () => 1, 'a function'],
    ['a symbol', Symbol('a'), 'a symbol'],
    ['an empty object', {}, 'a Object'],
    ['a DataView', new DataView(new ArrayBuffer(8)), 'a DataView'],
    ['a number object', Object(1), 'a Number'],
    [
      'an instance of a class',
      new (class Energy {
        value = 1;
      })(),
      'a Object',
    ],
  ])('%s is refused', (_, result, got) => {
    expect(() => layoutOf(result, undefined, [])).toThrow(ResultError);
    expect(() => layoutOf(result, undefined, [])).toThrow(`got ${got}.`);
  });
});

describe('declared columns', () => {
  test('name and type a scalar, and the elements of an array in order', () => {
    expect(layoutOf(1, { energy: 'float64' }, []).columns).toEqual([{ name: 'energy', dtype: 'float64' }]);
    expect(layoutOf([1, 'a'], { n: 'int64', s: 'string' }, [])).toEqual({
      kind: 'vector',
      columns: [
        { name: 'n', dtype: 'int64' },
        { name: 's', dtype: 'string' },
      ],
    });
  });

  test('give the order of named columns', () => {
    expect(names({ b: 1, a: 2 }, { a: 'float64', b: 'float64' })).toEqual(['a', 'b']);
  });

  test.each<[string, unknown, DeclaredColumns]>([
    ['an array of another length', [1, 2, 3], { a: 'int64', b: 'int64' }],
    ['an array instead of one scalar', [1, 2], { a: 'int64' }],
    ['a scalar instead of two columns', 1, { a: 'int64', b: 'int64' }],
    ['a column that is not declared', { a: 1, c: 1 }, { a: 'int64', b: 'int64' }],
    ['a missing column', { a: 1 }, { a: 'int64', b: 'int64' }],
  ])('refuse %s', (_, result, declared) => {
    expect(() => layoutOf(result, declared, [])).toThrow(ResultError);
    expect(() => layoutOf(result, declared, [])).toThrow(
      `Expected the result to have the columns that the worker declares (${Object.keys(declared).join(', ')})`,
    );
  });
});

describe('cellsOf', () => {
  test('takes a record of declared columns by its names, whatever their order', () => {
    const layout = layoutOf({ a: 1, b: 2 }, { a: 'int64', b: 'int64' }, []);
    expect(cellsOf({ b: 4, a: 3 }, layout)).toEqual([3, 4]);
  });

  test('refuses undeclared columns in another order, because the bytes would depend on which came first', () => {
    const layout = layoutOf({ a: 1, b: 2 }, undefined, []);
    expect(() => cellsOf({ b: 4, a: 3 }, layout)).toThrow('Expected the same columns');
  });

  test('takes typed arrays and arrays for one another', () => {
    const layout = layoutOf([1, 2], undefined, []);
    expect(cellsOf(new Int32Array([3, 4]), layout)).toEqual([3, 4]);
  });

  test('refuses what is no result at all', () => {
    const layout = layoutOf(1, undefined, []);
    expect(() => cellsOf(undefined, layout)).toThrow(ResultError);
    expect(() => cellsOf(Promise.resolve(1), layout)).toThrow('got a Promise');
  });
});

test('layouts are the same where kind and names are, whatever their types', () => {
  const plain = layoutOf({ a: 1, b: 2 }, undefined, []);
  expect(sameLayout(plain, layoutOf({ a: 1, b: 2 }, { a: 'float64', b: 'int64' }, []))).toBe(true);
  expect(sameLayout(plain, layoutOf({ b: 1, a: 2 }, undefined, []))).toBe(false);
  expect(sameLayout(plain, layoutOf({ a: 1 }, undefined, []))).toBe(false);
  expect(sameLayout(layoutOf([1], { y: 'int64' }, []), layoutOf(1, undefined, []))).toBe(false);
});

test('a layout is described in words', () => {
  expect(describeLayout(layoutOf(1, undefined, []))).toBe('one scalar');
  expect(describeLayout(layoutOf([1, 2], undefined, []))).toBe('an array of 2');
  expect(describeLayout(layoutOf({ a: 1, b: 2 }, undefined, []))).toBe('the columns a, b');
});
