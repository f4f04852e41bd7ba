import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Format } from '../../src/format/cell.js';
import type { Layout } from '../../src/format/layout.js';
import { readRow } from '../../src/format/read-row.js';
import { rowWriter } from '../../src/format/row.js';
import type { Dtype, Scalar } from '../../src/format/value.js';
import { anyDouble } from './bits.js';
import { anyText, NASTY_TEXTS } from './text.js';

const FORMATS: readonly Format[] = ['txt', 'csv', 'jsonl'];
const RAW_CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

interface Cell {
  readonly value: Scalar;
  readonly dtype: Dtype | undefined;
}

const complex = fc.record({ re: anyDouble(), im: anyDouble() });
const integer = fc.oneof(fc.maxSafeInteger(), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }));

/** Any value, in a column without a dtype or of its own. */
function anyCell(): fc.Arbitrary<Cell> {
  const of = (value: fc.Arbitrary<Scalar>, dtype: Dtype): fc.Arbitrary<Cell> =>
    fc.record({ value, dtype: fc.constantFrom(undefined, dtype) });
  return fc.oneof(
    of(anyDouble(), 'float64'),
    of(integer, 'int64').map((cell) => ({ ...cell, value: cell.value === 0 ? 0 : cell.value })),
    of(fc.boolean(), 'bool'),
    of(anyText(), 'string'),
    of(complex, 'complex128'),
  );
}

function write(
  cells: readonly Cell[],
  format: Format,
  options: { isVector: boolean; isFloat: boolean },
): string {
  const layout: Layout = {
    kind: options.isVector ? 'vector' : 'record',
    columns: cells.map(({ dtype }, index) => ({
      name: `c${String(index)}`,
      ...(dtype === undefined ? {} : { dtype }),
    })),
  };
  const values = cells.map(({ value }) => value);
  return rowWriter({
    format,
    axes: [],
    layout,
    wholeNumbers: options.isFloat ? 'float64' : 'int64',
  }).write(
    [],
    options.isVector ? values : Object.fromEntries(values.map((value, i) => [`c${String(i)}`, value])),
  );
}

/** A value as it reads back: an integer that a double can hold comes as a number. */
function asRead({ value, dtype }: Cell, format: Format): Scalar {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  // jsonl writes a float nan as a string, so such a string reads as the float unless its column is declared.
  if (format === 'jsonl' && dtype === undefined && (value === 'nan' || value === 'inf' || value === '-inf'))
    return { nan: NaN, inf: Infinity, '-inf': -Infinity }[value];
  return value;
}

describe.each(FORMATS)('a %s row', (format) => {
  const rows = fc.tuple(
    fc.array(anyCell(), { minLength: 1, maxLength: 5 }),
    fc.record({ isVector: fc.boolean(), isFloat: fc.boolean() }),
  );

  test('reads back to the values that were written', () => {
    fc.assert(
      fc.property(rows, ([cells, options]) => {
        const line = write(cells, format, options);
        expect(
          readRow(
            line.slice(0, -1),
            format,
            cells.map(({ dtype }) => dtype),
          ),
        ).toEqual(cells.map((cell) => asRead(cell, format)));
      }),
      { numRuns: 3000 },
    );
  });

  test('is one line without control characters, and no comment', () => {
    fc.assert(
      fc.property(rows, ([cells, options]) => {
        const line = write(cells, format, options);
        expect(line.indexOf('\n')).toBe(line.length - 1);
        expect(line.slice(0, -1)).not.toMatch(RAW_CONTROL);
        expect(line.slice(0, -1)).not.toMatch(/[\u2028\u2029]/);
        expect(line.startsWith('#')).toBe(false);
      }),
      { numRuns: 2000 },
    );
  });

  test.each(NASTY_TEXTS)('holds the string %j without a dtype', (text) => {
    const cells = [
      { value: text, dtype: undefined },
      { value: 1, dtype: undefined },
    ];
    const line = write(cells, format, { isVector: false, isFloat: false });
    expect(readRow(line.slice(0, -1), format, [undefined, undefined])).toEqual([
      asRead({ value: text, dtype: undefined }, format),
      1,
    ]);
  });

  test('with another number of columns is no such row', () => {
    const line = write([{ value: 1, dtype: undefined }], format, { isVector: false, isFloat: false });
    expect(() => readRow(line.slice(0, -1), format, [undefined, undefined])).toThrow(SyntaxError);
    expect(() => readRow(line.slice(0, -1), format, [undefined, undefined])).toThrow(
      'Expected 2 columns, got 1',
    );
  });

  test('with a string of 2 MiB reads back', () => {
    const cells = [{ value: 'a "b", \n'.repeat(1 << 18), dtype: undefined }];
    const line = write(cells, format, { isVector: false, isFloat: false });
    expect(readRow(line.slice(0, -1), format, [undefined])[0] === cells[0]?.value).toBe(true);
  });

  test.each([0, 1, 2])('keeps its columns where parameter %d is left to the worker', (missing) => {
    const axes = (['int64', 'float64', 'int64'] as const).map((dtype, index) => ({
      name: `a${String(index)}`,
      dtype,
    }));
    const layout: Layout = { kind: 'scalar', columns: [{ name: 'y' }] };
    const values = [1, 0.5, 3].map((value, index) => (index === missing ? undefined : value));
    const line = rowWriter({ format, axes, layout, wholeNumbers: 'int64' }).write(values, 'text');
    expect(readRow(line.slice(0, -1), format, [...axes.map(({ dtype }) => dtype), undefined])).toEqual([
      ...values.map((value) => value ?? NaN),
      'text',
    ]);
  });
});

describe('the type of a declared column', () => {
  test('decides where a text could be two things', () => {
    expect(readRow('1 2', 'txt', ['float64', 'string'])).toEqual([1, '2']);
    expect(readRow('nan,nan', 'csv', ['float64', 'string'])).toEqual([NaN, 'nan']);
    expect(readRow('{"a":"nan","b":"nan"}', 'jsonl', ['float64', 'string'])).toEqual([NaN, 'nan']);
  });
});

test('a txt line that breaks off within a string is refused', () => {
  expect(() => readRow('1   "a\\', 'txt', [undefined, undefined])).not.toThrow();
  expect(() => readRow('1   "a\\q"', 'txt', [undefined, undefined])).toThrow(SyntaxError);
});
