import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import fs from 'fs-extra';
import { tmpdir } from 'node:os';
import {
  readOneDimensionalData,
  readTwoDimensionalData,
  writeOneDimensionalData,
  writeTwoDimensionalData,
} from '../../src/guan/data-file.js';
import type { Column } from '../../src/guan/numpy-array.js';
import { arange } from '../../src/space/arange.js';
import { linspace } from '../../src/space/linspace.js';
import { anyDouble, bitsOf, fromBits, goldenJson, goldenText } from '../format/bits.js';
import { testWith } from '../tools.js';

type Item =
  { t: 'int' | 'str'; v: string } | { t: 'float'; bits: string } | { t: 'complex'; re: Item; im: Item };

interface GoldenArray {
  readonly dtype?: string;
  readonly shape?: readonly number[];
  readonly flat?: readonly Item[];
  readonly items?: readonly Item[];
}

type Scalar = number | string | { re: number; im: number };

function scalarOf(item: Item): Scalar {
  if (item.t === 'complex') return { re: scalarOf(item.re) as number, im: scalarOf(item.im) as number };
  if (item.t === 'float') return fromBits(item.bits);
  return item.t === 'int' ? Number(item.v) : item.v;
}

/** A NumPy array of floats as a typed array, for its whole numbers are floats too; a list as a plain one. */
function columnsOf({ dtype, shape = [], flat, items }: GoldenArray): Column | Column[] {
  const values = (flat ?? items ?? []).map(scalarOf);
  const column = (part: Scalar[]): Column =>
    dtype === 'float64' ? Float64Array.from(part as number[]) : part;
  const width = shape[1];
  if (width === undefined) return column(values);
  return Array.from({ length: shape[0] ?? 0 }, (_, row) =>
    column(values.slice(row * width, (row + 1) * width)),
  );
}

const folder = fs.mkdtempSync(join(tmpdir(), 'fanfold-test-'));
afterAll(() => fs.remove(folder));
const file = { filename: join(folder, 'a') };
const written = (): string => fs.readFileSync(join(folder, 'a.txt'), 'utf8');

