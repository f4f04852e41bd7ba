import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { formatComplex128, formatFloat64 } from '../../../src/format/number.js';
import type { Dtype, Scalar } from '../../../src/format/value.js';
import { readWord, wordsOf } from '../../../src/host/command/words.js';

const COMPLEX = { re: 1, im: -2 };

describe('a word that a program printed', () => {
  test.each<[string, Scalar]>([
    ['3', 3n],
    ['-3', -3n],
    ['+3', 3n],
    ['007', 7n],
    ['123456789012345678901234567890', 123456789012345678901234567890n],
    ['3.0', 3],
    ['3.', 3],
    ['.5', 0.5],
    ['-0.0', -0],
    ['1e5', 100000],
    ['1E-07', 1e-7],
    ['1.0D+03', 1000],
    ['1.5d0', 1.5],
    ['0.1000000-100', 1e-101],
    ['-0.25+300', -2.5e299],
    ['nan', NaN],
    ['-nan', NaN],
    ['NaN', NaN],
    ['-nan(ind)', NaN],
    ['inf', Infinity],
    ['-Infinity', -Infinity],
    ['True', true],
    ['FALSE', false],
    ['(1.0,-2.0)', COMPLEX],
    ['(1-2j)', COMPLEX],
    ['1-2i', COMPLEX],
    ['1.0-2.0im', COMPLEX],
    ['2j', { re: 0, im: 2 }],
    ['(1e-3+1e+2j)', { re: 0.001, im: 100 }],
    ['(nan+infj)', { re: NaN, im: Infinity }],
    ['up', 'up'],
    ['1.2.3', '1.2.3'],
    ['0x10', '0x10'],
    ['1_000', '1_000'],
    ['T', 'T'],
    ['e5', 'e5'],
    ['-', '-'],
    ['.', '.'],
    ['j', 'j'],
    ['()', '()'],
  ])('%j is %p', (word, value) => {
    expect(readWord(word)).toEqual(value);
  });

  test.each<[string, Dtype, Scalar]>([
    ['3', 'string', '3'],
    ['True', 'string', 'True'],
    ['3', 'complex128', 3],
    ['T', 'bool', true],
    ['.false.', 'bool', false],
    ['0', 'bool', false],
    ['2', 'bool', '2'],
    ['3', 'int64', 3n],
    ['3', 'float64', 3n],
  ])('%j in a column of %s is %p', (word, dtype, value) => {
    expect(readWord(word, dtype)).toEqual(value);
  });

  test('is refused where it is the stars of a number that did not fit', () => {
    expect(() => readWord('********')).toThrow('did not fit its field');
  });

  test('is any float as C, Fortran, NumPy and JavaScript print it, to the last bit', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), (value) => {
        const exponential = value.toExponential();
        // JavaScript's own exponential has no sign for -0.
        const texts =
          Number.isFinite(value) && value !== 0 ? [exponential, exponential.replace('e', 'D')] : [];
        for (const text of [formatFloat64(value), ...texts]) expect(readWord(text)).toBe(value);
      }),
    );
  });

  test('is any integer, whatever its size', () => {
    fc.assert(
      fc.property(fc.bigInt(), (value) => {
        expect(readWord(String(value))).toBe(value);
      }),
    );
  });

  test('is any complex number as NumPy and Fortran print it', () => {
    const part = fc.double({ noNaN: true }).filter((value) => !Object.is(value, -0));
    fc.assert(
      fc.property(part, part, (re, im) => {
        expect(readWord(formatComplex128({ re, im }))).toEqual({ re, im });
        expect(readWord(`(${formatFloat64(re)},${formatFloat64(im)})`)).toEqual({ re, im });
      }),
    );
  });
});

test('words are cut at blanks of any kind', () => {
  expect(wordsOf('  1\t2.5   up\r')).toEqual(['1', '2.5', 'up']);
  expect(wordsOf(' ')).toEqual([]);
});
