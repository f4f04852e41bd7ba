import { describe, expect, test } from '@jest/globals';
import fs from 'fs-extra';
import { join } from 'node:path';
import { testWith } from '../tools.js';
import { fanfold, read, temporaryFolder, writeWorker } from './command.js';

const WORKER = `
export default ({ x }) => {
  if (x === 1 && !process.env.MENDED) throw new Error('one');
  return RESULT;
};
`;

const ROWS: [string, string, string, string[]][] = [
  ['a scalar', 'x', 'txt', ['0   0', '1   nan', '2   2']],
  ['a scalar', 'x', 'csv', ['x,y', '0,0', '1,nan', '2,2']],
  ['a scalar', 'x', 'jsonl', ['{"x":0,"y":0}', '{"x":1,"y":"nan"}', '{"x":2,"y":2}']],
  ['an array', '[x, "a b"]', 'txt', ['0   0   "a b"   ', '1   nan   nan   ', '2   2   "a b"   ']],
  ['an array', '[x, "a b"]', 'csv', ['x,y0,y1', '0,0,"a b"', '1,nan,nan', '2,2,"a b"']],
  [
    'named columns',
    '({ b: x > 1, z: { re: 1, im: 2 } })',
    'txt',
    ['0   False   (1+2j)', '1   nan   nan', '2   True   (1+2j)'],
  ],
  [
    'named columns',
    '({ b: x > 1, n: 7n })',
    'jsonl',
    ['{"x":0,"b":false,"n":7}', '{"x":1,"b":"nan","n":"nan"}', '{"x":2,"b":true,"n":7}'],
  ],
];

