import { describe, expect, test } from '@jest/globals';
import fs from 'fs-extra';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { testWith } from '../tools.js';
import { events, fanfold, isAlive, read, start, temporaryFolder, until, writeWorker } from './command.js';

const SPEC = ['--range', '0:12', '--tasks', '3'];
const RESULT = Array.from({ length: 12 }, (_, x) => `${String(x)}   ${String(2 * x)}\n`).join('');
/** Waits at x = 6 until the file named by GATE is there. */
const GATED =
  "import { existsSync } from 'node:fs';\nexport default async ({ x }) => { while (x === 6 && !existsSync(process.env.GATE)) await new Promise((r) => setTimeout(r, 10)); return 2 * x; };\n";

describe('the run directory', () => {
  test('has a task file only for a complete task, and the result only when all are', async () => {
    const { out, args, gate } = gatedRun();
    const run = start([...args, '--jobs', '1'], { env: { GATE: gate } });
    await until(
      'the gate',
      () =>
        fs.existsSync(join(out, 'task_index=1.txt.part')) && read(out, 'task_index=1.txt.part').length > 0,
    );
    expect(read(out, 'task_index=0.txt')).toBe(RESULT.split('\n').slice(0, 4).join('\n') + '\n');
    expect(read(out, 'task_index=1.txt.part')).toBe('4   8\n5   10\n');
    expect(fs.existsSync(join(out, 'task_index=1.txt'))).toBe(false);
    expect(fs.existsSync(join(out, 'result.txt'))).toBe(false);
    fs.writeFileSync(gate, '');
    expect((await run).exitCode).toBe(0);
    expect(read(out, 'result.txt')).toBe(
      [0, 1, 2].map((task) => read(out, `task_index=${String(task)}.txt`)).join(''),
    );
    expect(fs.readdirSync(out).filter((name) => name.includes('.part') || name.includes('.tmp'))).toEqual([]);
  });

  test('that another coordinator works in is refused, with its host and pid', async () => {
    const { out, args, gate } = gatedRun();
    const run = start(args, { env: { GATE: gate } });
    await until(
      'a process',
      () => fs.existsSync(join(out, 'events.jsonl')) && events(out, 'start').length > 0,
    );
    for (const command of [args, ['resume', out], ['retry', out], [...args, '--force']]) {
      const { exitCode, stderr } = await fanfold(command, { env: { GATE: gate } });
      expect(exitCode).toBe(2);
      expect(stderr).toContain(`process ${String(run.pid)} on ${hostname()}`);
    }
    const status = JSON.parse((await fanfold(['status', out, '--json'])).stdout) as Record<string, unknown>;
    expect(status).toMatchObject({ state: 'running', running: { pid: run.pid } });
    fs.writeFileSync(gate, '');
    expect((await run).exitCode).toBe(0);
    expect(read(out, 'result.txt')).toBe(RESULT);
  });

  test('whose coordinator died is taken over', async () => {
    const { out, args, gate } = gatedRun();
    const run = start(args, { env: { GATE: gate } });
    await until(
      'a process',
      () => fs.existsSync(join(out, 'events.jsonl')) && events(out, 'start').length > 0,
    );
    run.kill('SIGKILL');
    await run;
    expect(fs.existsSync(join(out, 'lock'))).toBe(true);
    fs.writeFileSync(gate, '');
    expect((await fanfold(args, { env: { GATE: gate } })).exitCode).toBe(0);
    expect(read(out, 'result.txt')).toBe(RESULT);
    expect(fs.existsSync(join(out, 'lock'))).toBe(false);
  });

  test('taken over by several at once is worked in by one only', async () => {
    const { out, args, gate } = gatedRun();
    const run = start(args, { env: { GATE: gate } });
    await until(
      'a process',
      () => fs.existsSync(join(out, 'events.jsonl')) && events(out, 'start').length > 0,
    );
    run.kill('SIGKILL');
    await run;
    fs.writeFileSync(gate, '');
    const rivals = await Promise.all(Array.from({ length: 6 }, () => fanfold(args, { env: { GATE: gate } })));
    for (const { exitCode, stderr } of rivals) {
      const refusal = exitCode === 0 ? expect.any(String) : expect.stringContaining('that nobody works on');
      // The words of any other end are shown.
      expect([exitCode, stderr]).toEqual([exitCode === 0 ? 0 : 2, refusal]);
    }
    expect(rivals.some(({ exitCode }) => exitCode === 0)).toBe(true);
    expect(read(out, 'result.txt')).toBe(RESULT);
    expect(events(out, 'open').length).toBe(2);
  });

  test('of another spec is refused, naming both, and replaced by --force', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'run');
    await fanfold([...SPEC, '--out', out]);
    const before = read(out, 'sweep.json');
    const other = await fanfold(['--range', '0:13', '--tasks', '3', '--out', out]);
    expect(other.exitCode).toBe(2);
    expect(other.stderr.match(/spec [0-9a-f]{8}/g)?.length).toBe(2);
    expect(read(out, 'sweep.json')).toBe(before);
    fs.writeFileSync(join(out, 'notes.md'), 'mine');
    const forced = await fanfold(['--range', '0:2', '--tasks', '1', '--out', out, '--force']);
    expect(forced.exitCode).toBe(0);
    expect(read(out, 'result.txt')).toBe('0   0\n1   2\n');
    expect(fs.existsSync(join(out, 'task_index=1.txt'))).toBe(false);
    expect(read(out, 'notes.md')).toBe('mine');
  });

  test('begun with another version of the worker is refused, naming the file', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'run');
    writeWorker(folder, 'lib.mjs', 'export const factor = 2;\n');
    const worker = writeWorker(
      folder,
      'w.mjs',
      "import { factor } from './lib.mjs';\nexport default ({ x }) => x * factor;\n",
    );
    await fanfold([worker, '--range', '0:2', '--out', out]);
    writeWorker(folder, 'lib.mjs', 'export const factor = 3;\n');
    for (const command of [
      [worker, '--range', '0:2', '--out', out],
      ['resume', out],
    ]) {
      const { exitCode, stderr } = await fanfold(command);
      expect(exitCode).toBe(2);
      expect(stderr).toContain('changed since: lib.mjs');
    }
    expect(read(out, 'result.txt')).toBe('0   0\n1   2\n');
  });

  test('goes on with a mended worker where that is allowed, and records both', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'run');
    const worker = writeWorker(
      folder,
      'w.mjs',
      'export default ({ x }) => { if (x === 1) throw new Error("bug"); return x; };\n',
    );
    await fanfold([worker, '--range', '0:3', '--out', out]);
    writeWorker(folder, 'w.mjs', 'export default ({ x }) => x;\n');
    const refused = await fanfold(['retry', out]);
    expect([refused.exitCode, refused.stderr]).toEqual([
      2,
      expect.stringContaining('--allow-changed-worker'),
    ]);
    expect((await fanfold(['retry', out, '--allow-changed-worker'])).exitCode).toBe(0);
    expect(read(out, 'result.txt')).toBe('0   0\n1   1\n2   2\n');
    const manifest = JSON.parse(read(out, 'sweep.json')) as { earlierWorkers: { files: object }[] };
    expect(manifest.earlierWorkers.map(({ files }) => Object.keys(files))).toEqual([['w.mjs']]);
  });

  describe('in which every point failed takes a mended worker, and what it declares', () => {
    const declared = "export const columns = { y: 'float64' };\nexport default ({ x }) => ";
    test('in JavaScript', async () => {
      await mend('w.mjs', '', `${declared}nothing;\n`, `${declared}x;\n`);
    });
    testWith('python3', 'in Python', async () => {
      await mend('w.py', ':f', 'def f(x):\n    return nothing\n', 'def f(x) -> float:\n    return x\n');
    });

    async function mend(name: string, called: string, wrong: string, mended: string): Promise<void> {
      const folder = temporaryFolder();
      const args = [
        `${writeWorker(folder, name, wrong)}${called}`,
        '--range',
        '0:3',
        '--out',
        join(folder, 'run'),
      ];
      expect((await fanfold(args)).exitCode).toBe(1);
      writeWorker(folder, name, mended);
      const { exitCode, stderr } = await fanfold(args);
      expect([exitCode, stderr]).toEqual([0, expect.not.stringContaining('begun with')]);
      expect(read(folder, 'run', 'result.txt')).toBe('0   0.0\n1   1.0\n2   2.0\n');
    }
  });

  test('leaves files alone that are not a run’s, also with --force', async () => {
    const folder = temporaryFolder();
    for (const name of ['logs/mine.log', 'notes.txt', 'results.txt', 'task.txt'])
      fs.outputFileSync(join(folder, name), 'mine');
    expect((await fanfold(['--range', '0:3', '--out', folder])).exitCode).toBe(0);
    expect((await fanfold(['--range', '0:4', '--out', folder, '--force'])).exitCode).toBe(0);
    for (const name of ['logs/mine.log', 'notes.txt', 'results.txt', 'task.txt'])
      expect(read(folder, name)).toBe('mine');
  });

  test('is never emptied without --force: a lost journal or a changed worker costs no finished file', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'run');
    const worker = writeWorker(folder, 'w.mjs', 'export default ({ x }) => x;\n');
    await fanfold([worker, '--range', '0:4', '--tasks', '2', '--out', out]);
    fs.removeSync(join(out, 'events.jsonl'));
    writeWorker(folder, 'w.mjs', 'export default ({ x }) => x + 1;\n');
    expect((await fanfold([worker, '--range', '0:4', '--tasks', '2', '--out', out])).exitCode).toBe(2);
    expect(read(out, 'task_index=0.txt') + read(out, 'task_index=1.txt')).toBe(
      '0   0\n1   1\n2   2\n3   3\n',
    );
  });

  test('of a worker in another folder is refused, though name and text be the same', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'run');
    for (const name of ['a/w.mjs', 'b/w.mjs']) writeWorker(folder, name, 'export default ({ x }) => x;\n');
    await fanfold([join(folder, 'a/w.mjs'), '--range', '0:4', '--out', out]);
    const { exitCode, stderr } = await fanfold([join(folder, 'b/w.mjs'), '--range', '0:4', '--out', out]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(join('a', 'w.mjs'));
    expect(stderr).toContain(join('b', 'w.mjs'));
  });

  test('computes with the worker and the points that the run was begun with, whatever somebody did to its copies', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'run');
    const worker = writeWorker(folder, 'w.mjs', 'export default ({ x }) => x;\n');
    fs.writeFileSync(join(folder, 'p.csv'), 'x\n1\n2\n');
    const args = [worker, '--points', join(folder, 'p.csv'), '--tasks', '2', '--out', out];
    await fanfold(args);
    for (const name of ['task_index=1.txt', 'result.txt']) fs.removeSync(join(out, name));
    fs.writeFileSync(join(out, 'worker.mjs'), 'export default ({ x }) => -x;\n');
    const points = read(out, 'points.json');
    fs.writeFileSync(join(out, 'points.json'), points.replace('[1,2]', '[1,3]'));
    fs.renameSync(join(folder, 'p.csv'), join(folder, 'away.csv'));
    const refused = await fanfold(['resume', out]);
    expect([refused.exitCode, refused.stderr]).toEqual([2, expect.stringContaining('points.json')]);
    fs.renameSync(join(folder, 'away.csv'), join(folder, 'p.csv'));
    expect((await fanfold(args)).exitCode).toBe(0);
    expect(read(out, 'result.txt')).toBe('1   1\n2   2\n');
  });

  test('in which nothing was computed yet takes a mended worker', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'run');
    const worker = writeWorker(folder, 'w.mjs', 'throw new Error("no key");\nexport default ({ x }) => x;\n');
    const { exitCode, stderr } = await fanfold([worker, '--range', '0:2', '--out', out]);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('Error: no key')]);
    expect(stderr).toContain('w.mjs:1');
    writeWorker(folder, 'w.mjs', 'export default ({ x }) => x;\n');
    expect((await fanfold([worker, '--range', '0:2', '--out', out])).exitCode).toBe(0);
  });

  test('never lets a foreign file of a task’s name into the result', async () => {
    const { out, args, gate } = gatedRun();
    const run = start(args, { env: { GATE: gate } });
    await until(
      'a process',
      () => fs.existsSync(join(out, 'events.jsonl')) && events(out, 'start').length > 0,
    );
    run.kill('SIGKILL');
    await run;
    fs.removeSync(join(out, 'task_index=1.txt.part'));
    fs.writeFileSync(join(out, 'task_index=1.txt'), '4   0\n5   0\n6   0\n7   0\n');
    fs.writeFileSync(join(out, 'task_index=3.txt'), 'of another run\n');
    fs.writeFileSync(gate, '');
    const { exitCode, stderr } = await fanfold(args, { env: { GATE: gate } });
    expect(exitCode).toBe(0);
    expect(stderr).toContain('moved aside');
    expect(read(out, 'result.txt')).toBe(RESULT);
    expect(read(out, 'task_index=1.txt.foreign-1')).toContain('4   0');
  });

  test('with a task file edited since is not folded', async () => {
    const out = join(temporaryFolder(), 'run');
    await fanfold([...SPEC, '--out', out]);
    fs.writeFileSync(
      join(out, 'task_index=1.txt'),
      read(out, 'task_index=1.txt').replace('5   10', '5   11'),
    );
    const { exitCode, stderr } = await fanfold(['fold', out]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('task_index=1.txt');
    expect(read(out, 'result.txt')).toBe(RESULT);
  });

  test('with a part torn at any byte goes on after its last whole line', async () => {
    const { out, args, gate } = gatedRun();
    const run = start([...args, '--jobs', '1'], { env: { GATE: gate } });
    await until(
      'the gate',
      () =>
        fs.existsSync(join(out, 'task_index=1.txt.part')) && read(out, 'task_index=1.txt.part').length === 13,
    );
    run.kill('SIGKILL');
    await run;
    fs.writeFileSync(gate, '');
    const whole = read(out, 'task_index=1.txt.part');
    for (let length = 0; length <= whole.length; length += 3) {
      const copy = join(temporaryFolder(), 'copy');
      fs.copySync(out, copy);
      fs.writeFileSync(join(copy, 'task_index=1.txt.part'), whole.slice(0, length));
      const { exitCode } = await fanfold(['resume', copy], { env: { GATE: gate } });
      expect(exitCode).toBe(0);
      expect(read(copy, 'result.txt')).toBe(RESULT);
    }
  });

  test('tells its status and the next command', async () => {
    const { out, args, gate } = gatedRun();
    const run = start([...args, '--jobs', '1'], { env: { GATE: gate } });
    await until(
      'a part',
      () =>
        fs.existsSync(join(out, 'task_index=1.txt.part')) && read(out, 'task_index=1.txt.part').length === 13,
    );
    run.kill('SIGKILL');
    await run;
    await until('the workers to end', () => !events(out, 'start').some(({ pid }) => isAlive(pid)));
    const { stdout } = await fanfold(['status', out]);
    expect(stdout).toContain('incomplete');
    expect(stdout).toContain('points: 6 of 12 done, 0 failed');
    expect(stdout).toContain('tasks: 1 of 3 complete, 1 begun, 1 waiting');
    expect(stdout).toContain(`fanfold resume ${out}`);
    const folded = await fanfold(['fold', out]);
    expect([folded.exitCode, folded.stderr]).toEqual([
      1,
      expect.stringContaining('task_index=1.txt is not there'),
    ]);
  });

  test('holds a manifest that says what the run is', async () => {
    const out = join(temporaryFolder(), 'run');
    await fanfold([...SPEC, '--out', out, '--seed', '18446744073709551615']);
    const manifest = JSON.parse(read(out, 'sweep.json')) as Record<string, unknown>;
    expect(manifest).toMatchObject({
      version: 1,
      points: 12,
      tasks: 3,
      spec: {
        seed: '18446744073709551615',
        slicing: 'guan',
        worker: { file: 'double.ts', export: 'default' },
      },
      versions: { node: process.versions.node },
      host: hostname(),
    });
  });
});

function gatedRun(): { out: string; args: string[]; gate: string } {
  const folder = temporaryFolder();
  const out = join(folder, 'run');
  return {
    out,
    args: [writeWorker(folder, 'gated.mjs', GATED), ...SPEC, '--out', out],
    gate: join(folder, 'gate'),
  };
}
