import { describe, expect, test } from '@jest/globals';
import { execa } from 'execa';
import fs from 'fs-extra';
import { join } from 'node:path';
import { testWith } from '../tools.js';
import {
  COMMAND,
  doneLines,
  events,
  expectExit,
  fanfold,
  isAlive,
  read,
  start,
  temporaryFolder,
  until,
  untilIn,
  writeWorker,
} from './command.js';

const RESULT = Array.from({ length: 12 }, (_, x) => `${String(x)}   ${String(2 * x)}\n`).join('');
const SPEC = ['--range', '0:12', '--tasks', '3', '--jobs', '2'];
/** Computes without an end at x = 6 until the file named by GATE is there, and tells nobody that it lives. */
const BUSY =
  "import { existsSync } from 'node:fs';\nexport default ({ x }) => { while (x === 6 && !existsSync(process.env.GATE)); return 2 * x; };\n";
/** Waits at x = 6 until the file named by GATE is there. */
const GATED =
  "import { existsSync } from 'node:fs';\nexport default async ({ x }) => { while (x === 6 && !existsSync(process.env.GATE)) await new Promise((r) => setTimeout(r, 10)); return 2 * x; };\n";
/** At the last point of task 0 another file takes the name of the task's, as often as TIMES says. */
const TAKEN = `
import { appendFileSync, copyFileSync, existsSync, readFileSync, renameSync } from 'node:fs';
export default ({ x }) => {
  const { OUT: out, COUNT: count, TIMES: times } = process.env;
  if (x === 3 && (existsSync(count) ? readFileSync(count, 'utf8').length : 0) < Number(times)) {
    appendFileSync(count, '.');
    copyFileSync(out + '/task_index=0.txt.part', out + '/other');
    renameSync(out + '/other', out + '/task_index=0.txt.part');
  }
  return 2 * x;
};
`;
const TAKEN_IN_PYTHON = `
import os, shutil
def double(x):
    out, count = os.environ['OUT'], os.environ['COUNT']
    done = os.path.getsize(count) if os.path.exists(count) else 0
    if x == 3 and done < int(os.environ['TIMES']):
        with open(count, 'a') as file:
            file.write('.')
        shutil.copy(out + '/task_index=0.txt.part', out + '/other')
        os.rename(out + '/other', out + '/task_index=0.txt.part')
    return 2 * x
`;

describe('the processes of a coordinator that was killed', () => {
  // A process that computes without a pause notices nothing, and here nobody is left to end it.
  testWith(
    'procfs',
    'are ended by the next one before it computes, whatever became of the reaper',
    async () => {
      const { out, args, gate } = busyRun();
      const run = start(args, { env: { GATE: gate } });
      await until('the busy point', () => fs.existsSync(join(out, 'events.jsonl')) && doneLines(out) === 10);
      // Stopped first, or it would replace the reaper.
      process.kill(run.pid ?? 0, 'SIGSTOP');
      const left = childrenOf(run.pid ?? 0);
      const hosts = events(out, 'spawn').map(({ pid }) => pid);
      expect(hosts).toHaveLength(2);
      const reapers = left.filter((pid) => !hosts.includes(pid));
      expect(reapers.length).toBeGreaterThan(0);
      for (const pid of [...reapers, run.pid ?? 0]) process.kill(pid, 'SIGKILL');
      await run;
      const busy = hosts.filter(isAlive);
      expect(busy.length).toBeGreaterThan(0);
      const next = start(args, { env: { GATE: gate } });
      await until('a new process', () => events(out, 'spawn').length > 2);
      expect(busy.filter(isAlive)).toEqual([]);
      fs.writeFileSync(gate, '');
      expect(await next).toMatchObject({ exitCode: 0 });
      expect(read(out, 'result.txt')).toBe(RESULT);
    },
  );
});

describe('a task whose file another process takes', () => {
  for (const [language, name, code] of [
    ['JavaScript', 'w.mjs', TAKEN],
    ['Python', 'w.py:double', TAKEN_IN_PYTHON],
  ] as const) {
    const needs = language === 'Python' ? 'python3' : 'posix';
    testWith(needs, `is gone on with, in ${language}`, async () => {
      const { out, args, env } = takenRun(name, code, 2);
      const { exitCode, stderr } = await fanfold(args, { env });
      expect([exitCode, stderr]).toEqual([0, expect.any(String)]);
      expect(read(out, 'result.txt')).toBe(RESULT);
    });

    testWith(needs, `again and again ends the run, in ${language}`, async () => {
      const { out, args, env } = takenRun(name, code, 9);
      const { exitCode, stderr } = await fanfold(args, { env });
      expect([exitCode, stderr]).toEqual([1, expect.stringContaining('another process took task 0 3 times')]);
      expect(stderr).toContain('[FANFOLD_LOCKED]');
      expect(fs.existsSync(join(out, 'lock'))).toBe(false);
      expect((await fanfold(args, { env: { ...env, TIMES: '0' } })).exitCode).toBe(0);
      expect(read(out, 'result.txt')).toBe(RESULT);
    });
  }
});

