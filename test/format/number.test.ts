import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { formatComplex128, formatFloat64 } from '../../src/format/number.js';
import { anyDouble, bitsOf, fromBits, goldenText } from './bits.js';

const ROWS = goldenText('float_format.tsv')
  .trimEnd()
  .split('\n')
  .map((line) => line.split(' '));

/** NumPy's spelling as a double. */
function parse(text: string): number {
  return Number(text.replace('inf', 'Infinity'));
}

/** The significant digits of a spelling, whatever its form. */
function digitsOf(text: string): string {
  const digits = text.replace(/e.*$/, '').replace(/[-.]/g, '').replace(/^0+/, '');
  return digits.replace(/0+$/, '');
}

describe('formatFloat64', () => {
  test('gives the text of every row of float_format.tsv', () => {
    const texts = ROWS.map(([bits = '']) => formatFloat64(fromBits(bits)));
    expect(ROWS).toHaveLength(2000);
    expect(texts).toEqual(ROWS.map(([, text]) => text));
  });

  test.each([
    [0, '0.0'],
    [-0, '-0.0'],
    [1, '1.0'],
    [-17, '-17.0'],
    [0.1, '0.1'],
    [0.1 + 0.2, '0.30000000000000004'],
    [0.0001, '0.0001'],
    [0.00009999999999999999, '9.999999999999999e-05'],
    [1e-5, '1e-05'],
    [1e-10, '1e-10'],
    [5e-324, '5e-324'],
    [1e15, '1000000000000000.0'],
    [9999999999999998, '9999999999999998.0'],
    [1e16, '1e+16'],
    [1.5e21, '1.5e+21'],
    [Number.MAX_VALUE, '1.7976931348623157e+308'],
    [NaN, 'nan'],
    [Infinity, 'inf'],
    [-Infinity, '-inf'],
  ])('%p is written %s', (value, text) => {
    expect(formatFloat64(value)).toBe(text);
  });

  test('the sign bit of a nan is not written', () => {
    expect(formatFloat64(fromBits('fff8000000000000'))).toBe('nan');
  });

  test('every double reads back to the same bits', () => {
    fc.assert(
      fc.property(anyDouble(), (value) => {
        expect(bitsOf(parse(formatFloat64(value)))).toBe(bitsOf(Number.isNaN(value) ? NaN : value));
      }),
      { numRuns: 2000 },
    );
  });

  test("every text is NumPy's form, never JavaScript's own exponent", () => {
    fc.assert(
      fc.property(anyDouble(), (value) => {
        const text = formatFloat64(value);
        const size = Math.abs(value);
        const isPositional = value === 0 || (size >= 1e-4 && size < 1e16);
        if (isPositional) expect(text).toMatch(/^-?\d+\.\d+$/);
        else expect(text).toMatch(/^(?:-?[1-9](?:\.\d*[1-9])?e[+-]\d{2,3}|nan|-?inf)$/);
      }),
      { numRuns: 2000 },
    );
  });

  test('no text has more digits than are needed to tell the double from its neighbours', () => {
    fc.assert(
      fc.property(
        anyDouble().filter((value) => Number.isFinite(value) && value !== 0),
        (value) => {
          expect(digitsOf(formatFloat64(value))).toBe(digitsOf(value.toExponential()));
        },
      ),
      { numRuns: 1000 },
    );
  });
});

describe('formatComplex128', () => {
  test('gives the text of every row of float_format.tsv', () => {
    const texts = ROWS.map(([, , re = '', im = '']) =>
      formatComplex128({ re: fromBits(re), im: fromBits(im) }),
    );
    expect(texts).toEqual(ROWS.map(([, , , , text]) => text));
  });

  test.each([
    [0, 1, '1j'],
    [0, -0, '-0j'],
    [0, NaN, 'nanj'],
    [-0, 0, '(-0+0j)'],
    [-0, -0, '(-0-0j)'],
    [1, 2, '(1+2j)'],
    [1.5, -0.25, '(1.5-0.25j)'],
    [1e-7, 1e22, '(1e-07+1e+22j)'],
    [NaN, Infinity, '(nan+infj)'],
    [-Infinity, -Infinity, '(-inf-infj)'],
  ])('%p and %p are written %s', (re, im, text) => {
    expect(formatComplex128({ re, im })).toBe(text);
  });

  test('both parts read back to the same bits', () => {
    fc.assert(
      fc.property(anyDouble(), anyDouble(), (re, im) => {
        const text = formatComplex128({ re, im });
        const part = String.raw`(?:nan|-?inf|-?[\d.]+(?:e[+-]\d{2,3})?)`;
        const groups = new RegExp(`^(?:(${part})|\\((${part})(?:\\+(?!-)|(?=-))(${part}))j\\)?$`).exec(text);
        const [, alone, real, imaginary] = groups ?? [];
        const want = [re, im].map((value) => bitsOf(Number.isNaN(value) ? NaN : value));
        expect(
          [alone === undefined ? parse(real ?? '') : 0, parse(alone ?? imaginary ?? '')].map(bitsOf),
        ).toEqual(want);
      }),
      { numRuns: 1000 },
    );
  });
});
