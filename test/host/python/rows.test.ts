import { describe, expect } from '@jest/globals';
import fc from 'fast-check';
import type { Format } from '../../../src/format/cell.js';
import { layoutOf, type DeclaredColumns } from '../../../src/format/layout.js';
import { rowWriter } from '../../../src/format/row.js';
import type { Value } from '../../../src/format/value.js';
import type { AxisDtype } from '../../../src/space/axis.js';
import { spaceFrom } from '../../../src/space/definition.js';
import { listOf } from '../../../src/space/list.js';
import { anyDouble, fromBits, goldenJson, goldenText } from '../../format/bits.js';
import { declare, dtypeOf, GOLDEN_NAMES, resultsOf, valuesOf, type Golden } from '../../format/golden.js';
import { anyText, NASTY_TEXTS } from '../../format/text.js';
import { testWith } from '../../tools.js';
import { computeTask, modelOf, newRun, spaceOf } from './host.js';
import {
  anyScalar,
  bool,
  complex,
  float,
  int,
  record,
  sourceOf,
  text,
  vector,
  type Both,
} from './results.js';

const FORMATS: Format[] = ['txt', 'csv', 'jsonl'];
const MANY = 2000;

interface Sample {
  readonly results: readonly Both[];
  readonly format: Format;
  readonly columns?: DeclaredColumns;
  /** Values of the axis x, and their type. */
  readonly x?: readonly Value[];
  readonly dtype?: AxisDtype;
}

/** The file that the Python host writes, and the one by the JavaScript writer. */
async function bothFiles(sample: Sample): Promise<{ python: string; js: string }> {
  const { format, columns } = sample;
  const x = listOf(sample.dtype ?? 'int64', sample.x ?? sample.results.map((_, index) => index));
  const run = newRun({ space: spaceOf({ x }), format, ...(columns === undefined ? {} : { columns }) });
  await computeTask(modelOf(sourceOf(sample.results, ['x'])), run, { stop: sample.results.length });
  const layout = layoutOf(sample.results[0]?.js, columns, ['x']);
  const axes = [{ name: 'x', dtype: x.dtype }];
  const rows = rowWriter({ format, axes, layout, wholeNumbers: 'float64' });
  const js = sample.results.map((result, index) => rows.write([x.at(index)], result.js)).join('');
  return { python: run.read(`task_index=0.${format}`), js };
}

async function expectSame(sample: Sample): Promise<void> {
  const { python, js } = await bothFiles(sample);
  expect(python.split('\n')).toEqual(js.split('\n'));
}

/** The characters of Unicode at which blanks, control characters or what is not assigned begin or end. */
function edges(): string[] {
  const isOdd = (code: number): boolean => /[\p{C}\p{Z}]/u.test(String.fromCodePoint(code));
  const codes = Array.from({ length: 0x110000 }, (_, code) => code);
  return codes
    .filter((code) => code > 0 && isOdd(code) !== isOdd(code - 1))
    .flatMap((code) => [code - 1, code].map((near) => `a${String.fromCodePoint(near)}`));
}

function many<T>(arbitrary: fc.Arbitrary<T>): T[] {
  return fc.sample(arbitrary, MANY);
}

describe("guan's files come out of the Python host", () => {
  for (const name of GOLDEN_NAMES) {
    testWith('python3', name, async () => {
      const { x, y } = goldenJson(`${name}.json`) as Golden;
      const given = resultsOf(y).map((result) =>
        Array.isArray(result) ? vector(result.map((item) => asBoth(item, y))) : asBoth(result, y),
      );
      const { python } = await bothFiles({
        results: given,
        format: 'txt',
        columns: declare(y),
        x: valuesOf(x) as Value[],
        dtype: dtypeOf(x) as AxisDtype,
      });
      expect(python).toBe(goldenText(`${name}.txt`));
    });
  }

  testWith('python3', 'the floats and complex numbers as NumPy prints them', async () => {
    const lines = goldenText('float_format.tsv')
      .trimEnd()
      .split('\n')
      .map((line) => line.split(' '));
    const given = lines.map(([bits = '', , re = '', im = '']) =>
      vector([float(fromBits(bits)), complex(fromBits(re), fromBits(im))]),
    );
    const { python } = await bothFiles({ results: given, format: 'txt' });
    const expected = lines.map(
      (line, index) => `${String(index)}   ${line[1] ?? ''}   ${line[4] ?? ''}   \n`,
    );
    expect(python).toBe(expected.join(''));
  });
});

