import { describe, expect, test } from '@jest/globals';
import fs from 'fs-extra';
import { join } from 'node:path';
import { hasTool } from '../tools.js';
import {
  events,
  expectExit,
  failures,
  fanfold,
  read,
  start,
  temporaryFolder,
  untilIn,
  writeWorker,
} from './command.js';

/**
 * Workers that mark each point that they begin in the file `begun` of their folder, wait at a point while a file `wait-X` is
 * there, and fail at it while there is one named `fail-X`, or end their process by `kill-X`.
 */
const KINDS: [string, (folder: string) => string][] = [
  [
    'a module',
    (folder) =>
      writeWorker(
        folder,
        'w.mjs',
        `import { appendFileSync, existsSync } from 'node:fs';
         export default async ({ x, folder }) => {
           const has = (what) => existsSync(folder + '/' + what + '-' + x);
           appendFileSync(folder + '/begun', x + '\\n');
           while (has('wait')) await new Promise((resolve) => setTimeout(resolve, 5));
           if (has('kill')) process.kill(process.pid, 'SIGKILL');
           if (has('fail')) throw new Error('no');
           return x;
         };\n`,
      ),
  ],
  ...(hasTool('python3') ? [['a Python function', pythonWorker] as [string, typeof pythonWorker]] : []),
];

function pythonWorker(folder: string): string {
  const code = `
import os, signal, time

def f(x, folder):
    has = lambda what: os.path.exists(f'{folder}/{what}-{x}')
    with open(folder + '/begun', 'a') as file:
        file.write(f'{x}\\n')
    while has('wait'):
        time.sleep(0.005)
    if has('kill'):
        os.kill(os.getpid(), signal.SIGKILL)
    if has('fail'):
        raise ValueError('no')
    return x
`;
  return `${writeWorker(folder, 'm.py', code)}:f`;
}

type Command = ReturnType<typeof start>;

/** Stops a run by a signal or by `fanfold stop`, and waits until it knows. */
async function stop(command: Command, how: string): Promise<void> {
  let said = '';
  command.stderr?.on('data', (text) => (said += String(text)));
  if (how.startsWith('SIG')) command.kill(how as NodeJS.Signals);
  else void start(['stop', how]);
  await untilIn(command, 'the stop had come', () => said.includes('Stopping'));
}

const SIX = '0   0\n1   1\n2   2\n3   3\n4   4\n5   5\n';

interface Sweep {
  readonly out: string;
  /** The arguments of its run: six points in one task. */
  readonly args: readonly string[];
  readonly put: (...names: string[]) => void;
  readonly remove: (...names: string[]) => void;
  /** The points that were begun since the last question. */
  readonly begun: () => number[];
  /** Starts a command that waits in that point. */
  readonly startInto: (point: number, args: readonly string[]) => Promise<{ command: Command }>;
}

function sweepOf(worker: (folder: string) => string): Sweep {
  const folder = temporaryFolder();
  const out = join(folder, 'run');
  const marks = join(folder, 'begun');
  const put = (...names: string[]): void => {
    for (const name of names) fs.writeFileSync(join(folder, name), '');
  };
  const spec = ['--range', '0:6', '--set', `folder=${folder}`, '--tasks', '1', '--retry-delay', '1ms'];
  return {
    out,
    args: [worker(folder), ...spec, '--out', out],
    put,
    remove: (...names) => {
      for (const name of names) fs.removeSync(join(folder, name));
    },
    begun: () => {
      const points = fs.existsSync(marks) ? read(marks).trimEnd().split('\n').map(Number) : [];
      fs.removeSync(marks);
      return points;
    },
    startInto: async (point, args) => {
      put(`wait-${String(point)}`);
      const command = start(args);
      const isIn = (): boolean => fs.existsSync(marks) && read(marks).endsWith(`${String(point)}\n`);
      await untilIn(command, `point ${String(point)} was begun`, isIn);
      return { command };
    },
  };
}