describe('the files of one dimension', () => {
  test.each([
    'int_arange_0_17_1',
    'float_arange_0_1_0.1',
    'linspace_0_2pi_7_sin',
    'mixed_int_float_list',
    'complex_y',
    'string_x',
    'y2d_float_n3',
    'float_specials',
  ])('are those that guan wrote: %s', (name) => {
    const { x, y } = goldenJson(`${name}.json`) as { x: GoldenArray; y: GoldenArray };
    writeOneDimensionalData(columnsOf(x) as Column, columnsOf(y), file);
    expect(written()).toBe(goldenText(`${name}.txt`));
  });

  test('take what arange and linspace give, in its type', () => {
    writeOneDimensionalData(arange(0, 3), linspace(0, 1, 3), file);
    expect(written()).toBe('0   0.0\n1   0.5\n2   1.0\n');
  });

  test('print a Float32Array as NumPy prints float32', () => {
    writeOneDimensionalData([0, 1, 2], new Float32Array([0.1, 1e-5, 16777216]), file);
    expect(written()).toBe('0   0.1\n1   1e-05\n2   16777216.0\n');
  });

  test('are read back with a row of y for each x', () => {
    writeOneDimensionalData([0.5, 1], [[1, 2], Float64Array.of(NaN, -Infinity)], file);
    expect(written()).toBe('0.5   1.0   2.0   \n1.0   nan   -inf   \n');
    expect(readOneDimensionalData(file)).toEqual({
      x: [0.5, 1],
      y: [
        [1, 2],
        [NaN, -Infinity],
      ],
    });
    expect(readOneDimensionalData({ filename: join(folder, 'a.t'), fileFormat: 'xt' }).x).toEqual([0.5, 1]);
  });

  test('keep every float, bit for bit', () => {
    fc.assert(
      fc.property(fc.array(anyDouble(), { minLength: 1 }), (values) => {
        writeOneDimensionalData(Float64Array.from(values), values, file);
        const { x, y } = readOneDimensionalData(file);
        expect({ x, y }).toEqual({ x: values, y: values.map((value) => [value]) });
      }),
      { numRuns: 50 },
    );
  });

  testWith('numpy', 'have the type that NumPy gives a list of mixed values', () => {
    const value = fc.oneof(
      fc.integer(),
      fc.integer({ min: -3, max: 3 }).map((number) => number + 0.5),
      fc.boolean(),
      fc.constantFrom('up', 'down'),
      fc.record({ re: fc.integer({ min: -2, max: 2 }), im: fc.constant(0.5) }),
    );
    const lists = fc.sample(
      fc.array(value, { minLength: 1, maxLength: 5, size: 'max' }).map((list) => list.slice(0, 4)),
      400,
    );
    const program = `
import json, sys, numpy
def value(v): return complex(v['re'], v['im']) if isinstance(v, dict) else v
print(json.dumps([[str(v) for v in numpy.array([value(v) for v in column])] for column in json.load(sys.stdin)]))`;
    const answer = execFileSync('python3', ['-c', program], { input: JSON.stringify(lists) });
    const expected = JSON.parse(answer.toString()) as string[][];
    const found = lists.map((list) => {
      writeOneDimensionalData(
        list.map((_, index) => index),
        list,
        file,
      );
      return written()
        .split('\n')
        .slice(0, -1)
        .map((line) => line.split('   ')[1]);
    });
    expect(found).toEqual(expected);
  });

  test.each<[string, () => void, string]>([
    [
      'lengths that differ',
      () => {
        writeOneDimensionalData([1, 2], [1], file);
      },
      'Expected y to have the length 2, got 1.',
    ],
    [
      'rows that differ',
      () => {
        writeOneDimensionalData([1, 2], [[1], [1, 2]], file);
      },
      'Expected a row of y to have the length 1, got 2.',
    ],
    [
      'what is no value',
      () => {
        writeOneDimensionalData([1], [null as unknown as number], file);
      },
      'got null',
    ],
    ['a file that is not there', () => readOneDimensionalData({ filename: join(folder, 'no') }), 'no.txt'],
  ])('refuse %s', (_, act, message) => {
    expect(act).toThrow(message);
  });

  test('name the line that is not as it must be', () => {
    fs.writeFileSync(join(folder, 'a.txt'), '1   2\n\n3   x\n');
    expect(() => readOneDimensionalData(file)).toThrow(
      `Expected a number at ${join(folder, 'a.txt')}:3, got "x".`,
    );
    fs.writeFileSync(join(folder, 'a.txt'), '1   2\n3\n');
    expect(() => readOneDimensionalData(file)).toThrow('got 1 in line 2');
  });
});

describe('the files of two dimensions', () => {
  test.each(['two_dimensional_float', 'two_dimensional_mixed', 'two_dimensional_complex'])(
    'are those that guan writes, and read as it reads them: %s',
    (name) => {
      const golden = goldenJson(`${name}.json`) as {
        x: Item[];
        y: Item[];
        matrix: Item[][];
        read?: { x: string[]; y: string[]; matrix: string[][] };
      };
      const floats = (items: Item[]): Column => {
        const values = items.map(scalarOf);
        return items.some(({ t }) => t === 'float') ? Float64Array.from(values as number[]) : values;
      };
      const isComplex = golden.read === undefined;
      const rows = golden.matrix.map((row) => (isComplex ? row.map(scalarOf) : floats(row)));
      writeTwoDimensionalData(floats(golden.x), floats(golden.y), rows, file);
      expect(written()).toBe(goldenText(`${name}.txt`));
      if (golden.read === undefined) return;
      const { x, y, matrix } = readTwoDimensionalData(file);
      expect({ x: x.map(bitsOf), y: y.map(bitsOf), matrix: matrix.map((row) => row.map(bitsOf)) }).toEqual(
        golden.read,
      );
    },
  );

  test('refuse a matrix of another shape', () => {
    expect(() => {
      writeTwoDimensionalData([1, 2], [1], [[1]], file);
    }).toThrow('Expected a row of the matrix to have the length 2, got 1.');
    expect(() => {
      writeTwoDimensionalData([1], [1, 2], [[1]], file);
    }).toThrow('Expected the matrix to have the length 2, got 1.');
  });
});
