import { describe, expect, test } from '@jest/globals';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { execFileSync } from 'node:child_process';
import { layoutOf, ResultError, type DeclaredColumns, type Layout } from '../../src/format/layout.js';
import { headerLine, rowWriter, type RowSink, type RowStyle, type RowWriter } from '../../src/format/row.js';
import type { Complex } from '../../src/format/value.js';
import { slice } from '../../src/slicing.js';
import { testWith } from '../tools.js';
import { anyDouble, bitsOf, goldenJson, goldenText } from './bits.js';
import { declare, dtypeOf, GOLDEN_NAMES, resultsOf, valuesOf, type Golden } from './golden.js';
import { anyText } from './text.js';

// --- the reference files that the real guan wrote ---

describe("guan's files", () => {
  test.each(GOLDEN_NAMES)('%s.txt is rebuilt byte for byte', (name) => {
    const { x, y } = goldenJson(`${name}.json`) as Golden;
    const results = resultsOf(y);
    const rows = rowWriter({
      format: 'txt',
      axes: [{ name: 'x', dtype: dtypeOf(x) }],
      layout: layoutOf(results[0], declare(y), ['x']),
      wholeNumbers: 'int64',
    });
    const points = valuesOf(x) as (number | string)[];
    const text = points.map((value, index) => rows.write([value], results[index])).join('');
    expect(points.length).toBeGreaterThan(2);
    expect(text).toBe(goldenText(`${name}.txt`));
  });

  test.each(['int_arange_0_17_1', 'string_x', 'complex_y', 'float_arange_0_1_0.1', 'linspace_0_2pi_7_sin'])(
    '%s.txt needs no declared result column',
    (name) => {
      const { x, y } = goldenJson(`${name}.json`) as Golden;
      const results = resultsOf(y);
      const rows = rowWriter({
        format: 'txt',
        axes: [{ name: 'x', dtype: dtypeOf(x) }],
        layout: layoutOf(results[0], undefined, ['x']),
        wholeNumbers: dtypeOf(x) === 'float64' ? 'float64' : 'int64',
      });
      const points = valuesOf(x) as (number | string)[];
      expect(points.map((value, index) => rows.write([value], results[index])).join('')).toBe(
        goldenText(`${name}.txt`),
      );
    },
  );

  test("the article's task files are the rows of guan's slices of 17 points over 4 tasks", () => {
    const rows = rowWriter({
      format: 'txt',
      axes: [{ name: 'x', dtype: 'int64' }],
      layout: layoutOf(0, undefined, ['x']),
      wholeNumbers: 'int64',
    });
    const texts = slice(17, 4, 'guan').map(({ start, stop }) =>
      Array.from({ length: stop - start }, (_, offset) =>
        rows.write([start + offset], 2 * (start + offset)),
      ).join(''),
    );
    expect(texts).toEqual(
      [0, 1, 2, 3].map((index) => goldenText(`article_section6/task_index=${String(index)}.txt`)),
    );
    expect(texts.join('')).toBe(goldenText('article_section6/result.txt'));
  });
});

// --- the three formats ---

function writer(
  format: RowStyle['format'],
  result: unknown,
  more: { axes?: RowStyle['axes']; declared?: DeclaredColumns; wholeNumbers?: RowStyle['wholeNumbers'] } = {},
): { line: (values?: (number | string | boolean | bigint | undefined)[]) => string; header: string } {
  const axes = more.axes ?? [];
  const layout: Layout = layoutOf(
    result,
    more.declared,
    axes.map(({ name }) => name),
  );
  const rows = rowWriter({ format, axes, layout, wholeNumbers: more.wholeNumbers ?? 'int64' });
  return {
    line: (values = []) => rows.write(values, result),
    header: headerLine({ format, axes, layout }),
  };
}

const X = [{ name: 'x', dtype: 'int64' as const }];
const RECORD = { energy: 0.5, name: 'a b', ok: true, z: { re: 1, im: -2 } };