/** A sweep that has failed at some of its points. */
async function failedSweep(worker: (folder: string) => string, ...points: number[]): Promise<Sweep> {
  const sweep = sweepOf(worker);
  sweep.put(...points.map((point) => `fail-${String(point)}`));
  expectExit(await fanfold(sweep.args), 1);
  sweep.begun();
  return sweep;
}

describe.each(KINDS)('a retry of %s', (_, worker) => {
  test('that is stopped begins no missing point', async () => {
    const sweep = sweepOf(worker);
    sweep.put('fail-1');
    const first = await sweep.startInto(2, sweep.args);
    first.command.kill('SIGKILL');
    await first.command;
    sweep.remove('fail-1');
    sweep.begun();
    const { command } = await sweep.startInto(1, ['retry', sweep.out]);
    await stop(command, 'SIGINT');
    sweep.remove('wait-1', 'wait-2');
    expectExit(await command, 130);
    expect(sweep.begun()).toEqual([1]);
    expectExit(await fanfold(['resume', sweep.out]), 0);
    expect(sweep.begun()).toEqual([2, 3, 4, 5]);
    expect(read(sweep.out, 'result.txt')).toBe(SIX);
  });

  test('computes a point that fails again once, also where another one ends its process', async () => {
    const sweep = await failedSweep(worker, 1, 2, 3, 4);
    sweep.put('kill-4');
    sweep.remove('fail-3');
    const { exitCode, stderr } = await fanfold(['retry', sweep.out, '--max-failures', '3']);
    expect([exitCode, stderr]).toEqual([1, expect.not.stringContaining('Stopped by')]);
    // The first death lays no blame, so it is the third that leaves the point no retries.
    expect(sweep.begun()).toEqual([1, 2, 3, 4, 4, 4]);
    expect(failures(sweep.out).map(({ index }) => index)).toEqual([1, 2, 3, 4, 1, 2, 4, 4]);
    expect(read(sweep.out, 'task_index=0.txt.part')).toBe(
      '0   0\n# failed 1\n# failed 2\n3   3\n# failed 4\n5   5\n',
    );
    expect(events(sweep.out, 'end').at(-1)).toMatchObject({ failed: 3 });
    sweep.remove('fail-1', 'fail-2', 'fail-4', 'kill-4');
    expectExit(await fanfold(['retry', sweep.out]), 0);
    expect(sweep.begun()).toEqual([1, 2, 4]);
    expect(read(sweep.out, 'result.txt')).toBe(SIX);
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
    ['fanfold stop', 130],
  ])('that %s ends before it came to all points exits with %i', async (how, code) => {
    const sweep = await failedSweep(worker, 1, 2, 3);
    sweep.remove('fail-2');
    const { command } = await sweep.startInto(2, ['retry', sweep.out]);
    await stop(command, how === 'fanfold stop' ? sweep.out : how);
    sweep.remove('wait-2');
    const { exitCode, stderr } = await command;
    expect([exitCode, stderr]).toEqual([code, expect.stringContaining('2 points failed')]);
    expect(stderr).toContain(
      `Not all of them were computed again; what is done is kept. Go on with: fanfold retry ${sweep.out}\n`,
    );
    expect(String(stderr).includes('Stopped by fanfold stop')).toBe(how === 'fanfold stop');
    expect(stderr).not.toContain('Retry them alone');
    expect(sweep.begun()).toEqual([1, 2]);
    expect((await fanfold(['attach', sweep.out])).exitCode).toBe(code);
    sweep.remove('fail-1', 'fail-3');
    expectExit(await fanfold(['retry', sweep.out]), 0);
    expect(sweep.begun()).toEqual([1, 3]);
    expect(read(sweep.out, 'result.txt')).toBe(SIX);
  });

  test('that --time-limit ends before it came to all points exits with 75', async () => {
    const sweep = await failedSweep(worker, 1, 2);
    const { command } = await sweep.startInto(2, ['retry', sweep.out, '--time-limit', '4s', '--quiet']);
    const { exitCode, stderr } = await command;
    expect([exitCode, stderr]).toEqual([
      75,
      `fanfold: Stopped by --time-limit; go on with: fanfold retry ${sweep.out}\n`,
    ]);
    expect((await fanfold(['attach', sweep.out])).exitCode).toBe(75);
  });

  test.each([
    ['killed', 137],
    ['stopped at once', 130],
  ])('that is %s loses the point in hand only: all others count at once', async (how, code) => {
    const sweep = await failedSweep(worker, 1, 2, 3, 4);
    sweep.remove('fail-1', 'fail-2');
    const { command } = await sweep.startInto(3, ['retry', sweep.out]);
    if (how === 'killed') command.kill('SIGKILL');
    else void start(['stop', sweep.out, '--now']);
    const { exitCode, stderr } = await command;
    if (code === 130) {
      expect([exitCode, stderr]).toEqual([
        code,
        expect.stringContaining('Stopping at once, as fanfold stop --now'),
      ]);
      expect(stderr).toContain('6 points in 1 task (2 points computed now, 0 tasks complete)');
      expect(stderr).toMatch(/pid \d+ .*, ended with the run\n/);
    }
    const { stdout } = await fanfold(['status', sweep.out, '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ points: { done: 4, failed: 2 }, failedPoints: [3, 4] });
    expectExit(await fanfold(['fold', sweep.out, '--on-error', 'nan']), 0);
    expect(read(sweep.out, 'result.txt')).toBe('0   0\n1   1\n2   2\n3   nan\n4   nan\n5   5\n');
    expect(sweep.begun()).toEqual([1, 2, 3]);
    sweep.remove('wait-3', 'fail-3', 'fail-4');
    expectExit(await fanfold(['retry', sweep.out]), 0);
    expect(sweep.begun()).toEqual([3, 4]);
    expect(read(sweep.out, 'result.txt')).toBe(SIX);
  });

  test('that is killed before any point has a result keeps nothing of a worker that is mended then', async () => {
    const sweep = await failedSweep(worker, 0, 1, 2, 3, 4, 5);
    const { command } = await sweep.startInto(2, ['retry', sweep.out]);
    command.kill('SIGKILL');
    await command;
    sweep.remove('wait-2', ...[0, 1, 2, 3, 4, 5].map((point) => `fail-${String(point)}`));
    fs.appendFileSync(String(sweep.args[0]).replace(/:f$/, ''), '\n');
    expectExit(await fanfold(sweep.args), 0);
    expect(read(sweep.out, 'result.txt')).toBe(SIX);
  });

  test('is seen by how many of its points it has computed', async () => {
    const sweep = await failedSweep(worker, 1, 2, 3, 4);
    sweep.remove('fail-1');
    const { command } = await sweep.startInto(3, ['retry', sweep.out]);
    const view = start(['attach', sweep.out]);
    const said = { retry: '', view: '' };
    command.stderr?.on('data', (bytes: Buffer) => (said.retry += String(bytes)));
    view.stderr?.on('data', (bytes: Buffer) => (said.view += String(bytes)));
    for (const who of ['retry', 'view'] as const) {
      await untilIn(command, `the progress of the ${who}`, () => said[who].includes(' points ('));
      expect(said[who]).toMatch(/fanfold: 4\/6 points \(66 %\), .*, 1 failed\n/);
    }
    sweep.remove('wait-3');
    expect((await command).exitCode).toBe(1);
    expect((await view).exitCode).toBe(1);
  });

  test('that is stopped in its last point ends as any', async () => {
    const sweep = await failedSweep(worker, 1, 2);
    sweep.remove('fail-2');
    const { command } = await sweep.startInto(2, ['retry', sweep.out]);
    await stop(command, 'SIGINT');
    sweep.remove('wait-2');
    const { exitCode, stderr } = await command;
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('Retry them alone with: fanfold retry')]);
    expect(stderr).not.toContain('Not all of them');
    expect((await fanfold(['attach', sweep.out])).exitCode).toBe(1);
  });
});