/** Waits at the point named by AT until the file named by GATE is there, and then throws where END says so. */
const WAITING = `
import { existsSync } from 'node:fs';
export default async ({ x, k }) => {
  const { AT: at, GATE: gate, END: end } = process.env;
  while (x === Number(at) && !existsSync(gate)) await new Promise((r) => setTimeout(r, 5));
  if (x === Number(at) && end === 'throw') throw new Error('no');
  return k === 2 ? 2 * x : [x, 'another'];
};
`;
const WAITING_IN_PYTHON = `
import os, time
def f(x, k):
    isAt = x == int(os.environ['AT'])
    while isAt and not os.path.exists(os.environ['GATE']):
        time.sleep(0.005)
    if isAt and os.environ['END'] == 'throw':
        raise ValueError('no')
    return 2 * x if k == 2 else (x, 'another')
`;

describe('a run whose directory is removed, and in which another run is begun', () => {
  for (const [needs, name, code] of [
    ['posix', 'w.mjs', WAITING],
    ['python3', 'w.py:f', WAITING_IN_PYTHON],
  ] as const) {
    for (const [at, end] of [
      [0, 'return'],
      [3, 'return'],
      [2, 'throw'],
    ] as const) {
      testWith(needs, `writes nothing into it: ${name}, point ${String(at)}, ${end}`, async () => {
        const folder = temporaryFolder();
        const file = writeWorker(folder, name.split(':')[0] ?? '', code);
        const out = join(folder, 'out');
        const args = (k: number): string[] =>
          `run --range 0:12 --set k=${String(k)} --tasks 3 --jobs 2 --retries 0`
            .split(' ')
            .concat('--worker', name.replace(/^[^:]+/, file), '--out', out);
        const [oldGate, newGate] = [join(folder, 'old'), join(folder, 'new')];
        const old = start(args(1), { env: { AT: String(at), GATE: oldGate, END: end } });
        // All that does not wait is done.
        const finals = ['1', '2'].map((task) => join(out, `task_index=${task}.txt`));
        await untilIn(old, 'the point', () => finals.every(fs.existsSync) && doneLines(out) === 8 + at);
        // What goes with a part is removed after it has its final name.
        await until('its end', () => !finals.some((final) => fs.existsSync(`${final}.part.check`)));
        fs.removeSync(out);
        const next = start(args(2), { env: { AT: '1', GATE: newGate, END: 'return' } });
        await untilIn(next, 'its point', () => doneLines(out) === 9);
        fs.writeFileSync(oldGate, '');
        const { exitCode, stderr } = await old;
        expect([exitCode, stderr]).toEqual([1, expect.stringContaining('[FANFOLD_LOCKED]')]);
        fs.writeFileSync(newGate, '');
        expect(await next).toMatchObject({ exitCode: 0 });
        expect(read(out, 'result.txt')).toBe(RESULT);
        expect(fs.existsSync(join(out, 'failures.jsonl'))).toBe(false);
        const own = new Set([next.pid, ...events(out, 'spawn').map(({ pid }) => pid)]);
        const kinds = ['open', 'start', 'end', 'close'];
        expect(kinds.flatMap((kind) => events(out, kind)).filter(({ pid }) => !own.has(pid))).toEqual([]);
        const layouts = events(out, 'layout').map((event) => JSON.stringify({ ...event, time: 0, task: 0 }));
        expect(new Set(layouts.map((layout) => layout.replace(/"crc".*/, ''))).size).toBe(1);
        expectExit(await fanfold(['verify', out]), 0);
      });
    }
  }
});

