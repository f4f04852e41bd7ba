import { describe, expect } from '@jest/globals';
import fs from 'fs-extra';
import { join } from 'node:path';
import { childrenOf } from '../processes.js';
import { testWith } from '../tools.js';
import {
  doneLines,
  events,
  failures,
  fanfold,
  isAlive,
  read,
  start,
  temporaryFolder,
  until,
  writeWorker,
} from './command.js';

// Each point takes a few milliseconds of real computing.
const SLOW = `
import time
def f(x):
    end = time.perf_counter() + 0.004
    while time.perf_counter() < end:
        pass
    return [x * 3, True]
`;
const POINTS = 200;
const EXPECTED = Array.from({ length: POINTS }, (_, x) => `${String(x)}   ${String(3 * x)}   True   \n`).join(
  '',
);

function slowRun(code = SLOW): { out: string; args: string[] } {
  const folder = temporaryFolder();
  const out = join(folder, 'run');
  const worker = `${writeWorker(folder, 'model.py', code)}:f`;
  return {
    out,
    args: [worker, '--range', `0:${String(POINTS)}`, '--tasks', '6', '--jobs', '3', '--out', out],
  };
}

/** Processes that computed in this run and are alive. */
function forks(out: string): number[] {
  if (!fs.existsSync(join(out, 'events.jsonl'))) return [];
  return [...new Set(events(out, 'start').map(({ pid }) => pid))].filter(isAlive);
}

/** The process that the forks are children of. */
function serverOf(coordinator: number): number | undefined {
  return childrenOf(coordinator).find(({ args }) => args.includes('fanfold_host'))?.pid;
}

function killHard(pid: number | undefined): void {
  if (pid !== undefined && isAlive(pid)) process.kill(pid, 'SIGKILL');
}

describe('a Python run that is stopped', () => {
  testWith('python3', 'by Ctrl-C finishes the points in hand, and resumes', async () => {
    const { out, args } = slowRun();
    const run = start(args);
    await until('some lines', () => doneLines(out) > 20);
    run.kill('SIGINT');
    expect((await run).exitCode).toBe(130);
    expect(doneLines(out)).toBeLessThan(POINTS);
    expect(forks(out)).toEqual([]);
    expect((await fanfold(['resume', out])).exitCode).toBe(0);
    expect(read(out, 'result.txt')).toBe(EXPECTED);
    expect(fs.existsSync(join(out, 'failures.jsonl'))).toBe(false);
  });

  for (const [title, body] of [
    ['sleeps in C', 'time.sleep(600)'],
    ['is busy for ever', 'while True: pass'],
  ]) {
    testWith('python3', `by a second Ctrl-C ends at once, though the model ${String(title)}`, async () => {
      const { out, args } = slowRun(
        `import time\ndef f(x):\n    if x > 0:\n        ${String(body)}\n    return x\n`,
      );
      const run = start(args);
      await until('the first line', () => doneLines(out) === 1);
      const pids = forks(out);
      run.kill('SIGINT');
      const again = setInterval(() => run.kill('SIGINT'), 100);
      const { exitCode, signal } = await run;
      clearInterval(again);
      // One more while node is ending already is heard by nobody; a shell calls both 130.
      expect([130, 'SIGINT']).toContain(exitCode ?? signal);
      expect(pids.some(isAlive)).toBe(false);
      expect(read(out, 'task_index=0.txt.part')).toBe('0   0\n');
    });

    testWith(
      'python3',
      `by SIGKILL of the coordinator leaves no process, though the model ${String(title)}`,
      async () => {
        const folder = temporaryFolder();
        const code = `import os, subprocess, time\ndef f(x):\n    child = subprocess.Popen(["sleep", "1000"])\n    open(os.path.join(os.environ["PIDS"], str(child.pid)), "w").close()\n    ${String(body)}\n`;
        const { out, args } = slowRun(code);
        const run = start(args, { env: { PIDS: folder } });
        await until('all grandchildren', () => fs.readdirSync(folder).length === 3);
        const server = serverOf(run.pid ?? 0);
        const all = [
          ...fs.readdirSync(folder).map(Number),
          ...forks(out),
          ...(server === undefined ? [] : [server]),
        ];
        expect(all).toHaveLength(7);
        run.kill('SIGKILL');
        await run;
        await until('all of them to end', () => !all.some(isAlive), 2_000);
      },
    );
  }
});

