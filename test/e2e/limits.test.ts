import { describe, expect, test } from '@jest/globals';
import fs from 'fs-extra';
import { join } from 'node:path';
import { hasTool } from '../tools.js';
import {
  doneLines,
  events,
  failures,
  fanfold,
  isAlive,
  read,
  temporaryFolder,
  writeWorker,
} from './command.js';

/** Workers of each kind that fail at every fifth point unless they are mended, and then take some milliseconds. */
const KINDS: [string, (folder: string) => string[]][] = [
  [
    'a module',
    (folder) => [
      writeWorker(
        folder,
        'w.mjs',
        `export default async ({ x }) => {
           await new Promise((resolve) => setTimeout(resolve, 5));
           if (x % 5 === 3 && !process.env.MENDED) throw new Error('three');
           return x * 2;
         };\n`,
      ),
    ],
  ],
  ...(hasTool('python3') ? [['a Python function', pythonWorker] as [string, typeof pythonWorker]] : []),
  [
    'a command',
    () => ['--shell', '--', 'x={x}; sleep 0.005; test "$MENDED" || test $((x % 5)) -ne 3 && echo $((x * 2))'],
  ],
];

function pythonWorker(folder: string): string[] {
  const code =
    'import os, time\ndef f(x):\n    time.sleep(0.005)\n    if x % 5 == 3 and "MENDED" not in os.environ:\n        raise ValueError("three")\n    return x * 2\n';
  return [`${writeWorker(folder, 'm.py', code)}:f`];
}

/** Options before the worker or command. */
function withOptions(worker: readonly string[], options: readonly string[]): string[] {
  return worker.length === 1 ? [...worker, ...options] : [...options, ...worker];
}

const POINTS = 200;
const DOUBLED = Array.from({ length: POINTS }, (_, x) => `${String(x)}   ${String(2 * x)}\n`).join('');

describe.each(KINDS)('of %s', (_, worker) => {
  test.each([
    ['--max-failures', '2', 'Stopped by --max-failures, because more than 2 points failed', 3],
    ['--max-failures', '1.5%', 'Stopped by --max-failures, because more than 1.5 % of the points failed', 4],
    ['--on-error', 'stop', 'Stopped by --on-error stop, because a point failed', 1],
  ])('%s %s stops a run early, and it is gone on with', async (option, value, message, least) => {
    const folder = temporaryFolder();
    const out = join(folder, 'run');
    const args = [
      '--range',
      `0:${String(POINTS)}`,
      '--tasks',
      '2',
      '--jobs',
      '2',
      '--out',
      out,
      option,
      value,
    ];
    const { exitCode, stdout, stderr } = await fanfold(withOptions(worker(folder), args));
    expect([exitCode, stdout, stderr]).toEqual([1, '', expect.stringContaining(message)]);
    expect(stderr).toContain('Go on with: fanfold resume');
    const failed = failures(out).length;
    expect(failed).toBeGreaterThanOrEqual(least);
    // Another process may have had a point in hand.
    expect(failed).toBeLessThanOrEqual(least + 2);
    expect(doneLines(out)).toBeLessThan(POINTS / 2);

    // What failed before is not counted again, so that it goes on until as many more have failed.
    const again = await fanfold(['resume', out, '--quiet']);
    expect([again.exitCode, again.stderr]).toEqual([1, expect.stringContaining(message)]);
    expect(failures(out).length).toBeGreaterThanOrEqual(failed + least);
    const mended = await fanfold(['retry', out, '--quiet'], { env: { MENDED: '1' } });
    expect(mended).toMatchObject({ exitCode: 0, stderr: '' });
    expect(read(out, 'result.txt')).toBe(DOUBLED);
  });

  test('--time-limit stops a run cleanly with exit code 75, and it is gone on with', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'run');
    const args = ['--range', '0:2000', '--tasks', '2', '--jobs', '2', '--out', out, '--time-limit', '2s'];
    const env = { MENDED: '1' };
    const { exitCode, stdout, stderr } = await fanfold(withOptions(worker(folder), args), { env });
    expect([exitCode, stdout, stderr]).toEqual([75, '', expect.stringContaining('Stopped by --time-limit')]);
    expect(stderr).toContain('Go on with: fanfold resume');
    const done = doneLines(out);
    expect(done).toBeGreaterThan(0);
    expect(done).toBeLessThan(2000);
    expect(events(out, 'died')).toEqual([]);
    // It is of that session alone.
    const again = await fanfold(['resume', out, '--quiet'], { env });
    expect([again.exitCode, again.stderr]).toEqual([0, '']);
    expect(events(out, 'end').reduce((sum, { points }) => sum + points, 0)).toBe(2000);
    expect(read(out, 'result.txt').startsWith(DOUBLED)).toBe(true);
  }, 60_000);
});

