import { describe, expect, test } from '@jest/globals';
import { FanfoldError } from '../../src/errors.js';
import type { Value } from '../../src/format/value.js';
import { list, listOfTexts, readNumber } from '../../src/space/list.js';

const typed = (texts: readonly (string | undefined)[]): [string, ...(Value | undefined)[]] => {
  const values = listOfTexts(
    texts.map((text) => (text === undefined ? undefined : { text, isQuoted: false })),
  );
  return [values.dtype, ...Array.from({ length: values.size }, (_, index) => values.at(index))];
};

describe('the type of a list of texts', () => {
  test.each<[string[], [string, ...Value[]]]>([
    [
      ['1', '-2', '+5'],
      ['int64', 1, -2, 5],
    ],
    [
      ['1', '0.5'],
      ['float64', 1, 0.5],
    ],
    [['1.'], ['float64', 1]],
    [['.5e1'], ['float64', 5]],
    [['1e3'], ['float64', 1000]],
    [['-0'], ['int64', 0]],
    [['-0.0'], ['float64', -0]],
    [
      ['nan', 'inf', '-inf', '+Infinity'],
      ['float64', NaN, Infinity, -Infinity, Infinity],
    ],
    [
      ['true', 'False'],
      ['bool', true, false],
    ],
    [
      ['True', '2'],
      ['int64', 1, 2],
    ],
    [
      ['false', '0.5'],
      ['float64', 0, 0.5],
    ],
    [
      ['up', 'down'],
      ['string', 'up', 'down'],
    ],
    [
      ['1', 'up'],
      ['string', '1', 'up'],
    ],
    [
      ['True', 'up'],
      ['string', 'True', 'up'],
    ],
    [['9007199254740991'], ['int64', 9007199254740991]],
    [
      ['9007199254740993', '1'],
      ['int64', 9007199254740993n, 1n],
    ],
    [['-9223372036854775808'], ['int64', -(2n ** 63n)]],
    [
      ['9007199254740993', '0.5'],
      ['float64', 9007199254740992, 0.5],
    ],
    [['18446744073709551616', '1.0'].slice(), ['float64', 2 ** 64, 1]],
    [['0x10'], ['string', '0x10']],
    [['1_000'], ['string', '1_000']],
    [['1e'], ['string', '1e']],
    [['j'], ['string', 'j']],
  ])('%j is %p', (texts, expected) => {
    expect(typed(texts)).toEqual(expected);
  });

  test('does not depend on what is left out', () => {
    expect(typed(['1', undefined, '2'])).toEqual(['int64', 1, undefined, 2]);
    expect(typed(['9007199254740993', undefined])).toEqual(['int64', 9007199254740993n, undefined]);
    expect(typed([undefined])).toEqual(['string', undefined]);
  });

  test('is string where one is quoted', () => {
    const values = listOfTexts([
      { text: '1', isQuoted: true },
      { text: '2', isQuoted: false },
    ]);
    expect([values.dtype, ...values]).toEqual(['string', '1', '2']);
  });

  test.each(['9223372036854775808', '-9223372036854775809', '+99999999999999999999'])(
    'refuses %s, which does not fit in int64',
    (text) => {
      expect(() => typed([text])).toThrow(FanfoldError);
      expect(() => typed([text])).toThrow(`Expected integers that fit in int64, got ${text}.`);
    },
  );
});

describe('the type of a list of values', () => {
  test.each<[Value[], [string, ...Value[]]]>([
    [
      [1, 2],
      ['int64', 1, 2],
    ],
    [
      [0, 0.5, 1],
      ['float64', 0, 0.5, 1],
    ],
    [[-0], ['float64', -0]],
    [[NaN], ['float64', NaN]],
    [[2 ** 53], ['float64', 2 ** 53]],
    [
      [true, false],
      ['bool', true, false],
    ],
    [
      [true, 2],
      ['int64', 1, 2],
    ],
    [
      [true, 0.5],
      ['float64', 1, 0.5],
    ],
    [
      [1n, 2],
      ['int64', 1n, 2n],
    ],
    [
      [2n ** 60n, 0.5],
      ['float64', 2 ** 60, 0.5],
    ],
    [
      ['a', 1],
      ['string', 'a', '1'],
    ],
    [[-(2n ** 63n)], ['int64', -(2n ** 63n)]],
  ])('%p is %p', (values, expected) => {
    const found = list(values);
    expect([found.dtype, ...found]).toEqual(expected);
  });

  test('an empty list is refused', () => {
    expect(() => list([])).toThrow(FanfoldError);
    expect(() => list([])).toThrow('Expected a list of at least one value, got an empty one.');
  });

  test.each<[string, unknown[], string]>([
    ['null', [1, null], 'null'],
    ['undefined', [undefined], 'undefined'],
    ['a hole', [1, , 2], 'undefined'],
    ['a nested array', [[1, 2]], 'an array'],
    ['an object', [{ a: 1 }], 'Object'],
    ['a function', [() => 1], 'a function'],
    ['an integer beyond int64', [2n ** 63n], '9223372036854775808'],
  ])('%s is refused, not turned into a number', (_, values, got) => {
    expect(() => list(values as Value[])).toThrow(FanfoldError);
    expect(() => list(values as Value[])).toThrow(got);
  });

  test('a typed array is a list of its numbers', () => {
    const values = list(new Float64Array([1, 0.5]) as unknown as Value[]);
    expect([values.dtype, ...values]).toEqual(['float64', 1, 0.5]);
    expect(values.definition).toEqual({ kind: 'list', dtype: 'float64', values: [1, 0.5] });
  });
});

describe('readNumber', () => {
  test.each<[string, number | bigint | undefined]>([
    ['1', 1],
    ['1.5', 1.5],
    ['nan', NaN],
    ['9007199254740993', 9007199254740993n],
    ['true', undefined],
    ['', undefined],
    ['1 2', undefined],
    ['0x10', undefined],
  ])('%j is %p', (text, value) => {
    expect(readNumber(text)).toBe(value);
  });
});
