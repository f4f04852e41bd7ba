import { describe, expect } from '@jest/globals';
import fs from 'fs-extra';
import { join } from 'node:path';
import { temporaryFolder } from '../e2e/command.js';
import { testWith } from '../tools.js';
import { program, type Ended } from './program.js';

const MODEL = `
import os, signal, sys, time

def double(x):
    return 2 * x

def add(a, b=0):
    return a + b

def pid(x):
    return os.getpid()

def kill_at_7(x):
    if x == 7:
        os.kill(os.getpid(), signal.SIGKILL)
    return x

def exit_at_7(x):
    if x == 7:
        print('last words', flush=True)
        os._exit(3)
    return x

def leave_at_7(x, code):
    if x == 7:
        sys.exit(code)
    return x

def version():
    return list(sys.version_info[:2])

def raise_at_7(x):
    if x == 7:
        raise ValueError('no seven')
    return x

def forever():
    time.sleep(600)

def set_value(num, value):
    num.value = value

def count(num, numbers, times):
    for _ in range(times):
        with num.get_lock():
            num.value += 1
    numbers[0] = os.getpid()

def greet(name, a=0, b=-1):
    print(name, a, b)
    return (name, a, b, 1 + 2j, None, float('nan'), 2**70)
`;

/** An interpreter that ends at once, as one does that is too old. */
const OLD = '#!/bin/sh\ncase "$*" in *version_info*) echo 3.6.9; exit 0;; esac\nexit 1\n';

function withModel(code: string): Promise<Ended> {
  const folder = temporaryFolder();
  fs.writeFileSync(join(folder, 'old-python'), OLD, { mode: 0o755 });
  fs.writeFileSync(join(folder, 'model.py'), MODEL);
  return program(code, folder);
}

describe('a Python function in a pool', () => {
  testWith('python3', 'gives values in order from its own processes, beside JavaScript ones', async () => {
    const { value } = await withModel(
      `const pool = new Pool(2);
       const [py, js, sums, named] = await Promise.all([pool.map('model.py:double', range(50)), pool.map('w.mjs', range(50)), pool.starmap('model.py:add', [[1, 2], [3, 4]]), pool.apply('model.py:add', [1], { b: 5 })]);
       const pids = new Set(await pool.map('model.py:pid', range(20), { chunkSize: 1 }));
       pool.close();
       await pool.join();
       give({ py, js, sums, named, pids: pids.size });`,
    );
    const doubled = Array.from({ length: 50 }, (_, x) => 2 * x);
    expect(value).toMatchObject({ py: doubled, js: doubled, sums: [3, 7], named: 6 });
    expect([1, 2]).toContain((value as { pids: number }).pids);
  });

  testWith('python3', 'that dies or raises rejects with the item in hand, and the pool goes on', async () => {
    const { value, exitCode } = await withModel(
      `const pool = new Pool(2);
       const found = [];
       for (const name of ['kill_at_7', 'exit_at_7', 'raise_at_7'])
         found.push(await pool.map('model.py:' + name, range(20), { chunkSize: 5 }).then(() => 'no error', describe));
       give([...found, await pool.map('model.py:double', range(3))]);`,
    );
    const [killed, exited, raised, after] = value as Record<string, unknown>[];
    expect(killed).toMatchObject({ index: 7, item: 7, signal: 'SIGKILL' });
    expect(exited).toMatchObject({
      index: 7,
      item: 7,
      exitStatus: 3,
      output: expect.stringContaining('last words'),
    });
    expect(raised).toMatchObject({
      index: 7,
      item: 7,
      message: expect.stringContaining('ValueError: no seven'),
    });
    expect(after).toEqual([0, 2, 4]);
    expect(exitCode).toBe(0);
  });
});

describe('a Python function that calls sys.exit', () => {
  testWith('python3', 'ends its Process with that code, and in a pool is a crash of its item', async () => {
    const { value, stderr } = await withModel(
      `const found = {};
       for (const [name, code] of Object.entries({ none: null, zero: 0, three: 3, text: 'no more' })) {
         const p = new Process('model.py:leave_at_7', { args: [7, code] });
         const error = p.start().result.catch(describe);
         await p.join();
         found[name] = [p.exitCode, (await error).code];
       }
       const pool = new Pool(2);
       const items = range(20).map((x) => [x, 3]);
       const crash = await pool.starmap('model.py:leave_at_7', items, { chunkSize: 5 }).catch(describe);
       give([found, crash, await pool.map('model.py:double', [1])]);`,
    );
    const [found, crash, after] = value as unknown[];
    const code = 'FANFOLD_CRASHED';
    expect(found).toEqual({ none: [0, code], zero: [0, code], three: [3, code], text: [1, code] });
    expect(stderr).toBe('no more');
    expect(crash).toMatchObject({ code, index: 7, exitStatus: 3, signal: null });
    expect(after).toEqual([2]);
  });
});

