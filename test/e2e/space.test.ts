import { describe, expect, test } from '@jest/globals';
import { execa } from 'execa';
import fs from 'fs-extra';
import { join } from 'node:path';
import { COMMAND, fanfold, read, temporaryFolder, WORKERS, writeWorker } from './command.js';

const SUM = 'export default (point) => Object.values(point).join("/");\n';

describe('the space of a sweep', () => {
  test('is a grid in C order: the last parameter runs fastest', async () => {
    const folder = temporaryFolder();
    const worker = writeWorker(folder, 'w.mjs', 'export default ({ U, J }) => 10 * U + J;\n');
    const out = join(folder, 'run');
    await fanfold([worker, '--param', 'U=0:2', '--param', 'J=1,2,3', '--out', out]);
    expect(read(out, 'result.txt')).toBe(
      '0   1   1\n0   2   2\n0   3   3\n1   1   11\n1   2   12\n1   3   13\n',
    );
  });

  test('lets zipped parameters walk together', async () => {
    const folder = temporaryFolder();
    const worker = writeWorker(folder, 'w.mjs', SUM);
    const out = join(folder, 'run');
    const params = ['--param', 'U=1,2', '--param', 'k=up,down', '--param', 'V=0.5,1'];
    await fanfold([worker, ...params, '--zip', 'U,V', '--out', out]);
    expect(read(out, 'result.txt')).toBe(
      '1   0.5   up   1/0.5/up\n1   0.5   down   1/0.5/down\n2   1.0   up   2/1/up\n2   1.0   down   2/1/down\n',
    );
  });

  test.each([
    ['points.csv', 'T,L\n1.5,4\n2,8\n'],
    ['points.tsv', 'T\tL\n1.5\t4\n2\t8\n'],
    ['points.jsonl', '{"T":1.5,"L":4}\n{"T":2,"L":8}\n'],
  ])('takes points from %s', async (name, text) => {
    const folder = temporaryFolder();
    const worker = writeWorker(folder, 'w.mjs', 'export default ({ T, L, s }) => T * L + s;\n');
    fs.writeFileSync(join(folder, name), text);
    const out = join(folder, 'run');
    const { exitCode } = await fanfold([worker, '--points', name, '--set', 's=1', '--out', out], {
      cwd: folder,
    });
    expect(exitCode).toBe(0);
    expect(read(out, 'result.txt')).toBe('1.5   4   7.0\n2.0   8   17.0\n');
  });

  test('resumes from its own copy of the points, whatever becomes of the file', async () => {
    const folder = temporaryFolder();
    const worker = writeWorker(
      folder,
      'w.mjs',
      'export default ({ T }) => { if (T === 2 && !process.env.GO) throw new Error("no"); return T; };\n',
    );
    fs.writeFileSync(join(folder, 'p.csv'), 'T\n1\n2\n');
    const out = join(folder, 'run');
    expect((await fanfold([worker, '--points', 'p.csv', '--out', out], { cwd: folder })).exitCode).toBe(1);
    fs.writeFileSync(join(folder, 'p.csv'), 'T\n7\n');
    const { exitCode } = await fanfold(['retry', out], { env: { GO: '1' } });
    expect(exitCode).toBe(0);
    expect(read(out, 'result.txt')).toBe('1   1\n2   2\n');
  });

  test('leaves an empty cell of a points file to the default of the worker', async () => {
    const out = join(temporaryFolder(), 'run');
    const data = join(process.cwd(), 'data', 'kwargs.csv');
    await fanfold([join(WORKERS, 'kwargs.ts'), '--points', data, '--out', out]);
    const rows = read(out, 'result.txt')
      .trimEnd()
      .split('\n')
      .map((line) => line.split('   ').slice(-2));
    expect(rows).toEqual([
      ['5', '2'],
      ['5', '-1'],
      ['0', '2'],
      ['0', '-1'],
    ]);
  });

  test('of a billion points answers a dry run at once, in little memory, and starts and writes nothing', async () => {
    const cwd = temporaryFolder();
    const { stdout, exitCode } = await execa(
      process.execPath,
      ['--max-old-space-size=64', COMMAND, '--range', '0:1000000000', '--dry-run'],
      { cwd },
    );
    expect(exitCode).toBe(0);
    expect(stdout).toContain('points: 1,000,000,000');
    for (const shown of ['0: x=0', '999999999: x=999999999', 'tasks: ', 'run directory: runs/double-'])
      expect(stdout).toContain(shown);
    expect(fs.readdirSync(cwd)).toEqual([]);
  });

  test('has one point where only fixed arguments are given', async () => {
    const folder = temporaryFolder();
    const worker = writeWorker(folder, 'w.mjs', 'export default ({ a, b }) => `${a} and ${b}`;\n');
    await fanfold([worker, '--set', 'a=1,5', '--set', 'b=2', '--out', join(folder, 'run')]);
    expect(read(folder, 'run', 'result.txt')).toBe('"1,5 and 2"\n');
  });
});

