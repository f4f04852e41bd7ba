import { describe, expect } from '@jest/globals';
import { arange } from '../../../src/space/arange.js';
import { testWith } from '../../tools.js';
import { computeTask, modelOf, newRun, spaceOf, startHost, type JobOptions } from './host.js';

/** The lines after the axis of a model that returns each of the expressions. */
async function written(
  expressions: readonly string[],
  options: Pick<JobOptions, 'format' | 'columns'> = {},
): Promise<{ lines: string[]; errors: unknown[]; end: Record<string, unknown> | undefined }> {
  const run = newRun({ space: spaceOf({ x: arange(expressions.length) }), ...options });
  const cases = expressions.map((expression) => `lambda: ${expression}`).join(',\n    ');
  const source = `import numpy as np\nCASES = [\n    ${cases},\n]\ndef f(x):\n    return CASES[x]()\n`;
  await computeTask(modelOf(source), run, { stop: expressions.length });
  const name = `task_index=0.${options.format ?? 'txt'}`;
  const text = run.has(name) ? run.read(name) : run.read(`${name}.part`);
  return {
    lines: text
      .replace(/\n$/, '')
      .split('\n')
      .map((line) => line.replace(/^\d+( {3}|,)/, '')),
    errors: run.records('failures.jsonl').map(({ error }) => error),
    end: run.records('events.jsonl').at(-1),
  };
}

const SCALARS: [expression: string, text: string][] = [
  ['np.float64(0.1)', '0.1'],
  ['np.float64(-0.0)', '-0.0'],
  ['np.float64(1e16)', '1e+16'],
  ['np.float32(0.1)', '0.1'],
  ['np.float32(1024.1)', '1024.1'],
  ['np.float32(1e20)', '1e+20'],
  ['np.float16(0.1)', '0.1'],
  ['np.float32("inf")', 'inf'],
  ['np.int8(-128)', '-128'],
  ['np.int64(-2**63)', '-9223372036854775808'],
  ['np.uint64(2**64 - 1)', '18446744073709551615'],
  ['np.bool_(True)', 'True'],
  ['np.str_("a b")', '"a b"'],
  ['np.complex128(1 + 2j)', '(1+2j)'],
  ['np.complex128(complex(0, -0.0))', '-0j'],
  ['np.complex64(0.1 + 1j)', '(0.1+1j)'],
  ['np.array(2.5)', '2.5'],
  ['np.array(3)', '3'],
  ['np.array(0.1, dtype="f4")', '0.1'],
  ['np.array(True)', 'True'],
  ['np.array("text")', 'text'],
  ['np.array(1.5, dtype=object)', '1.5'],
];

