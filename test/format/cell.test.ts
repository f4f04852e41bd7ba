import { describe, expect, test } from '@jest/globals';
import { cellWriter, type Format } from '../../src/format/cell.js';
import { ResultError, type Column } from '../../src/format/layout.js';
import type { Dtype } from '../../src/format/value.js';

function cell(
  value: unknown,
  options: { dtype?: Dtype; format?: Format; wholeNumbers?: 'int64' | 'float64' } = {},
): string {
  const { dtype, format = 'txt', wholeNumbers = 'int64' } = options;
  const column: Column = dtype === undefined ? { name: 'energy' } : { name: 'energy', dtype };
  return cellWriter(column, format, wholeNumbers, { whole: false, fraction: false, nan: 0 })(value);
}

describe('an undeclared column goes by value', () => {
  test.each<[unknown, string, string]>([
    [2, '2', '2.0'],
    [0, '0', '0.0'],
    [-0, '-0.0', '-0.0'],
    [-17, '-17', '-17.0'],
    [0.5, '0.5', '0.5'],
    [NaN, 'nan', 'nan'],
    [Infinity, 'inf', 'inf'],
    [2 ** 53 - 1, '9007199254740991', '9007199254740991.0'],
    [2 ** 53, '9007199254740992.0', '9007199254740992.0'],
    [1e20, '1e+20', '1e+20'],
    [2n ** 62n, '4611686018427387904', '4611686018427387904'],
    [-5n, '-5', '-5'],
    [true, 'True', 'True'],
    [false, 'False', 'False'],
    ['up', 'up', 'up'],
    [{ re: 0, im: 2 }, '2j', '2j'],
  ])('%p is written %s where whole numbers are int64, %s where float64', (value, asInt, asFloat) => {
    expect(cell(value)).toBe(asInt);
    expect(cell(value, { wholeNumbers: 'float64' })).toBe(asFloat);
  });

  test.each<[string, unknown, string]>([
    ['null', null, 'null'],
    ['a nested array', [1], 'an array'],
    ['a nested object', { a: 1 }, 'a Object'],
    ['a Date', new Date(0), 'a Date'],
    ['a function', () => 1, 'a function'],
    ['a symbol', Symbol('s'), 'a symbol'],
    ['a complex of strings', { re: '1', im: '2' }, 'a Object'],
  ])('%s is refused with the name of its column', (_, value, got) => {
    expect(() => cell(value)).toThrow(ResultError);
    expect(() => cell(value)).toThrow(`result column "energy"`);
    expect(() => cell(value)).toThrow(`, got ${got}.`);
  });
});

describe('a declared column has one type', () => {
  test.each<[Dtype, unknown, string]>([
    ['float64', 2, '2.0'],
    ['float64', 2n, '2.0'],
    ['float64', NaN, 'nan'],
    ['int64', 2, '2'],
    ['int64', -0, '0'],
    ['int64', 2n ** 63n - 1n, '9223372036854775807'],
    ['int64', -(2n ** 63n), '-9223372036854775808'],
    ['complex128', 1.5, '(1.5+0j)'],
    ['complex128', 2n, '(2+0j)'],
    ['complex128', { re: 1, im: 2 }, '(1+2j)'],
    ['bool', true, 'True'],
    ['string', 'True', '"True"'],
    ['string', 'a b', '"a b"'],
  ])('%s takes %p as %s', (dtype, value, text) => {
    expect(cell(value, { dtype })).toBe(text);
  });

  test.each<[Dtype, unknown, string]>([
    ['float64', '1', 'a string'],
    ['float64', true, 'a boolean'],
    ['float64', null, 'null'],
    ['float64', { re: 1, im: 2 }, 'a Object'],
    ['int64', 0.5, '0.5'],
    ['int64', NaN, 'NaN'],
    ['int64', 2 ** 53, '9007199254740992'],
    ['int64', 2n ** 63n, 'a bigint'],
    ['int64', -(2n ** 63n) - 1n, 'a bigint'],
    ['int64', true, 'a boolean'],
    ['complex128', '1j', 'a string'],
    ['complex128', { re: 1 }, 'a Object'],
    ['bool', 1, '1'],
    ['bool', 'true', 'a string'],
    ['string', 1, '1'],
    ['string', null, 'null'],
  ])('%s refuses %p, and the message names the column, the type and what came', (dtype, value, got) => {
    expect(() => cell(value, { dtype })).toThrow(ResultError);
    expect(() => cell(value, { dtype })).toThrow(
      `Expected the result column "energy" to be ${dtype}, as its column is declared, got ${got}.`,
    );
  });
});

describe('a missing parameter', () => {
  test.each<[Format, string]>([
    ['txt', 'nan'],
    ['csv', ''],
    ['jsonl', 'null'],
  ])('is written in %s as %j, whatever the type of its column', (format, text) => {
    for (const dtype of ['int64', 'float64', 'bool', 'string'] as const) {
      expect(cell(undefined, { dtype, format })).toBe(text);
    }
  });
});

test('jsonl writes bools in small letters and floats with their point', () => {
  expect(cell(true, { format: 'jsonl' })).toBe('true');
  expect(cell(1, { format: 'jsonl', dtype: 'float64' })).toBe('1.0');
  expect(cell(1e-7, { format: 'jsonl' })).toBe('1e-07');
});