describe('txt', () => {
  test('a scalar row has three blanks between its columns and none at its end', () => {
    expect(writer('txt', 0.5, { axes: X }).line([3])).toBe('3   0.5\n');
  });

  test('a vector row ends with three blanks, as guan writes it', () => {
    expect(writer('txt', [1, 2, 3], { axes: X }).line([0])).toBe('0   1   2   3   \n');
    expect(writer('txt', new Float64Array([0.5, 1]), { axes: X }).line([0])).toBe('0   0.5   1.0   \n');
  });

  test('a row of named columns ends without blanks', () => {
    expect(writer('txt', RECORD, { axes: X }).line([0])).toBe('0   0.5   "a b"   True   (1-2j)\n');
  });

  test('two axes come in the order of the axes', () => {
    const axes = [...X, { name: 'name', dtype: 'string' as const }];
    expect(writer('txt', 1, { axes }).line([7, 'up'])).toBe('7   up   1\n');
  });

  test("a parameter that is left to the worker's default is nan", () => {
    expect(writer('txt', 1, { axes: X }).line([undefined])).toBe('nan   1\n');
  });

  test('a run without axes writes results alone', () => {
    expect(writer('txt', 1.5).line()).toBe('1.5\n');
  });

  test('the header is a comment for NumPy', () => {
    expect(writer('txt', RECORD, { axes: X }).header).toBe('# x energy name ok z\n');
    expect(writer('txt', { 'a b': 1 }, { axes: X }).header).toBe('# x "a b"\n');
  });
});

describe('csv', () => {
  test('a row has commas and no blanks', () => {
    expect(writer('csv', [1, 0.5], { axes: X }).line([0])).toBe('0,1,0.5\n');
    expect(writer('csv', RECORD, { axes: X }).line([0])).toBe('0,0.5,"a b",True,(1-2j)\n');
  });

  test.each([
    ['plain', 'plain'],
    ['a,b', '"a,b"'],
    ['two words', '"two words"'],
    ['say "hi"', '"say ""hi"""'],
    ['C:\\data', '"C:\\data"'],
    ['', '""'],
    ['#1', '"#1"'],
    ['True', '"True"'],
    ['1.5', '"1.5"'],
    ['nan', '"nan"'],
  ])('the string %j stands as RFC 4180 has it: %s', (text, cell) => {
    expect(writer('csv', text).line()).toBe(`${cell}\n`);
  });

  test.each([
    ['line\nbreak', '"""line\\nbreak"""'],
    ['a\r\n"b", c', '"""a\\r\\n\\""b\\"", c"""'],
    ['\u001b[2J', '"""\\u001b[2J"""'],
    ['\u2028', '"""\\u2028"""'],
    ['"quoted"', '"""\\""quoted\\"""""'],
  ])('the string %j would not read back from one line, so it stands as a JSON string', (text, cell) => {
    expect(writer('csv', text).line()).toBe(`${cell}\n`);
  });

  test("a parameter that is left to the worker's default is an empty cell", () => {
    expect(writer('csv', 1, { axes: X }).line([undefined])).toBe(',1\n');
  });

  test('the header is one line of names, quoted where they need it', () => {
    expect(writer('csv', RECORD, { axes: X }).header).toBe('x,energy,name,ok,z\n');
    expect(writer('csv', { 'a,b': 1, 'say "hi"': 2 }, { axes: X }).header).toBe('x,"a,b","say ""hi"""\n');
  });
});

test('another reader of csv finds the same strings, as JSON where they hold control characters', () => {
  fc.assert(
    fc.property(fc.array(anyText(), { minLength: 1, maxLength: 5 }), (texts) => {
      const line = writer('csv', texts).line();
      const rows: string[][] = parse(line);
      const [cells = []] = rows;
      expect(
        cells.map((cell, index) => (cell === texts[index] ? cell : (JSON.parse(cell) as string))),
      ).toEqual(texts);
    }),
    { numRuns: 400 },
  );
});

