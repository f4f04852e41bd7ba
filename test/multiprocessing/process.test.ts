import { describe, expect, test } from '@jest/globals';
import { temporaryFolder, writeWorker } from '../e2e/command.js';
import { program, WORKERS } from './program.js';

/** A folder with a worker of the test's own. */
function folderWith(code: string, name = 'own.mjs'): string {
  const folder = temporaryFolder();
  writeWorker(folder, 'v.mjs', WORKERS);
  writeWorker(folder, name, code);
  return folder;
}

describe('a Process', () => {
  test('calls a function in another process, with arguments and keyword arguments', async () => {
    const { value, stdout, exitCode } = await program(
      `const made = [{ a: 1, b: 2 }, { a: 1 }, { b: 2 }, undefined].map((kwargs, i) => new Process('w.mjs:greet', { args: ['job' + i], ...(kwargs && { kwargs }) }));
       const before = made.map(({ pid, exitCode, isAlive }) => [pid, exitCode, isAlive]);
       for (const p of made) p.start();
       const alive = made.every((p) => p.isAlive && p.pid !== process.pid);
       for (const p of made) await p.join();
       give({ before, alive, codes: made.map((p) => p.exitCode), pids: new Set(made.map((p) => p.pid)).size, results: await Promise.all(made.map((p) => p.result)), names: made.map((p) => p.name) });`,
    );
    const results = [
      ['job0', 1, 2],
      ['job1', 1, -1],
      ['job2', 0, 2],
      ['job3', 0, -1],
    ];
    expect(value).toEqual({
      before: Array.from({ length: 4 }, () => [null, null, false]),
      alive: true,
      codes: [0, 0, 0, 0],
      pids: 4,
      results,
      names: ['Process-1', 'Process-2', 'Process-3', 'Process-4'],
    });
    // What they print is printed, in whatever order they end.
    expect(stdout.split('\n').slice(0, -1).sort()).toEqual(results.map((words) => words.join(' ')));
    expect(exitCode).toBe(0);
  });

  test('has the exit code 1 where the function throws, and prints the stack where nobody asks for the result', async () => {
    const { value, stderr, exitCode } = await program(
      `const silent = new Process('w.mjs:throwAt7', { args: [7], name: 'silent' });
       const watched = new Process('w.mjs:throwAt7', { args: [7], name: 'watched' });
       const error = watched.start().result.catch((e) => e);
       await silent.start().join();
       await watched.join();
       const { code, message, workerStack, pid } = await error;
       give([silent.exitCode, watched.exitCode, code, message, /at throwAt7 .*w\\.mjs:\\d+/.test(workerStack), pid === watched.pid, (await error) instanceof CallError]);`,
    );
    expect(value).toEqual([1, 1, 'FANFOLD_RAISED', 'RangeError: no seven', true, true, true]);
    expect(stderr).toMatch(/^silent \(pid \d+\): RangeError: no seven\n {4}at throwAt7 .*w\.mjs/);
    expect(stderr).not.toContain('watched');
    expect(exitCode).toBe(0);
  });

  test('has the exit codes of process.exit and of signals, from inside and outside', async () => {
    const { value } = await program(
      `const codes = {};
       const run = async (name, p, act) => {
         p.result.catch(() => undefined);
         p.start();
         act?.(p);
         await p.join();
         codes[name] = p.exitCode;
       };
       await run('exit', new Process('w.mjs:exit', { args: [3] }));
       await run('exit 0', new Process('w.mjs:exit', { args: [0] }));
       await run('kill', new Process('w.mjs:forever'), (p) => p.kill());
       await run('outside', new Process('w.mjs:forever'), (p) => process.kill(p.pid, 'SIGKILL'));
       await run('inside', new Process('w.mjs:killAt7', { args: [7] }));
       await run('fault', new Process('w.mjs:faultAt7', { args: [7] }));
       const error = await new Process('w.mjs:exit', { args: [3] }).start().result.catch(describe);
       give([codes, error]);`,
    );
    expect(value).toEqual([
      { exit: 3, 'exit 0': 0, kill: -9, outside: -9, inside: -9, fault: -11 },
      {
        code: 'FANFOLD_CRASHED',
        message: 'no result came. Its process ended by exit status 3.',
        exitStatus: 3,
        signal: null,
        output: '',
      },
    ]);
  });

  test.each(['forever', 'busy'])('is ended by terminate, also %s', async (worker) => {
    const { value } = await program(
      `const p = new Process('own.mjs:told', { args: ['${worker}'] });
       p.result.catch(() => undefined);
       p.start();
       while (!existsSync('told')) await setTimeout(5);
       p.terminate();
       await p.join();
       give([p.exitCode, p.isAlive]);
       import { existsSync } from 'node:fs';
       import { setTimeout } from 'node:timers/promises';`,
      folderWith(
        'export async function told(name) { writeFileSync("told", ""); return (await import("./v.mjs"))[name](); }\nimport { writeFileSync } from "node:fs";',
      ),
    );
    expect(value).toEqual([-15, false]);
  });

  test('is ended by terminate before its function has begun', async () => {
    const { value } = await program(
      `const p = new Process('w.mjs:forever').start();
       const error = p.result.catch((e) => e.code);
       p.terminate();
       await p.join();
       give([p.exitCode, await error]);`,
    );
    expect(value).toEqual([-9, 'FANFOLD_CRASHED']);
  });

  test('is joined for a time only', async () => {
    const { value } = await program(
      `const p = new Process('w.mjs:forever').start();
       await p.join(20);
       const after = [p.exitCode, p.isAlive];
       p.result.catch(() => undefined);
       p.kill();
       await p.join(20_000);
       give([after, p.exitCode]);`,
    );
    expect(value).toEqual([[null, true], -9]);
  });

  test('gets the environment given, and one thread where none is', async () => {
    const { value } = await program(
      `const value = (name, env) => new Process('w.mjs:env', { args: [name], ...(env && { env }) }).start().result;
       delete process.env.OMP_NUM_THREADS;
       give([await value('OMP_NUM_THREADS'), await value('OMP_NUM_THREADS', { OMP_NUM_THREADS: '3' }), await value('COLOUR', { COLOUR: 'red' })]);`,
    );
    expect(value).toEqual(['1', '3', 'red']);
  });

  test('that is killed has what it printed printed', async () => {
    const { stdout, stderr } = await program(
      `const p = new Process('w.mjs:exitAt7', { args: [7] }).start();
       p.result.catch(() => undefined);
       await p.join();
       give(p.exitCode);`,
    );
    expect([stdout, stderr]).toEqual(['3', 'last words']);
  });

  test('refuses what can not be, before it starts', async () => {
    const { value } = await program(
      `const tries = [
         () => new Process(function energy() {}),
         () => new Process('nowhere.mjs'),
         () => new Process('w.mjs', { args: [new Map()] }).start(),
         () => new Process('w.mjs', { kwargs: { when: new Date() } }).start(),
         () => { const p = new Process('w.mjs', { args: [1] }); p.start(); p.start(); },
       ];
       const messages = tries.map((act) => { try { act(); } catch (e) { return e.message; } });
       messages.push(await new Process('w.mjs').join().catch((e) => e.message));
       messages.push(await new Process('w.mjs:nothing').start().result.catch((e) => [e.code, e.message]));
       give(messages);`,
    );
    expect(value).toEqual([
      "Expected the worker to be named by its file, got the function energy: another process can't be given a function. Export it from a file and name that, such as './model.mjs:energy'.",
      expect.stringContaining('nowhere.mjs'),
      expect.stringMatching(/^Expected argument 0 to be a value .*, got a Map\.$/),
      expect.stringMatching(/^Expected when to be a value .*, got a Date\.$/),
      expect.stringContaining('once, got a second start'),
      expect.stringContaining('Expected to join a started process'),
      ['FANFOLD_WORKER', expect.stringContaining('export "nothing" to be a function')],
    ] as unknown[]);
  });

  test('whose file has an error says where', async () => {
    const { value, stderr } = await program(
      `const p = new Process('bad.ts').start();
       await p.join();
       give(p.exitCode);`,
      folderWith('export default (x: number) => { return x +; };', 'bad.ts'),
    );
    expect(value).toBe(1);
    expect(stderr).toMatch(
      /^Process-1 \(pid \d+\): Expected the worker .*bad\.ts to be a valid module, got:\n {2}bad\.ts:1:/,
    );
  });
});