describe('results of NumPy in the Python host', () => {
  testWith('numpy', 'are written as NumPy prints them: scalars and arrays of no dimension', async () => {
    const { lines, errors, end } = await written(SCALARS.map(([expression]) => expression));
    expect(errors).toEqual([]);
    expect(lines).toEqual(SCALARS.map(([, text]) => text));
    expect(end).toMatchObject({ numbers: { y: 'both' } });
  });

  testWith('numpy', 'are text and numbers in jsonl', async () => {
    const { lines } = await written(
      ['np.float32(0.1)', 'np.float32("nan")', 'np.bool_(False)', 'np.complex64(1 + 0.1j)', 'np.str_("1")'],
      { format: 'jsonl' },
    );
    expect(lines.map((line) => (JSON.parse(line) as { y: unknown }).y)).toEqual([
      0.1,
      'nan',
      false,
      { re: 1, im: 0.1 },
      '1',
    ]);
    expect(lines[3]).toContain('{"re":1.0,"im":0.1}');
  });

  testWith('numpy', 'are in the type of the column where one is declared', async () => {
    const { lines, errors } = await written(
      ['np.float32(0.1)', 'np.int32(2)', 'np.array(3)', 'np.float16(0.5)', 'np.bool_(True)'],
      { columns: { y: 'float64' } },
    );
    expect(lines.slice(0, 4)).toEqual(['0.10000000149011612', '2.0', '3.0', '0.5']);
    expect(errors).toEqual([
      expect.stringMatching(/column "y" to be float64, as its column is declared, got/),
    ]);
  });

  testWith('numpy', 'are vectors, cell by cell in the type of the array', async () => {
    const { lines, errors, end } = await written([
      'np.array([1.0, 2.0, np.nan])',
      'np.array([1, 2, 3])',
      'np.array([0.1, 1, 1e20], dtype="f4")',
      'np.array([1, 2, 2**64 - 1], dtype="u8")',
      'np.array([True, False, True])',
      'np.array([1, 2j, -1j])',
      'np.array([1, 2j, 0.1], dtype="c8")',
      'np.array(["a", "b c", "1"])',
      'np.array([1, 0.5, "text"], dtype=object)',
      'np.arange(6.0)[::2]',
      'np.array([1.5, 2, 3], dtype=">f8")',
      '[np.float32(0.1), np.int8(1), np.bool_(False)]',
    ]);
    expect(errors).toEqual([]);
    expect(lines).toEqual([
      '1.0   2.0   nan   ',
      '1   2   3   ',
      '0.1   1.0   1e+20   ',
      '1   2   18446744073709551615   ',
      'True   False   True   ',
      '(1+0j)   2j   (-0-1j)   ',
      '(1+0j)   2j   (0.1+0j)   ',
      'a   "b c"   "1"   ',
      '1   0.5   text   ',
      '0.0   2.0   4.0   ',
      '1.5   2.0   3.0   ',
      '0.1   1   False   ',
    ]);
    expect(end).toMatchObject({ nans: { y2: 1 } });
  });

  testWith('numpy', 'are refused in two dimensions, empty, or of other types', async () => {
    const { errors } = await written([
      'np.zeros((2, 2))',
      'np.array([])',
      'np.datetime64("2020-01-01")',
      'np.array([1, 2], dtype="M8[s]")',
      'np.bytes_(b"a")',
      'np.float64',
    ]);
    expect(errors).toEqual([
      expect.stringMatching(/got an array of 2 dimensions\.$/),
      expect.stringMatching(/got an empty array\.$/),
      expect.stringMatching(/got a datetime64\.$/),
      expect.stringMatching(/column "y0" to be .*, got a datetime64\.$/),
      expect.stringMatching(/got a bytes_\.$/),
      expect.stringMatching(/got a type\.$/),
    ]);
  });

  testWith('numpy', 'pass through plain calls', async () => {
    const host = startHost();
    const source = `
import numpy as np
def f(x):
    assert isinstance(x, np.ndarray) and x.flags.writeable
    return [str(x.dtype), x, x.reshape(2, -1), np.float32(0.5), np.int64(2**60), np.array(True), x.astype('>f4'), x > 1,
            np.bool_(True), np.complex64(1j), np.str_('s'), np.longdouble(0.5)]
`;
    const data = Buffer.from(new Float64Array([1, 2, 3, 4]).buffer).toString('base64');
    const array = { $array: { dtype: 'float64', data } };
    host.send(modelOf(source), { type: 'call', id: 1, calls: [{ args: [array] }] });
    const narrow = Buffer.from(new Float32Array([1, 2, 3, 4]).buffer).toString('base64');
    expect((await host.next('returned'))['values']).toEqual([
      [
        'float64',
        array,
        [
          [1, 2],
          [3, 4],
        ],
        0.5,
        { $bigint: String(2n ** 60n) },
        true,
        { $array: { dtype: 'float32', data: narrow } },
        [false, true, true, true],
        true,
        { $complex: [0, 1] },
        's',
        0.5,
      ],
    ]);
  });

  testWith('numpy', 'say by the name of their error why a point failed', async () => {
    const { errors } = await written(['np.linalg.inv(np.zeros((2, 2)))']);
    expect(errors).toEqual(['LinAlgError: Singular matrix']);
  });
});