describe('NumPy reads', () => {
  const python = (code: string, input: string): string =>
    execFileSync('python3', ['-c', `import numpy as np, struct, sys\n${code}`], { input, encoding: 'utf8' });
  const rows = fc.sample(fc.tuple(anyDouble(), anyDouble()), { numRuns: 300, seed: 1 });
  const bits = (values: readonly number[]): string =>
    values.map((value) => bitsOf(Number.isNaN(value) ? NaN : value)).join(' ');

  testWith('numpy', 'a txt with its header, bit for bit', () => {
    const x = [{ name: 'x', dtype: 'float64' as const }];
    const text = rows
      .map(([a, b]) => writer('txt', b, { axes: x, wholeNumbers: 'float64' }).line([a]))
      .join('');
    const found = python(
      'for row in np.loadtxt(sys.stdin): print(*(struct.pack(">d", v).hex() for v in row))',
      writer('txt', 1, { axes: x }).header + text,
    );
    expect(found.trimEnd().split('\n')).toEqual(rows.map(bits));
  });

  testWith('numpy', 'a csv with its header, bit for bit', () => {
    const result = rows[0] ?? [];
    const text = rows.map((row) => writer('csv', row, { wholeNumbers: 'float64' }).line()).join('');
    const found = python(
      'a = np.genfromtxt(sys.stdin, delimiter=",", names=True)\nprint(a.dtype.names)\n' +
        'for row in a: print(*(struct.pack(">d", v).hex() for v in row))',
      writer('csv', result).header + text,
    );
    expect(found.trimEnd().split('\n')).toEqual(["('y0', 'y1')", ...rows.map(bits)]);
  });
});

describe('jsonl', () => {
  test('a row is an object of all columns', () => {
    expect(writer('jsonl', RECORD, { axes: X }).line([0])).toBe(
      '{"x":0,"energy":0.5,"name":"a b","ok":true,"z":{"re":1.0,"im":-2.0}}\n',
    );
  });

  test('nan and the infinities, which JSON lacks, are strings', () => {
    expect(writer('jsonl', [NaN, Infinity, -Infinity]).line()).toBe('{"y0":"nan","y1":"inf","y2":"-inf"}\n');
    expect(writer('jsonl', { re: NaN, im: -Infinity }).line()).toBe('{"y":{"re":"nan","im":"-inf"}}\n');
  });

  test('integers beyond 2^53 are written in full', () => {
    expect(writer('jsonl', 2n ** 62n + 1n).line()).toBe('{"y":4611686018427387905}\n');
  });

  test("a parameter that is left to the worker's default is null", () => {
    expect(writer('jsonl', 1, { axes: X }).line([undefined])).toBe('{"x":null,"y":1}\n');
  });

  test('there is no header', () => {
    expect(writer('jsonl', RECORD, { axes: X }).header).toBe('');
  });

  test('every line is JSON, whatever the values and the names of the columns', () => {
    const value = fc.oneof(
      anyText(),
      fc.double(),
      fc.bigInt(),
      fc.boolean(),
      fc.record({ re: fc.double(), im: fc.double() }),
    );
    fc.assert(
      fc.property(fc.uniqueArray(anyText(), { minLength: 1, maxLength: 4 }), value, (names, result) => {
        const record = Object.fromEntries(names.map((name) => [name, result]));
        const parsed = JSON.parse(writer('jsonl', record).line()) as Record<string, unknown>;
        expect(Object.keys(parsed).sort()).toEqual([...names].sort());
        if (typeof result === 'string') expect(Object.values(parsed)).toEqual(names.map(() => result));
      }),
      { numRuns: 500 },
    );
  });
});

describe('headers', () => {
  test.each(['txt', 'csv'] as const)('a %s header is one line without raw control characters', (format) => {
    fc.assert(
      fc.property(fc.uniqueArray(anyText(), { minLength: 1, maxLength: 4 }), (names) => {
        const { header } = writer(format, Object.fromEntries(names.map((name) => [name, 1])));
        expect(header.endsWith('\n')).toBe(true);
        expect(header.slice(0, -1)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/);
      }),
      { numRuns: 500 },
    );
  });
});