describe('a coordinator on another machine', () => {
  testWith('uts', 'that lives is seen by its lock, and is not disturbed', async () => {
    const { out, args, gate } = gatedRun();
    const run = startElsewhere(args, gate);
    await until('the gate', () => doneLines(out) === 10);
    for (const command of [args, ['resume', out], ['fold', out]]) {
      const { exitCode, stderr } = await fanfold(command, { env: { GATE: gate } });
      expect([exitCode, stderr]).toEqual([2, expect.stringContaining('process ')]);
      expect(stderr).toContain('on node17 does: wait for it');
    }
    fs.writeFileSync(gate, '');
    expect((await run).exitCode).toBe(0);
    expect(read(out, 'result.txt')).toBe(RESULT);
  });

  testWith(
    'uts',
    'that was suspended for long is followed by another one, and ends when it wakes up',
    async () => {
      const { out, args, gate } = gatedRun();
      const sleeper = startElsewhere(args, gate);
      await until('the gate', () => doneLines(out) === 10);
      await othersEnded(out);
      const asleep = [...childrenOf(sleeper.pid ?? 0).filter(isAlive), sleeper.pid ?? 0];
      for (const pid of asleep) process.kill(pid, 'SIGSTOP');
      const next = start(['resume', out, '--fs-latency', '1s'], { env: { GATE: gate } });
      await until('the next one', () => events(out, 'open').length === 2, 90_000);
      await until('its processes', () => events(out, 'spawn').length > 2);
      for (const pid of asleep) process.kill(pid, 'SIGCONT');
      const { exitCode, stderr } = await sleeper;
      expect([exitCode, stderr]).toEqual([1, expect.stringContaining(`process ${String(next.pid)}`)]);
      expect(stderr).toContain('took it over');
      expect(stderr).toContain('[FANFOLD_LOCKED]');
      expect(events(out, 'close')).toEqual([]);
      await until('its processes to end', () => !asleep.some(isAlive), 2_000);
      fs.writeFileSync(gate, '');
      const ended = await next;
      expect([ended.exitCode, ended.stderr]).toEqual([0, expect.stringContaining("can't be seen from here")]);
      expect(read(out, 'result.txt')).toBe(RESULT);
    },
    150_000,
  );
});

test('a run directory that is copied during its run is another run’s, and the first one’s processes go on', async () => {
  const { folder, out, args, gate } = gatedRun();
  const run = start(args, { env: { GATE: gate } });
  await until('the gate', () => doneLines(out) === 10);
  // The one that is left writes nothing before the gate is open.
  await othersEnded(out);
  const copy = join(folder, 'copy');
  fs.copySync(out, copy);
  const open = join(folder, 'open');
  fs.writeFileSync(open, '');
  expect(await fanfold(['resume', copy], { env: { GATE: open } })).toMatchObject({ exitCode: 0 });
  expect(read(copy, 'result.txt')).toBe(RESULT);
  expect(events(out, 'spawn').map(({ pid }) => isAlive(pid))).toContain(true);
  fs.writeFileSync(gate, '');
  expect((await run).exitCode).toBe(0);
  expect(read(out, 'result.txt')).toBe(RESULT);
  expect(events(out, 'died')).toEqual([]);
});

/** Waits until the process at the gate is the only one. */
function othersEnded(out: string): Promise<void> {
  return until(
    'the others to end',
    () => events(out, 'spawn').filter(({ pid }) => isAlive(pid)).length === 1,
  );
}

/** Starts the command as on a machine called node17. */
function startElsewhere(args: readonly string[], gate: string): ReturnType<typeof start> {
  const script = 'hostname node17 && exec "$@"';
  return execa('unshare', ['--uts', 'sh', '-c', script, 'sh', process.execPath, COMMAND, ...args], {
    reject: false,
    stripFinalNewline: false,
    env: { CI: 'true', GATE: gate },
  }) as ReturnType<typeof start>;
}

function gatedRun(): { folder: string; out: string; args: string[]; gate: string } {
  const folder = temporaryFolder();
  const out = join(folder, 'run');
  const worker = writeWorker(folder, 'gated.mjs', GATED);
  return { folder, out, args: [worker, ...SPEC, '--out', out], gate: join(folder, 'gate') };
}

function busyRun(): { out: string; args: string[]; gate: string } {
  const folder = temporaryFolder();
  const out = join(folder, 'run');
  const worker = writeWorker(folder, 'busy.mjs', BUSY);
  return { out, args: [worker, ...SPEC, '--out', out], gate: join(folder, 'gate') };
}

function takenRun(
  name: string,
  code: string,
  times: number,
): { out: string; args: string[]; env: Record<string, string> } {
  const folder = temporaryFolder();
  const out = join(folder, 'run');
  const [file = '', ...rest] = name.split(':');
  const worker = [writeWorker(folder, file, code), ...rest].join(':');
  const env = { OUT: out, COUNT: join(folder, 'count'), TIMES: String(times) };
  return { out, args: [worker, ...SPEC, '--out', out], env };
}

/** The children of a process. */
function childrenOf(parent: number): number[] {
  return fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => parentOf(name) === parent)
    .map(Number);
}

function parentOf(pid: string): number | undefined {
  try {
    const stat = read('/proc', pid, 'stat');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    // It has ended since the listing.
    return undefined;
  }
}