describe('--on-error nan', () => {
  test.each(ROWS)(
    'of %s (%s, %s) writes nan for failed points, until they are retried',
    async (_, result, format, rows) => {
      const folder = temporaryFolder();
      const [out, whole] = [join(folder, 'run'), join(folder, 'whole')];
      const worker = writeWorker(folder, 'w.mjs', WORKER.replace('RESULT', result));
      const args = [worker, '--range', '0:3', '--tasks', '2', '--format', format];
      const env = { MENDED: '1' };
      const { exitCode, stdout, stderr } = await fanfold([...args, '--on-error', 'nan', '--out', out]);
      const file = join(out, `result.${format}`);
      expect([exitCode, stdout]).toEqual([1, `${file}\n`]);
      expect(stderr).toContain(`1 point failed`);
      expect(stderr).toContain(`${file} holds nan for them.`);
      expect(read(file)).toBe(rows.map((row) => `${row}\n`).join(''));
      const status = JSON.parse((await fanfold(['status', out, '--json'])).stdout) as object;
      expect(status).toMatchObject({ state: 'failed', result: file, failedPoints: [1] });
      const manifest = fs.readJsonSync(join(out, 'sweep.json')) as object;
      expect(manifest).toMatchObject({
        proof: { failed: { count: 1, ranges: '1' }, nan: { count: 1, ranges: '1' } },
      });

      expect((await fanfold(['retry', out, '--quiet'], { env })).exitCode).toBe(0);
      await fanfold([...args, '--out', whole], { env });
      expect(read(file)).toBe(read(whole, `result.${format}`));
      expect(fs.readJsonSync(join(out, 'sweep.json'))).toMatchObject({ proof: { failed: { count: 0 } } });
    },
  );

  test('of a command, and of a points file with gaps', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'run');
    const points = writeWorker(folder, 'p.csv', 'x,k\n1,a\n2,b\n3,\n4,\n');
    const line = 'x={x}; test $x -ne 2 && test $x -ne 3 && echo "$x 0.5"';
    const args = [
      '--points',
      points,
      '--columns',
      'n,e',
      '--on-error',
      'nan',
      '--format',
      'csv',
      '--out',
      out,
    ];
    expect((await fanfold([...args, '--shell', '--', line])).exitCode).toBe(1);
    expect(read(out, 'result.csv')).toBe('x,k,n,e\n1,a,1,0.5\n2,b,nan,nan\n3,,nan,nan\n4,,4,0.5\n');
  });

  testWith('python3', 'of a Python function, whose values of logspace are its own', async () => {
    const folder = temporaryFolder();
    const [out, whole] = [join(folder, 'run'), join(folder, 'whole')];
    const code =
      'import os\ndef f(x, n):\n    if n % 2 and "MENDED" not in os.environ:\n        raise ValueError("odd")\n    return 1\n';
    const model = `${writeWorker(folder, 'm.py', code)}:f`;
    const args = [model, '--param', 'x=logspace(-3,2,7)', '--param', 'n=9007199254740993,2', '--header'];
    expect((await fanfold([...args, '--on-error', 'nan', '--out', out])).exitCode).toBe(1);
    await fanfold([...args, '--out', whole], { env: { MENDED: '1' } });
    const expected = read(whole, 'result.txt').replaceAll(/(?<=\d{16} {3})1$/gm, 'nan');
    expect(expected).toContain('nan');
    expect(read(out, 'result.txt')).toBe(expected);
  });

  test('is for fanfold fold too, and nothing is filled in without it', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'run');
    const worker = writeWorker(folder, 'w.mjs', WORKER.replace('RESULT', 'x / 2'));
    await fanfold([worker, '--param', 'x=0,1,2', '--tasks', '1', '--out', out]);
    expect(fs.existsSync(join(out, 'result.txt'))).toBe(false);
    const refused = await fanfold(['fold', out]);
    expect([refused.exitCode, refused.stderr]).toEqual([1, expect.stringContaining('[FANFOLD_INCOMPLETE]')]);
    const filled = await fanfold(['fold', out, '--on-error', 'nan', '--header']);
    expect(filled).toMatchObject({ exitCode: 0, stdout: `${join(out, 'result.txt')}\n` });
    const before = read(out, 'result.txt');
    expect(before).toMatch(/^# x y\n0 {3}0(?:\.0)?\n1 {3}nan\n2 {3}1(?:\.0)?\n$/);
    // A retry that fails again leaves no result of a moment that has passed, unless it is told to.
    expect((await fanfold(['retry', out, '--on-error', 'nan'])).exitCode).toBe(1);
    expect(read(out, 'result.txt').split('\n').slice(-4)).toEqual(before.split('\n').slice(-4));
  });

  test('waits for points that are missing', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'run');
    const worker = writeWorker(folder, 'w.mjs', WORKER.replace('RESULT', 'x'));
    const args = [
      '--range',
      '0:400',
      '--tasks',
      '4',
      '--jobs',
      '1',
      '--max-failures',
      '0',
      '--on-error',
      'nan',
    ];
    const slow = WORKER.replace('RESULT', 'new Promise((resolve) => setTimeout(resolve, 5, x))');
    fs.writeFileSync(worker, slow);
    expect((await fanfold([worker, ...args, '--out', out])).stdout).toBe('');
    expect(fs.existsSync(join(out, 'result.txt'))).toBe(false);
    expect((await fanfold(['fold', out, '--on-error', 'nan'])).exitCode).toBe(1);
    expect((await fanfold(['resume', out, '--quiet'])).exitCode).toBe(1);
    const rows = Array.from({ length: 400 }, (_, x) => `${String(x)}   ${x === 1 ? 'nan' : String(x)}\n`);
    expect(read(out, 'result.txt')).toBe(rows.join(''));
  });

  test('has no result where no point has one', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'run');
    const worker = writeWorker(folder, 'w.mjs', 'export default () => { throw new Error("all"); };\n');
    const { exitCode, stdout, stderr } = await fanfold([
      worker,
      '--range',
      '0:3',
      '--on-error',
      'nan',
      '--out',
      out,
    ]);
    expect([exitCode, stdout, stderr]).toEqual([1, '', expect.stringContaining('No point has a result')]);
    const folded = await fanfold(['fold', out, '--on-error', 'nan']);
    expect([folded.exitCode, folded.stderr]).toEqual([1, expect.stringContaining('[FANFOLD_INCOMPLETE]')]);
  });
});