describe('a Python run that is killed', () => {
  testWith(
    'python3',
    'at random moments, coordinator, fork server and forks alike, gives the same bytes',
    async () => {
      const { out, args } = slowRun();
      const kills = { coordinator: 0, server: 0, fork: 0 };
      for (let round = 0; round < 100 && Object.values(kills).some((count) => count < 5); round++) {
        const run = start(args);
        const wanted = doneLines(out) + 1 + Math.floor(Math.random() * 20);
        await until('more lines, or the end', () => doneLines(out) >= wanted || run.exitCode !== null);
        if (run.exitCode === null) {
          const server = serverOf(run.pid ?? 0);
          const victims = forks(out);
          if (round % 3 === 1 && server !== undefined) {
            killHard(server);
            kills.server++;
          }
          if (round % 3 === 2 && victims.length > 0) {
            killHard(victims[0]);
            kills.fork++;
          }
          await new Promise((resolve) => setTimeout(resolve, Math.random() * 50));
          if (run.kill('SIGKILL')) kills.coordinator++;
        }
        await run;
        await until('every process to end', () => forks(out).length === 0, 2_000);
        if (doneLines(out) >= POINTS - 20) fs.removeSync(out);
      }
      expect(Math.min(...Object.values(kills))).toBeGreaterThanOrEqual(5);
      const { exitCode, stderr } = await fanfold(args);
      expect([exitCode, stderr]).toEqual([0, expect.any(String)]);
      expect(read(out, 'result.txt')).toBe(EXPECTED);
    },
    120_000,
  );

  testWith('python3', 'in its forks alone goes on in new ones', async () => {
    const { out, args } = slowRun();
    const run = start(args);
    await until('some lines', () => doneLines(out) > 10);
    killHard(forks(out)[0]);
    await until('a death', () => events(out, 'died').length === 1 || run.exitCode !== null);
    const { exitCode, stderr } = await run;
    expect([exitCode, String(stderr)]).toEqual([0, expect.stringContaining('died')]);
    expect(read(out, 'result.txt')).toBe(EXPECTED);
  });

  testWith(
    'python3',
    'in its fork server goes on: forks that live compute, and new ones come from a new server',
    async () => {
      const { out, args } = slowRun();
      const run = start([...args, '--fresh']);
      await until('some lines', () => doneLines(out) > 10);
      const server = serverOf(run.pid ?? 0);
      expect(server).toBeDefined();
      killHard(server);
      await until(
        'another server',
        () => ![undefined, server].includes(serverOf(run.pid ?? 0)) || run.exitCode !== null,
      );
      const { exitCode, stderr } = await run;
      expect([exitCode, String(stderr)]).toEqual([0, expect.any(String)]);
      expect(read(out, 'result.txt')).toBe(EXPECTED);
      expect(new Set(events(out, 'end').map(({ pid }) => pid)).size).toBe(6);
    },
  );
});

describe('a Python process that dies at a point', () => {
  for (const [body, causes] of [
    [
      'os.kill(os.getpid(), signal.SIGSEGV)',
      ['SIGSEGV, an invalid memory access', 'at 3', 'Fatal Python error', 'line 5 in f'],
    ],
    ['os._exit(3)', ['exit status 3', 'at 3']],
    ['os.kill(os.getpid(), signal.SIGKILL)', ['SIGKILL, often the out-of-memory killer', 'at 3']],
  ] as const) {
    for (const method of ['fork', 'spawn']) {
      testWith(
        'python3',
        `by ${body} fails that point alone, with the cause and the last words (${method})`,
        async () => {
          const folder = temporaryFolder();
          const out = join(folder, 'run');
          const code = `import os, signal\ndef f(x):\n    if x == 3:\n        print("at", x)\n        ${body}\n    return x\n`;
          const args = ['--range', '0:8', '--tasks', '2', '--start-method', method, '--out', out];
          const { exitCode, stderr } = await fanfold([`${writeWorker(folder, 'model.py', code)}:f`, ...args]);
          expect([exitCode, stderr]).toEqual([1, expect.stringContaining('point 3 (x=3)')]);
          const found = failures(out);
          expect(found.map(({ index, attempt }) => [index, attempt])).toEqual([
            [3, 1],
            [3, 2],
          ]);
          for (const cause of causes) expect(found[1]?.error).toContain(cause);
          expect(read(out, 'task_index=0.txt.part')).toBe('0   0\n1   1\n2   2\n# failed 3\n');
          expect(read(out, 'task_index=1.txt')).toBe('4   4\n5   5\n6   6\n7   7\n');
        },
      );
    }
  }
});

describe('a Python model with processes of its own', () => {
  testWith('python3', 'leaves none of them behind', async () => {
    const folder = temporaryFolder();
    const code = 'import subprocess\ndef f(x):\n    return subprocess.Popen(["sleep", "1000"]).pid\n';
    const out = join(folder, 'run');
    expect(
      (await fanfold([`${writeWorker(folder, 'model.py', code)}:f`, '--range', '0:1', '--out', out]))
        .exitCode,
    ).toBe(0);
    const pid = Number(read(out, 'result.txt').split('   ')[1]);
    await until('the child to end', () => !isAlive(pid), 2_000);
  });
});

describe('a Python model that replaces open', () => {
  testWith('python3', 'has its failed points recorded all the same', async () => {
    const folder = temporaryFolder();
    const code =
      'import builtins\ndef f(x):\n    builtins.open = None\n    if x == 2:\n        raise ValueError("no")\n    return x\n';
    const out = join(folder, 'run');
    const worker = `${writeWorker(folder, 'model.py', code)}:f`;
    const { exitCode } = await fanfold([worker, '--range', '0:6', '--tasks', '2', '--out', out]);
    expect([exitCode, failures(out).map(({ index }) => index)]).toEqual([1, [2]]);
  });
});