describe('the format of the files', () => {
  const args = (folder: string): string[] => [
    writeWorker(
      folder,
      'w.mjs',
      'export default ({ x }) => ({ half: x / 2, "a name": x % 2 ? "a,b" : "say \\"hi\\"" });\n',
    ),
    '--range',
    '0:2',
    '--tasks',
    '2',
    '--out',
    join(folder, 'run'),
  ];

  test('csv has a header and csv files', async () => {
    const folder = temporaryFolder();
    await fanfold([...args(folder), '--format', 'csv']);
    expect(read(folder, 'run', 'task_index=1.csv')).toBe('1,0.5,"a,b"\n');
    expect(read(folder, 'run', 'result.csv')).toBe('x,half,"a name"\n0,0,"say ""hi"""\n1,0.5,"a,b"\n');
  });

  test('jsonl has one object a line', async () => {
    const folder = temporaryFolder();
    await fanfold([...args(folder), '--format', 'jsonl']);
    const lines = read(folder, 'run', 'result.jsonl')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    expect(lines).toEqual([
      { x: 0, half: 0, 'a name': 'say "hi"' },
      { x: 1, half: 0.5, 'a name': 'a,b' },
    ]);
  });

  test('--header is in result.txt only, and can be changed without computing anything', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'run');
    const command = ['--range', '0:2', '--tasks', '2', '--out', out];
    await fanfold([...command, '--header']);
    expect(read(out, 'result.txt')).toBe('# x y\n0   0\n1   2\n');
    expect(read(out, 'task_index=0.txt')).toBe('0   0\n');
    const { stderr } = await fanfold(command);
    expect(stderr).toContain('nothing to compute');
    expect(read(out, 'result.txt')).toBe('0   0\n1   2\n');
    await fanfold(['fold', out, '--header']);
    expect(read(out, 'result.txt')).toBe('# x y\n0   0\n1   2\n');
  });

  test('a vector result leaves the three blanks of guan at the end of a row', async () => {
    const folder = temporaryFolder();
    const worker = writeWorker(folder, 'w.mjs', 'export default ({ x }) => [x, x ** 2, x ** 3];\n');
    await fanfold([worker, '--param', 'x=linspace(0,1,5)', '--out', join(folder, 'run')]);
    expect(read(folder, 'run', 'result.txt')).toBe(read(process.cwd(), 'test/golden/y2d_float_n3.txt'));
  });

  test('says once where undeclared columns hold integers beside fractions', async () => {
    const folder = temporaryFolder();
    const worker = writeWorker(folder, 'w.mjs', 'export default ({ x }) => x / 2;\n');
    const { stderr } = await fanfold([worker, '--range', '0:3', '--out', join(folder, 'run')]);
    expect(stderr).toContain("let the worker export const columns = { y: 'float64' }");
    writeWorker(
      folder,
      'w2.mjs',
      "export const columns = { y: 'float64' };\nexport default ({ x }) => x / 2;\n",
    );
    await fanfold([join(folder, 'w2.mjs'), '--range', '0:3', '--out', join(folder, 'run2')]);
    expect(read(folder, 'run2', 'result.txt')).toBe(
      read(process.cwd(), 'test/golden/mixed_int_float_list.txt'),
    );
  });
});
