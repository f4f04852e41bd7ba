import { describe, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { events, fanfold, read, temporaryFolder, WORKERS, writeWorker } from './command.js';

const SLEEP = join(WORKERS, 'sleep.ts');

describe('the article’s tables', () => {
  test('four jobs in series are one process', async () => {
    const out = join(temporaryFolder(), 'run');
    const { exitCode } = await fanfold([
      SLEEP,
      '--param',
      'name=job1,job2,job3,job4',
      '--set',
      'seconds=0.05',
      '--tasks',
      '4',
      '--serial',
      '--out',
      out,
    ]);
    expect(exitCode).toBe(0);
    const pids = read(out, 'result.txt')
      .trimEnd()
      .split('\n')
      .map((line) => line.split('   ')[2]);
    expect(pids).toHaveLength(4);
    expect(new Set(pids).size).toBe(1);
  });

  test('four jobs in parallel are four processes at the same time', async () => {
    const out = join(temporaryFolder(), 'run');
    await fanfold([
      SLEEP,
      '--param',
      'name=job1,job2,job3,job4',
      '--set',
      'seconds=1',
      '--tasks',
      '4',
      '--jobs',
      '4',
      '--out',
      out,
    ]);
    const starts = events(out, 'start');
    const ends = events(out, 'end');
    expect(new Set(starts.map(({ pid }) => pid)).size).toBe(4);
    expect(Math.max(...starts.map(({ time }) => time))).toBeLessThan(
      Math.min(...ends.map(({ time }) => time)),
    );
  });

  test('64 tasks over 16 processes use each of them several times, results in order', async () => {
    const out = join(temporaryFolder(), 'run');
    await fanfold([
      SLEEP,
      '--range',
      '0:64',
      '--set',
      'seconds=0.1',
      '--tasks',
      '64',
      '--jobs',
      '16',
      '--out',
      out,
    ]);
    const rows = read(out, 'result.txt')
      .trimEnd()
      .split('\n')
      .map((line) => line.split('   '));
    expect(rows.map(([x]) => Number(x))).toEqual(Array.from({ length: 64 }, (_, x) => x));
    expect(new Set(events(out, 'end').map(({ pid }) => pid)).size).toBe(16);
  });
});

describe('processes', () => {
  test('are one for each task where there are no more tasks than job slots', async () => {
    const out = join(temporaryFolder(), 'run');
    await fanfold(['--range', '0:17', '--tasks', '4', '--jobs', '4', '--out', out]);
    expect(new Set(events(out, 'end').map(({ pid }) => pid)).size).toBe(4);
  });

  test('are new for every task with --fresh', async () => {
    const out = join(temporaryFolder(), 'run');
    await fanfold(['--range', '0:17', '--tasks', '6', '--jobs', '2', '--fresh', '--out', out]);
    expect(new Set(events(out, 'end').map(({ pid }) => pid)).size).toBe(6);
  });

  test('are several tasks for each slot where no number of tasks is given', async () => {
    const out = join(temporaryFolder(), 'run');
    const { stderr } = await fanfold(['--range', '0:1000', '--jobs', '3', '--out', out]);
    expect(stderr).toContain('1,000 points in 48 tasks; 3 processes, at most 3 at once');
  });

  test('share the processors: thread variables are set to processors / jobs unless the user set them', async () => {
    const folder = temporaryFolder();
    const names = ['OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS', 'NUMEXPR_NUM_THREADS'];
    const worker = writeWorker(
      folder,
      'w.mjs',
      `export default () => ${JSON.stringify(names)}.map((name) => process.env[name] ?? 'none').join(' ');\n`,
    );
    const env = { MKL_NUM_THREADS: '5' };
    await fanfold([worker, '--range', '0:1', '--jobs', '64', '--out', join(folder, 'run')], { env });
    expect(read(folder, 'run', 'result.txt')).toBe('0   "1 1 5 1"\n');
  });

  test('get the number of threads of --threads, whatever the environment has', async () => {
    const folder = temporaryFolder();
    const worker = writeWorker(folder, 'w.mjs', 'export default () => process.env.OMP_NUM_THREADS;\n');
    const args = [worker, '--range', '0:1', '--out', join(folder, 'run'), '--threads'];
    const env = { OMP_NUM_THREADS: '5' };
    await fanfold([...args, '3'], { env });
    expect(read(folder, 'run', 'result.txt')).toBe('0   "3"\n');
    expect(await fanfold([...args, '0'], { env })).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('Expected --threads to be a positive integer') as unknown,
    });
  });

  test('compared give the speed-up, the efficiency and the same bytes', async () => {
    const cwd = temporaryFolder();
    const args = ['--range', '0:17', '--tasks', '4', '--jobs', '2', '--compare'];
    const { exitCode, stdout } = await fanfold(args, { cwd });
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/serial +[\d.]+ s +1 process \(\d+\)/);
    expect(stdout).toMatch(/parallel +[\d.]+ s +2 processes \(\d+, \d+\)/);
    expect(stdout).toMatch(/speed-up [\d.]+, efficiency [\d.]+ with 2 job slots/);
    expect(stdout).toContain('results: the same bytes');
    expect((await fanfold(args, { cwd })).exitCode).toBe(2);
    expect((await fanfold([...args, '--force'], { cwd })).exitCode).toBe(0);
  });
});
