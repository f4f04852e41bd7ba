import { describe, expect, test } from '@jest/globals';
import fs from 'fs-extra';
import { join } from 'node:path';
import { testWith } from '../tools.js';
import {
  doneLines,
  events,
  fanfold,
  isAlive,
  read,
  start,
  temporaryFolder,
  until,
  writeWorker,
} from './command.js';

const RESULT = Array.from({ length: 12 }, (_, x) => `${String(x)}   ${String(2 * x)}\n`).join('');
/** Waits at x = 6 until the file named by GATE is there; at NEVER it does so in a computation. */
const GATED =
  "import { existsSync } from 'node:fs';\nexport default async ({ x }, { signal }) => { while (x === 6 && process.env.NEVER); while (x === 6 && (!existsSync(process.env.GATE) || (process.env.STOPPED && !signal.aborted))) await new Promise((r) => setTimeout(r, 10)); return 2 * x; };\n";

describe('--detach', () => {
  test('leaves the run going, tells how to follow it, and its words go into the log', async () => {
    const { out, args, gate } = gatedRun();
    const { exitCode, stdout, stderr } = await fanfold([...args, '--detach'], { env: { GATE: gate } });
    expect([exitCode, stdout]).toEqual([0, `${out}\n`]);
    expect(stderr).toContain(`fanfold attach ${out}`);
    expect(stderr).toContain(`fanfold stop ${out}`);
    const pid = coordinatorOf(out);
    expect(stderr).toContain(`Process ${String(pid)} goes on`);
    await until('the gate', () => doneLines(out) === 10);
    fs.writeFileSync(gate, '');
    await until('the end', () => !isAlive(pid));
    expect(read(out, 'result.txt')).toBe(RESULT);
    expect(read(out, 'logs', 'coordinator.log')).toContain('12 points in 3 tasks; 2 processes');
    expect(fs.existsSync(join(out, 'lock'))).toBe(false);
  });

  testWith('procfs', 'is in a session of its own', async () => {
    const { out, args, gate } = gatedRun();
    await fanfold([...args, '--detach'], { env: { GATE: gate } });
    const pid = coordinatorOf(out);
    const stat = read('/proc', String(pid), 'stat');
    const [, , , session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    expect(Number(session)).toBe(pid);
    await until('the gate', () => doneLines(out) === 10);
    // The other processes may have ended by now.
    const [waiting] = events(out, 'start').filter(({ task }) => task === 1);
    expect(read('/proc', String(waiting?.pid), 'environ')).not.toContain('FANFOLD_DETACHED');
    expect((await fanfold(['stop', out, '--now'])).exitCode).toBe(0);
    // It has given the directory back, and ends.
    await until('its end', () => !isAlive(pid));
  });

  test('tells bad input before it leaves, and writes nothing', async () => {
    const folder = temporaryFolder();
    const worker = writeWorker(folder, 'w.mjs', 'throw new Error("no key");\nexport default () => 1;\n');
    const out = join(folder, 'run');
    for (const [args, words] of [
      [[worker, '--range', '0:3', '--out', out], 'no key'],
      [['--range', '0:', '--out', out], 'FANFOLD_SPACE'],
      [['resume', out], 'FANFOLD_MANIFEST'],
      [['--range', '0:3', '--compare'], '--compare or --detach'],
    ] as const) {
      const { exitCode, stderr } = await fanfold([...args, '--detach']);
      expect([exitCode, stderr]).toEqual([2, expect.stringContaining(words)]);
    }
    expect(fs.existsSync(out)).toBe(false);
  });

  test('goes on where who started it is killed before the run has begun', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'run');
    const seen = join(folder, 'seen');
    const code = `import { existsSync, writeFileSync } from 'node:fs';
      writeFileSync(process.env.SEEN, '');
      while (!existsSync(process.env.GATE)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
      export default ({ x }) => 2 * x;\n`;
    const args = [writeWorker(folder, 'w.mjs', code), '--range', '0:12', '--detach', '--out', out];
    const gate = join(folder, 'gate');
    const starter = start(args, { env: { GATE: gate, SEEN: seen } });
    await until('the worker to be loaded', () => fs.existsSync(seen));
    starter.kill('SIGKILL');
    await starter;
    fs.writeFileSync(gate, '');
    await until('the end', () => fs.existsSync(join(out, 'result.txt')) && !fs.existsSync(join(out, 'lock')));
    expect(read(out, 'result.txt')).toBe(RESULT);
  });

  test('of a complete run has nothing to leave', async () => {
    const { out, args, gate } = gatedRun();
    fs.writeFileSync(gate, '');
    await fanfold(args, { env: { GATE: gate } });
    const { exitCode, stdout, stderr } = await fanfold([...args, '--detach'], { env: { GATE: gate } });
    expect([exitCode, stdout, stderr]).toEqual([
      0,
      `${out}/result.txt\n`,
      expect.stringContaining('nothing to compute'),
    ]);
  });

  test('goes on with a run that was stopped', async () => {
    const { out, args, gate } = gatedRun();
    const run = start(args, { env: { GATE: gate } });
    await until('the gate', () => doneLines(out) === 10);
    run.kill('SIGKILL');
    await run;
    fs.writeFileSync(gate, '');
    expect((await fanfold(['resume', out, '--detach'], { env: { GATE: gate } })).exitCode).toBe(0);
    await until('the result', () => fs.existsSync(join(out, 'result.txt')));
    expect(read(out, 'result.txt')).toBe(RESULT);
  });
});