test('a point that outlasts the time limit and its grace is ended, and lost alone', async () => {
  const folder = temporaryFolder();
  const out = join(folder, 'run');
  const pids = join(folder, 'pids');
  const line = `echo $$ >> '${pids}'; if [ {x} = 3 ] && ! [ "$MENDED" ]; then sleep 600; fi; echo {x}`;
  const args = ['--range', '0:6', '--tasks', '1', '--time-limit', '2s', '--out', out, '--shell', '--', line];
  const { exitCode, stderr } = await fanfold(args);
  expect([exitCode, stderr]).toEqual([75, expect.stringContaining('3 points to go')]);
  expect(read(out, 'task_index=0.txt.part')).toBe('0   0\n1   1\n2   2\n');
  expect(fs.existsSync(join(out, 'failures.jsonl'))).toBe(false);
  expect(read(pids).trim().split('\n').map(Number).some(isAlive)).toBe(false);
  expect((await fanfold(['resume', out], { env: { MENDED: '1' } })).exitCode).toBe(0);
  expect(read(out, 'result.txt')).toBe('0   0\n1   1\n2   2\n3   3\n4   4\n5   5\n');
});

test('a clock that jumps by hours at every look changes nothing', async () => {
  const folder = temporaryFolder();
  const out = join(folder, 'run');
  // In the coordinator and in every host of node.
  const jumps = writeWorker(
    folder,
    'jumps.cjs',
    'const now = Date.now; let sign = 1; Date.now = () => now() + (sign = -sign) * Math.floor(Math.random() * 12 * 3_600_000);\n',
  );
  const code =
    'export default ({ x }) => { if (x === 30_000 && !process.env.MENDED) for (;;); return x * 2; };\n';
  const worker = writeWorker(folder, 'w.mjs', code);
  const env = { NODE_OPTIONS: `--require ${jumps}` };
  const limits = ['--timeout', '1s', '--time-limit', '1h', '--max-memory', '4G'];
  const args = [worker, '--range', '0:40000', '--tasks', '2', '--jobs', '2', ...limits, '--out', out];
  expect((await fanfold(args, { env })).exitCode).toBe(1);
  expect(failures(out).map(({ index }) => index)).toEqual([30_000]);
  expect(events(out, 'died').every(({ seconds }) => seconds > 0 && seconds < 60)).toBe(true);
  const retried = await fanfold(['retry', out, '--quiet'], { env: { ...env, MENDED: '1' } });
  expect(retried).toMatchObject({ exitCode: 0, stderr: '' });
  const rows = Array.from({ length: 40_000 }, (_, x) => `${String(x)}   ${String(2 * x)}\n`);
  expect(read(out, 'result.txt')).toBe(rows.join(''));
});

test('a time limit that passes before the run begins writes nothing', async () => {
  const folder = temporaryFolder();
  const { exitCode, stderr } = await fanfold(['--range', '0:4', '--time-limit', '1ms'], { cwd: folder });
  expect([exitCode, stderr]).toEqual([75, expect.stringContaining('[FANFOLD_STOPPED]')]);
  expect(fs.readdirSync(folder)).toEqual([]);
});

test('a run that is complete within its limits ends as any', async () => {
  const out = join(temporaryFolder(), 'run');
  const limits = ['--time-limit', '1h', '--max-failures', '0', '--on-error', 'stop'];
  const { exitCode, stderr } = await fanfold(['--range', '0:4', '--quiet', ...limits, '--out', out]);
  expect([exitCode, stderr]).toEqual([0, '']);
});

test.each([
  ['--max-failures', '-1'],
  ['--max-failures', '101%'],
  ['--max-failures', 'many'],
  ['--on-error', 'ignore'],
  ['--time-limit', '0'],
  ['--time-limit', '-1s'],
  ['--time-limit', 'noon'],
  ['--time-limit', '25d'],
])('%s %s is refused', async (option, value) => {
  const folder = temporaryFolder();
  for (const args of [
    ['--range', '0:4'],
    ['resume', 'run'],
  ]) {
    const { exitCode, stdout, stderr } = await fanfold([...args, `${option}=${value}`], { cwd: folder });
    expect([exitCode, stdout, stderr]).toEqual([2, '', expect.stringContaining(option)]);
  }
  expect(fs.readdirSync(folder)).toEqual([]);
});