describe('a column that changes', () => {
  const layout = (result: unknown): Layout => layoutOf(result, undefined, []);
  const write = (first: unknown, next: unknown) => () =>
    rowWriter({ format: 'txt', axes: [], layout: layout(first), wholeNumbers: 'int64' }).write([], next);

  test.each<[string, unknown, unknown, string]>([
    ['a longer array', [1, 2], [1, 2, 3], '(an array of 2), got an array of 3'],
    ['a shorter array', [1, 2], [1], '(an array of 2), got an array of 1'],
    ['an array after a scalar', 1, [1], '(one scalar), got an array of 1'],
    ['a scalar after an array', [1], 1, '(an array of 1), got a number'],
    ['another name', { a: 1, b: 2 }, { a: 1, c: 2 }, '(the columns a, b), got the columns a, c'],
    ['one name more', { a: 1 }, { a: 1, b: 2 }, '(the columns a), got the columns a, b'],
    ['a record after a scalar', 1, { a: 1 }, '(one scalar), got the columns a'],
  ])('%s is refused, and the message names both', (_, first, next, message) => {
    expect(write(first, next)).toThrow(ResultError);
    expect(write(first, next)).toThrow(message);
  });

  test('a typed array is written in its own type, also behind a plain one', () => {
    expect(write([1], new Float64Array([2]))()).toBe('2.0   \n');
    expect(write(new Float64Array([2]), [1])()).toBe('1   \n');
  });
});

describe('numbers', () => {
  function numbersAfter(results: unknown[], declared?: DeclaredColumns): unknown {
    const rows = rowWriter({
      format: 'txt',
      axes: X,
      layout: layoutOf(results[0], declared, ['x']),
      wholeNumbers: 'int64',
    });
    for (const result of results) rows.write([0], result);
    return rows.numbers();
  }

  test('says which columns held 1, which 0.5, and which both', () => {
    expect(
      numbersAfter([
        { a: 1, b: 1, c: 0.5, d: 'text' },
        { a: 0.5, b: 2, c: 0.25, d: 'text' },
      ]),
    ).toEqual({ a: 'both', b: 'whole', c: 'fraction' });
  });

  test('nan beside whole numbers counts as a fraction, a bigint as a whole number', () => {
    expect(numbersAfter([1, NaN])).toEqual({ y: 'both' });
    expect(numbersAfter([0.5, 2n ** 60n])).toEqual({ y: 'both' });
  });

  test('leaves out declared columns', () => {
    expect(numbersAfter([1, 0.5], { y: 'float64' })).toEqual({});
  });
});

test('a result that is refused leaves no trace in the next line', () => {
  const rows = rowWriter({
    format: 'txt',
    axes: X,
    layout: layoutOf([1, 2], undefined, ['x']),
    wholeNumbers: 'int64',
  });
  expect(() => rows.write([0], [1, null])).toThrow(ResultError);
  expect(rows.write([1], [3, 4])).toBe('1   3   4   \n');
});

test('an array of uint64 is written in full', () => {
  expect(writer('txt', new BigUint64Array([2n ** 64n - 1n])).line()).toBe('18446744073709551615   \n');
});

test('a complex result is one column, not the columns re and im', () => {
  const result: Complex = { re: 1, im: 2 };
  expect(writer('csv', result, { axes: X }).header).toBe('x,y\n');
});

test('a line given to a sink, as text or as integers, is the line that is written', () => {
  const value = fc.oneof(
    fc.maxSafeInteger(),
    fc.constantFrom(0, -0, NaN, 2 ** 53, 2 ** 31, -(2 ** 31), 1e300),
    fc.double(),
    fc.bigInt(),
    fc.boolean(),
    fc.string(),
  );
  const style = fc.record({
    format: fc.constantFrom('txt' as const, 'csv' as const, 'jsonl' as const),
    dtype: fc.constantFrom('int64' as const, 'float64' as const),
    wholeNumbers: fc.constantFrom('int64' as const, 'float64' as const),
  });
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.maxSafeInteger(), value)), style, (points, { dtype, ...rest }) => {
      const layout = layoutOf(1, undefined, ['x']);
      const make = (): RowWriter => rowWriter({ ...rest, axes: [{ name: 'x', dtype }], layout });
      const [written, appended] = [make(), make()];
      const lines: string[] = [];
      const sink: RowSink = {
        text: (line) => lines.push(line),
        integers: (x, separator, y) => lines.push(`${String(x)}${separator}${String(y)}\n`),
      };
      for (const [x, y] of points) appended.append(sink, [x], y);
      expect(lines).toEqual(points.map(([x, y]) => written.write([x], y)));
      expect([appended.numbers(), appended.nans()]).toEqual([written.numbers(), written.nans()]);
    }),
    { numRuns: 500 },
  );
});