describe('the interpreter of a Python function', () => {
  testWith('python3', 'that is too old is named by the error', async () => {
    const { value, stderr } = await withModel(
      `const python = './old-python';
       const errors = [await new Process('model.py:double', { args: [1], python }).start().result.catch(describe)];
       const pool = new Pool(2, { python });
       errors.push(await pool.map('model.py:double', range(50)).catch(describe));
       errors.push(await pool.imap('model.py:double', range(3)).next().catch(describe));
       const unwatched = new Process('model.py:double', { args: [1], python, name: 'unwatched' });
       await unwatched.start().join();
       give([errors.map(({ code, message }) => [code, message.includes('Expected Python 3.8 or newer, got Python 3.6.9')]), unwatched.exitCode]);`,
    );
    expect(value).toEqual([[0, 1, 2].map(() => ['FANFOLD_PYTHON', true]), 1]);
    expect(stderr).toMatch(/^unwatched \(pid \d+\): Expected Python 3\.8 or newer, got Python 3\.6\.9/);
  });

  testWith('python3', 'can be named, and means nothing to JavaScript in the same pool', async () => {
    const { value } = await withModel(
      `const python = 'python3';
       const pool = new Pool(1, { python });
       const error = (() => { try { new Process('w.mjs', { python }); } catch (e) { return e.message; } })();
       give([await pool.apply('model.py:version'), await pool.map('w.mjs', [2]), await new Process('model.py:version', { python }).start().result, error]);`,
    );
    const [pool, js, single, error] = value as unknown[];
    expect([js, single, error]).toEqual([[4], pool, expect.stringContaining('with a Python worker')]);
  });
});

describe('a Python function in a Process', () => {
  testWith('python3', 'takes keyword arguments, prints, and its value comes back', async () => {
    const { stdout, value } = await withModel(
      `const p = new Process('model.py:greet', { args: ['job1'], kwargs: { a: 7 } });
       p.start();
       const pid = p.pid;
       await p.join();
       const [name, a, b, complex, none, nan, large] = await p.result;
       give({ alive: pid > 0, exitCode: p.exitCode, name, a, b, complex, none, isNan: Number.isNaN(nan), large: String(large) });`,
    );
    expect(stdout).toContain('job1 7 -1');
    expect(value).toEqual({
      alive: true,
      exitCode: 0,
      name: 'job1',
      a: 7,
      b: -1,
      complex: { re: 1, im: 2 },
      none: null,
      isNan: true,
      large: String(2n ** 70n),
    });
  });

  testWith('python3', 'is ended by terminate and kill, with the exit codes of Python', async () => {
    const { value } = await withModel(
      `const processes = [0, 1].map(() => new Process('model.py:forever'));
       for (const p of processes) { p.start(); p.result.catch(() => 0); }
       const begun = new Process('model.py:double', { args: [1] });
       begun.start();
       await begun.join();
       processes[0].terminate();
       processes[1].kill();
       for (const p of processes) await p.join();
       give(processes.map(({ exitCode }) => exitCode));`,
    );
    expect((value as number[])[1]).toBe(-9);
    expect([-15, -9]).toContain((value as number[])[0]);
  });

  testWith('python3', 'returns values through shared memory, as in the article', async () => {
    const { value } = await withModel(
      `const [num1, num2] = [sharedValue('d', 0.0), sharedValue('d', 0.0)];
       const processes = [new Process('model.py:set_value', { args: [num1, 100.0] }), new Process('model.py:set_value', { args: [num2, 200.0] })];
       for (const p of processes) p.start();
       for (const p of processes) await p.join();
       give([num1.value, num2.value]);`,
    );
    expect(value).toEqual([100, 200]);
  });

  testWith('python3', 'and a JavaScript one add to one number under one lock, and lose nothing', async () => {
    const { value } = await withModel(
      `const num = sharedValue('q', 0);
       const numbers = sharedArray('d', 2);
       const python = [0, 1].map(() => new Process('model.py:count', { args: [num, numbers, 300] }));
       for (const p of python) p.start();
       for (let i = 0; i < 300; i++) await num.add(1);
       for (const p of python) await p.join();
       give([Number(num.value), python.some(({ pid }) => pid === numbers.get(0)), python.map(({ exitCode }) => exitCode)]);`,
    );
    expect(value).toEqual([900, true, [0, 0]]);
  });
});