describe('the Python host writes what the JavaScript host does', () => {
  for (const format of FORMATS) {
    testWith('python3', `any scalar results, as ${format}`, async () => {
      await expectSame({ results: many(anyScalar()), format });
    });

    testWith('python3', `strings that a careless writer gets wrong, as ${format}`, async () => {
      const texts = [...NASTY_TEXTS, ...edges(), ...many(anyText())];
      await expectSame({ results: texts.map(text), format, x: texts, dtype: 'string' });
    });

    testWith('python3', `vectors, as ${format}`, async () => {
      const three = fc.array(anyScalar(), { minLength: 3, maxLength: 3 });
      await expectSame({ results: many(three).map(vector), format });
    });

    testWith('python3', `named columns, as ${format}`, async () => {
      const names = ['energy', 'a "quoted", name', '100%s'];
      const three = fc.array(anyScalar(), { minLength: 3, maxLength: 3 });
      await expectSame({ results: many(three).map((items) => record(names, items)), format });
    });

    testWith('python3', `columns of declared types, as ${format}`, async () => {
      const columns: DeclaredColumns = { a: 'float64', b: 'int64', c: 'complex128', d: 'bool', e: 'string' };
      const row = fc.tuple(
        fc.oneof(anyDouble().map(float), fc.bigInt({ min: -(2n ** 1030n), max: 2n ** 1030n }).map(int)),
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(int),
        fc.oneof(
          anyDouble().map(float),
          fc.tuple(anyDouble(), anyDouble()).map((parts) => complex(...parts)),
        ),
        fc.boolean().map(bool),
        anyText().map(text),
      );
      const given = many(row).map((items) => record(['e', 'd', 'c', 'b', 'a'], [...items].reverse()));
      await expectSame({ results: given, format, columns });
    });

    testWith('python3', `floats of an axis, as ${format}`, async () => {
      const x = many(anyDouble());
      await expectSame({ results: x.map(float), format, x, dtype: 'float64' });
    });

    testWith('python3', `a grid of axes of every type, as ${format}`, async () => {
      const axes = {
        i: listOf('int64', [1n, 2n ** 63n - 1n]),
        u: listOf('float64', [0.1, NaN, -0]),
        s: listOf('string', ['a', '', '%d']),
        b: listOf('bool', [true, false]),
      };
      const run = newRun({ space: spaceOf(axes), format });
      await computeTask(modelOf('def f(**point):\n    return 0.5\n'), run, { stop: 36 });
      const made = spaceFrom(spaceOf(axes));
      const rows = rowWriter({
        format,
        axes: made.axes.map(({ name, values }) => ({ name, dtype: values.dtype })),
        layout: layoutOf(0.5, undefined, []),
        wholeNumbers: 'float64',
      });
      const expected = Array.from({ length: 36 }, (_, index) => rows.write(made.values(index), 0.5));
      expect(run.read(`task_index=0.${format}`)).toBe(expected.join(''));
    });
  }

  testWith('python3', 'an integer of five thousand digits', async () => {
    await expectSame({ results: [int(7n ** 6000n)], format: 'txt' });
  });
});

// --- internal ---

/** A golden value of the type that NumPy gave its column. */
function asBoth(value: unknown, y: Golden['y']): Both {
  if (typeof value === 'object' && value !== null) {
    const { re, im } = value as { re: number; im: number };
    return complex(re, im);
  }
  return dtypeOf(y) === 'int64' ? int(BigInt(value as number)) : float(value as number);
}
