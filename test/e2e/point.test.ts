import { describe, expect, test } from '@jest/globals';
import fs from 'fs-extra';
import { join } from 'node:path';
import { testWith } from '../tools.js';
import { fanfold, read, start, temporaryFolder, until, WORKERS, writeWorker } from './command.js';

/** All files of a folder with their contents. */
function snapshot(folder: string): Record<string, string> {
  const names = fs.readdirSync(folder, { recursive: true }).map(String);
  const files = names.filter((name) => fs.statSync(join(folder, name)).isFile());
  return Object.fromEntries(files.map((name) => [name, read(folder, name)]));
}

const WORKER = `
export default function model({ x }, context) {
  console.log('at', x, context.index, context.task_index);
  if (x === 5 && !process.env.MENDED) throw new RangeError('five');
  if (x === 6) process.kill(process.pid, 'SIGSEGV');
  return { y: x * 2, random: context.random() };
}
`;

describe('fanfold run DIR --point', () => {
  test('prints the line that a point has in its task file, and what its worker prints', async () => {
    const out = join(temporaryFolder(), 'run');
    const worker = writeWorker(temporaryFolder(), 'w.mjs', WORKER);
    await fanfold([
      worker,
      '--param',
      'x=1:6:2',
      '--param',
      'name=a,b',
      '--set',
      'k=1',
      '--tasks',
      '3',
      '--out',
      out,
    ]);
    const before = snapshot(out);
    const lines = [0, 1].flatMap((task) =>
      read(out, `task_index=${String(task)}.txt`)
        .split('\n')
        .slice(0, -1),
    );
    for (const [index, line] of lines.entries()) {
      const { exitCode, stdout, stderr } = await fanfold(['run', out, '--point', String(index)]);
      expect([exitCode, stdout]).toEqual([0, `${line}\n`]);
      expect(stderr).toMatch(new RegExp(`^at \\d ${String(index)} \\d\\n$`));
    }
    expect(snapshot(out)).toEqual(before);
  });

  test('tells why a point fails, and gives its line once that is mended', async () => {
    const out = join(temporaryFolder(), 'run');
    const worker = writeWorker(temporaryFolder(), 'w.mjs', WORKER);
    const { exitCode } = await fanfold([worker, '--range', '0:8', '--tasks', '2', '--out', out]);
    expect(exitCode).toBe(1);
    const thrown = await fanfold(['run', out, '--point', '5']);
    expect([thrown.exitCode, thrown.stdout]).toEqual([1, '']);
    expect(thrown.stderr).toContain(
      'at 5 5 1\nPoint 5 of task 1 failed:\nparameters: x=5\nRangeError: five\n    at model',
    );
    expect(thrown.stderr).toMatch(
      /\nverdict: {8}your code: it threw an error\n.*\nend of its log:\n {2}at 5 5 1\nonce more: /s,
    );
    const crashed = await fanfold(['run', out, '--point', '6']);
    expect([crashed.exitCode, crashed.stdout]).toEqual([1, '']);
    expect(crashed.stderr).toContain('SIGSEGV');
    expect(crashed.stderr).toMatch(
      /\nverdict: {8}your code: it crashed by SIGSEGV\nended by: {7}SIGSEGV\nprocessor time: [\d.]+ s(?:\npeak memory: {4}[\d.]+ MiB)?\nmachine: .*\nonce more: {6}fanfold run .* --point 6\n$/,
    );
    expect(crashed.stderr).not.toContain('{');

    fs.appendFileSync(worker, '// mended\n');
    const mended = await fanfold(['run', out, '--point', '5'], { env: { MENDED: '1' } });
    expect([mended.exitCode, mended.stdout]).toEqual([0, expect.stringMatching(/^5 {3}10 {3}0\.\d+\n$/)]);
    expect(mended.stderr).toContain('differs from the one that the run was begun with: w.mjs.');
  });

  test('has the time limit of its run, or its own', async () => {
    const out = join(temporaryFolder(), 'run');
    const worker = writeWorker(
      temporaryFolder(),
      'w.mjs',
      'export default ({ x }) => { if (x) for (;;); return x; };\n',
    );
    await fanfold([worker, '--range', '0:2', '--tasks', '2', '--timeout', '0.3s', '--out', out]);
    const limited = await fanfold(['run', out, '--point', '1']);
    expect([limited.exitCode, limited.stderr]).toEqual([
      1,
      expect.stringContaining('did not end within 0.3 s'),
    ]);
    const own = await fanfold(['run', out, '--point', '1', '--timeout', '0.2s']);
    expect([own.exitCode, own.stderr]).toEqual([1, expect.stringContaining('did not end within 0.2 s')]);
  });

  test('is ended by a second signal', async () => {
    const out = join(temporaryFolder(), 'run');
    const code =
      'export default ({ x }) => { console.log("busy"); if (x && !process.env.FAST) for (;;); return x; };\n';
    const worker = writeWorker(temporaryFolder(), 'w.mjs', code);
    await fanfold([worker, '--range', '0:2', '--tasks', '1', '--out', out], { env: { FAST: '1' } });
    const point = start(['run', out, '--point', '1']);
    let stderr = '';
    point.stderr?.on('data', (bytes: Buffer) => (stderr += String(bytes)));
    await until('the point to begin', () => stderr.includes('busy'));
    point.kill('SIGINT');
    await until('the notice', () => stderr.includes('Again to end it at once'));
    point.kill('SIGINT');
    const { exitCode, stdout } = await point;
    expect([exitCode, stdout]).toEqual([130, '']);
  });

  test('holds only the parameters of that point against a schema', async () => {
    const folder = temporaryFolder();
    const schema = (most: number): string =>
      `import { z } from ${JSON.stringify(join(process.cwd(), 'node_modules/zod/index.js'))};
       export const schema = z.object({ x: z.number().max(${String(most)}), k: z.number().default(7) });
       export default ({ x, k }) => x * k;\n`;
    const worker = writeWorker(folder, 'w.mjs', schema(9));
    const out = join(folder, 'run');
    await fanfold([worker, '--range', '0:4', '--out', out]);
    fs.writeFileSync(worker, schema(1));
    expect((await fanfold(['run', out, '--point', '1'])).stdout).toBe('1   7\n');
    const refused = await fanfold(['run', out, '--point', '2']);
    expect([refused.exitCode, refused.stderr]).toEqual([2, expect.stringContaining('[FANFOLD_SCHEMA]')]);
  });

  test('runs a command, and leaves its folder where it failed', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'run');
    const line = 'echo T={T} >&2; echo {seed} > {out}/seed; test {T} -ne 3 && echo {T} {index}';
    await fanfold([
      '--range',
      '1:3',
      '--param',
      'T=2,3',
      '--format',
      'csv',
      '--out',
      out,
      '--shell',
      '--',
      line,
    ]);
    const { exitCode, stdout, stderr } = await fanfold(['run', out, '--point', '2']);
    expect([exitCode, stdout, stderr]).toEqual([0, '2,2,2,2\n', 'T=2\n']);
    const failed = await fanfold(['run', out, '--point', '3']);
    expect([failed.exitCode, failed.stdout]).toEqual([1, '']);
    const kept = /folder \{out\} is kept: (.*)\n/.exec(failed.stderr)?.[1] ?? '';
    expect(read(kept, 'seed')).toMatch(/^\d+\n$/);
    fs.removeSync(join(kept, '..', '..'));
  });

  test('runs a program that stays alive', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'run');
    const program = writeWorker(
      folder,
      'stream.mjs',
      `import { createInterface } from 'node:readline';
       for await (const line of createInterface({ input: process.stdin })) {
         const { x, index } = JSON.parse(line);
         console.error('asked', x);
         console.log(x === 3 ? '{"error":"three","index":3}' : JSON.stringify({ y: x * 2, index }));
       }\n`,
    );
    await fanfold([
      '--range',
      '0:5',
      '--format',
      'jsonl',
      '--out',
      out,
      '--stream',
      '--',
      process.execPath,
      program,
    ]);
    const { exitCode, stdout, stderr } = await fanfold(['run', out, '--point', '4']);
    expect([exitCode, stdout, stderr]).toEqual([0, '{"x":4,"y":8}\n', 'asked 4\n']);
    const failed = await fanfold(['run', out, '--point', '3']);
    expect([failed.exitCode, failed.stderr]).toEqual([1, expect.stringContaining('three')]);
  });

  testWith('python3', 'runs a Python function, with what a points file leaves out', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'run');
    const code =
      'def f(x, y=3, *, seed):\n    print("x", x, flush=True)\n    if x == 4:\n        raise ValueError("four")\n    return x * y, seed\n';
    writeWorker(folder, 'm.py', code);
    const points = writeWorker(folder, 'p.csv', 'x,y\n1,2\n2,\n4,5\n');
    for (const method of ['fork', 'spawn']) {
      const args = ['--points', points, '--start-method', method, '--tasks', '1', '--force', '--out', out];
      await fanfold([`${join(folder, 'm.py')}:f`, ...args]);
      const [, second] = read(out, 'task_index=0.txt.part').split('\n');
      const found = await fanfold(['run', out, '--point', '1']);
      expect(found).toEqual({ exitCode: 0, stdout: `${second ?? ''}\n`, stderr: 'x 2\n' });
      const failed = await fanfold(['run', out, '--point', '2']);
      expect([failed.exitCode, failed.stderr]).toEqual([1, expect.stringContaining('ValueError: four')]);
    }
  });

  test.each([
    [['--point', '1'], 'Expected the directory of a run with --point, got none'],
    [['.', '--point', '1'], 'to be a run directory, but it holds no sweep.json'],
    [[join(WORKERS, 'double.ts'), '--point', '1'], 'to be a run directory, but it holds no sweep.json'],
    [['.', '--point', '-1'], 'Expected --point to be a whole number'],
    [['.', '--point', '1.5'], 'Expected --point to be a whole number'],
    [['.', '--point', '1', '--tasks', '2'], 'got --tasks too'],
    [['.', '--point', '1', '--dry-run'], 'got --dry-run too'],
    [['.', '--point', '1', '--', 'true'], 'got a command too'],
  ])('%j is refused', async (args, message) => {
    const folder = temporaryFolder();
    const { exitCode, stdout, stderr } = await fanfold(['run', ...args], { cwd: folder });
    expect([exitCode, stdout, stderr]).toEqual([2, '', expect.stringContaining(message)]);
    expect(fs.readdirSync(folder)).toEqual([]);
  });

  test('of an index that the run does not have is refused', async () => {
    const out = join(temporaryFolder(), 'run');
    await fanfold(['--range', '0:4', '--out', out]);
    const { exitCode, stderr } = await fanfold(['run', out, '--point', '4']);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('from 0 to 3, got 4')]);
  });
});