/** A view of a run that somebody is at work on, once it has found that, and what it has said. */
async function attachTo(out: string): Promise<{ view: ReturnType<typeof start>; said: () => string }> {
  const view = start(['attach', out]);
  let said = '';
  view.stderr?.on('data', (bytes: Buffer) => (said += String(bytes)));
  await until('the view', () => said.includes('is at work'));
  return { view, said: () => said };
}

describe('fanfold attach', () => {
  test('shows a run to its end, and exits as it does', async () => {
    const { out, args, gate } = gatedRun();
    await fanfold([...args, '--detach'], { env: { GATE: gate } });
    const { view } = await attachTo(out);
    fs.writeFileSync(gate, '');
    const { exitCode, stdout, stderr } = await view;
    expect([exitCode, stdout]).toEqual([0, `${out}/result.txt\n`]);
    expect(stderr).toContain('12 points in 3 tasks');
  });

  test('shows the points of a task that was under way before it', async () => {
    const { out, args, gate } = gatedRun();
    const run = start(args, { env: { GATE: gate } });
    await until('the gate', () => doneLines(out) === 10);
    const { view, said } = await attachTo(out);
    await until('a line of its progress', () => said().includes('points ('));
    expect(said()).toContain('fanfold: 10/12 points (83 %)');
    run.kill('SIGKILL');
    await run;
    await view;
  });

  test('left by Ctrl-C leaves the run alone', async () => {
    const { out, args, gate } = gatedRun();
    await fanfold([...args, '--detach'], { env: { GATE: gate } });
    const { view } = await attachTo(out);
    view.kill('SIGINT');
    const { exitCode, stderr } = await view;
    expect([exitCode, stderr]).toEqual([130, expect.stringContaining('The run goes on')]);
    expect(isAlive(coordinatorOf(out))).toBe(true);
    expect((await fanfold(['stop', out, '--now'])).exitCode).toBe(0);
  });

  test.each([
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('of a run that ends by %s exits with %i', async (signal, code) => {
    // The point in hand ends once its process knows of the stop.
    const { out, args, gate } = gatedRun();
    const run = start(args, { env: { GATE: gate, STOPPED: '1' } });
    await until('the gate', () => doneLines(out) === 10);
    const { view } = await attachTo(out);
    let said = '';
    run.stderr?.on('data', (bytes: Buffer) => (said += String(bytes)));
    run.kill(signal);
    await until('the stop', () => said.includes('Stopping'));
    fs.writeFileSync(gate, '');
    expect((await run).exitCode).toBe(code);
    expect((await view).exitCode).toBe(code);
  });

  test('of a run that nobody works on tells its status', async () => {
    const { out, args, gate } = gatedRun();
    const run = start(args, { env: { GATE: gate } });
    await until('the gate', () => doneLines(out) === 10);
    run.kill('SIGKILL');
    await run;
    const open = await fanfold(['attach', out]);
    expect([open.exitCode, open.stdout]).toEqual([1, expect.stringContaining('incomplete')]);
    expect(open.stderr).toContain('Nobody is at work');
    fs.writeFileSync(gate, '');
    await fanfold(['resume', out], { env: { GATE: gate } });
    expect((await fanfold(['attach', out])).exitCode).toBe(0);
  });

  test('tells that the run has died', async () => {
    const { out, args, gate } = gatedRun();
    const run = start(args, { env: { GATE: gate } });
    await until('the gate', () => doneLines(out) === 10);
    const { view } = await attachTo(out);
    run.kill('SIGKILL');
    await run;
    const { exitCode, stdout, stderr } = await view;
    expect([exitCode, stdout]).toEqual([1, expect.stringContaining('points: 10 of 12 done')]);
    expect(stderr).toContain('has died; what is done is kept');
  });

  test('of a run without its result is no success', async () => {
    const { out, args, gate } = gatedRun();
    fs.writeFileSync(gate, '');
    await fanfold(args, { env: { GATE: gate } });
    fs.removeSync(join(out, 'result.txt'));
    const { exitCode, stdout } = await fanfold(['attach', out]);
    expect([exitCode, stdout]).toEqual([1, expect.stringContaining('incomplete')]);
  });

  test('of a run that was stopped exits as that did', async () => {
    const { out, args, gate } = gatedRun();
    const run = start(args, { env: { GATE: gate } });
    await until('the gate', () => doneLines(out) === 10);
    let said = '';
    run.stderr?.on('data', (bytes: Buffer) => (said += String(bytes)));
    run.kill('SIGTERM');
    await until('the stop', () => said.includes('Stopping'));
    fs.writeFileSync(gate, '');
    expect((await run).exitCode).toBe(143);
    const { exitCode, stderr } = await fanfold(['attach', out]);
    expect([exitCode, stderr]).toEqual([143, expect.stringContaining('Nobody is at work')]);
  });
});

describe('fanfold stop', () => {
  test('lets the points in hand finish, and waits for that', async () => {
    const { out, args, gate } = gatedRun();
    const run = start(args, { env: { GATE: gate } });
    await until('the gate', () => doneLines(out) === 10);
    const stop = start(['stop', out]);
    let said = '';
    run.stderr?.on('data', (bytes: Buffer) => (said += String(bytes)));
    await until('the request', () => said.includes('fanfold stop'));
    expect([run.exitCode, stop.exitCode]).toEqual([null, null]);
    fs.writeFileSync(gate, '');
    const { exitCode, stderr } = await stop;
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining('It has ended')]);
    expect(stderr).toContain('to finish the points in hand');
    expect(await run).toMatchObject({ exitCode: 130, stderr: expect.stringContaining('fanfold resume') });
    expect(doneLines(out)).toBe(11);
    expect(fs.existsSync(join(out, 'stop'))).toBe(false);
    expect((await fanfold(['resume', out], { env: { GATE: gate } })).exitCode).toBe(0);
  });

  test('--now ends a point that never would, also after a first one', async () => {
    const { out, args, gate } = gatedRun();
    await fanfold([...args, '--detach'], { env: { GATE: gate, NEVER: '1' } });
    await until('the gate', () => doneLines(out) === 10);
    const hosts = events(out, 'spawn').map(({ pid }) => pid);
    const patient = start(['stop', out]);
    await until('the request', () => fs.existsSync(join(out, 'stop')));
    expect((await fanfold(['stop', out, '--now'])).exitCode).toBe(0);
    expect((await patient).exitCode).toBe(0);
    expect(hosts.filter(isAlive)).toEqual([]);
    fs.writeFileSync(gate, '');
    expect((await fanfold(['resume', out], { env: { GATE: gate } })).exitCode).toBe(0);
    expect(read(out, 'result.txt')).toBe(RESULT);
  });

  test('has exit code 1 where the run does not end, being suspended, say', async () => {
    const { out, args, gate } = gatedRun();
    const run = start(args, { env: { GATE: gate } });
    await until('the gate', () => doneLines(out) === 10);
    run.kill('SIGSTOP');
    const { exitCode, stderr } = await fanfold(['stop', out, '--now']);
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining(`kill -CONT ${String(run.pid)}`)]);
    run.kill('SIGCONT');
    expect((await run).exitCode).toBe(130);
  });

  test('has exit code 130 where the wait for it is interrupted, and the run ends all the same', async () => {
    const { out, args, gate } = gatedRun();
    const run = start(args, { env: { GATE: gate } });
    await until('the gate', () => doneLines(out) === 10);
    let said = '';
    run.stderr?.on('data', (bytes: Buffer) => (said += String(bytes)));
    const stop = start(['stop', out]);
    await until('the request', () => said.includes('fanfold stop'));
    stop.kill('SIGINT');
    expect((await stop).exitCode).toBe(130);
    fs.writeFileSync(gate, '');
    expect((await run).exitCode).toBe(130);
  });

  test('says so where nobody is at work, and a request that is left over stops nobody', async () => {
    const { out, args, gate } = gatedRun();
    fs.writeFileSync(gate, '');
    await fanfold(args, { env: { GATE: gate } });
    const { exitCode, stderr } = await fanfold(['stop', out]);
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining('Nobody is at work')]);
    fs.removeSync(join(out, 'task_index=1.txt'));
    fs.writeFileSync(join(out, 'stop'), JSON.stringify({ holding: 'of another run', isNow: true }));
    expect((await fanfold(['resume', out], { env: { GATE: gate } })).exitCode).toBe(0);
    expect(read(out, 'result.txt')).toBe(RESULT);
    expect(fs.existsSync(join(out, 'stop'))).toBe(false);
  });
});

function gatedRun(): { out: string; args: string[]; gate: string } {
  const folder = temporaryFolder();
  const out = join(folder, 'run');
  const worker = writeWorker(folder, 'gated.mjs', GATED);
  const spec = ['--range', '0:12', '--tasks', '3', '--jobs', '2'];
  return { out, args: [worker, ...spec, '--out', out], gate: join(folder, 'gate') };
}

function coordinatorOf(out: string): number {
  return (JSON.parse(read(out, 'lock')) as { pid: number }).pid;
}
