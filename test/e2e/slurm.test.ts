import { afterEach, describe, expect } from '@jest/globals';
import { execa, execaSync } from 'execa';
import fs from 'fs-extra';
import { join } from 'node:path';
import { appendRecord } from '../../src/run/journal.js';
import { livingProcesses } from '../processes.js';
import { hasTool, testWith } from '../tools.js';
import {
  doneLines,
  events,
  expectExit,
  fanfold,
  read,
  start,
  temporaryFolder,
  until,
  WORKERS,
  writeWorker,
} from './command.js';
import { GATED } from './gated.js';
import { slurmBed } from './slurm-bed.js';

const DOUBLE = join(WORKERS, 'double.ts');

interface GatedRun {
  readonly out: string;
  readonly args: string[];
  readonly marks: string;
  readonly open: () => void;
  readonly expected: string;
}

/** A run of tasks with four points each, all of which wait at their third point. */
function gatedRun(tasks: number, ...options: readonly string[]): GatedRun {
  const folder = temporaryFolder();
  const marks = join(folder, 'marks');
  fs.mkdirSync(marks);
  const out = join(folder, 'run');
  const points = 4 * tasks;
  const spec = ['--range', `0:${String(points)}`, '--set', `folder=${marks}`, '--tasks', String(tasks)];
  return {
    out,
    marks,
    args: [writeWorker(folder, 'gated.mjs', GATED), ...spec, '--out', out, '--engine', 'slurm', ...options],
    open: () => {
      fs.writeFileSync(join(marks, 'gate'), '');
    },
    expected: Array.from({ length: points }, (_, x) => `${String(x)}   ${String(2 * x)}\n`).join(''),
  };
}

/** Points that were computed more than once. */
function repeated({ marks }: GatedRun): string[] {
  return fs.readdirSync(marks).filter((name) => name.startsWith('x=') && read(marks, name) !== '.');
}

/** The ids of the arrays that were submitted for a run. */
function arraysOf(out: string): string[] {
  const submits = events(out, 'submit') as unknown as { jobs: string[] }[];
  return submits.flatMap(({ jobs }) => jobs);
}

/** Those, and the jobs that fold. */
function jobsOf(out: string): string[] {
  const submits = events(out, 'submit') as unknown as { jobs: string[]; fold?: string }[];
  return submits.flatMap(({ jobs, fold }) => [...jobs, ...(fold === undefined ? [] : [fold])]);
}

/** Waits until so many tasks wait for the gate. */
function waiting({ marks }: GatedRun, tasks: number): Promise<void> {
  const isThird = (name: string): boolean => Number(name.slice(2)) % 4 === 2;
  return until('the tasks to wait', () => fs.readdirSync(marks).filter(isThird).length === tasks, 60_000);
}

describe('a run on Slurm', () => {
  const bed = slurmBed();
  const { env } = bed;
  const command = (...args: string[]): ReturnType<typeof fanfold> => fanfold(args, { env });
  const gone = async (out: string): Promise<void> => {
    let left = 'unknown';
    while (left !== '')
      left = await bed.run('squeue', '--noheader', `--jobs=${jobsOf(out).join(',')},1`, '--format=%T');
  };
  // What a failed test leaves would keep the next ones waiting.
  afterEach(async () => {
    if (hasTool('slurm')) await bed.run('scancel', '--partition=main');
  });
  const test = (title: string, fn: () => Promise<void>, timeout = 100_000): void => {
    testWith('slurm', title, fn, timeout);
  };

  for (const name of [`my 'runs' "x" %a #1 $(id) é`, 'back\\slash %j'])
    test(`lies where it likes: ${name}`, async () => {
      const out = join(temporaryFolder(), name);
      const { exitCode, stderr } = await command(
        DOUBLE,
        '--range',
        '0:17',
        '--tasks',
        '4',
        '--engine',
        'slurm',
        '--out',
        out,
      );
      expect([exitCode, stderr]).toEqual([0, expect.stringContaining('17 points in 4 tasks')]);
      const logs = fs.readdirSync(join(out, 'logs')).filter((log) => /^slurm-\d+_\d\.log$/.test(log));
      expect(logs).toHaveLength(4);
    });

  test('can be submitted by hand, from its folder or elsewhere, and is folded by hand', async () => {
    const out = join(temporaryFolder(), "it's mine");
    const spec = [DOUBLE, '--range', '0:17', '--tasks', '4', '--out', out];
    await command(...spec, '--engine', 'slurm');
    const result = read(out, 'result.txt');
    for (const folder of [out, bed.folder]) {
      for (const name of fs.readdirSync(out).filter((each) => /^(?:task_index=|result)/.test(each)))
        fs.removeSync(join(out, name));
      const script = folder === out ? 'job.sh' : join(out, 'job.sh');
      await execa('sbatch', [script], { env, cwd: folder });
      await until(
        'the tasks',
        () => fs.readdirSync(out).filter((name) => /^task_index=\d\.txt$/.test(name)).length === 4,
      );
      await execa('sbatch', [script.replace('job.sh', 'fold.sh')], { env, cwd: folder });
      await until('the result', () => fs.existsSync(join(out, 'result.txt')));
      expect(read(out, 'result.txt')).toBe(result);
    }
  });

  test('that Slurm will never start says why', async () => {
    const run = gatedRun(2, '--slurm', 'time=01:00:00', '--pack', '9');
    await bed.run('scontrol', 'update', 'partitionname=main', 'maxtime=5');
    const shown = start(run.args, { env });
    let told = '';
    shown.stderr?.on('data', (text) => (told += String(text)));
    await until('the reason', () => told.includes('PartitionTimeLimit. That does not pass'), 60_000).finally(
      // Before elements start, which would wait for their gate.
      () => command('stop', run.out),
    );
    await bed.run('scontrol', 'update', 'partitionname=main', 'maxtime=infinite');
    expect(told).toContain('--pack 9 is more than the 2 tasks of this run');
    expect(read(run.out, 'job.sh')).toContain('#SBATCH --cpus-per-task=2\n');
    expectExit(await shown, 130);
  });

  test('that was submitted by hand is seen, followed to its result, and stopped', async () => {
    const run = gatedRun(6);
    // Nothing is on record then.
    const bin = temporaryFolder();
    fs.writeFileSync(join(bin, 'sbatch'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
    const PATH = `${bin}:${process.env['PATH'] ?? ''}`;
    expectExit(await fanfold(run.args, { env: { ...env, PATH } }), 2);
    expect(arraysOf(run.out)).toEqual([]);
    const submit = (folder: string): Promise<unknown> => execa('sbatch', ['job.sh'], { env, cwd: folder });

    await submit(run.out);
    await waiting(run, 4);
    const status = await command('status', run.out);
    expect(status.stdout).toContain('running (worker');
    expect(status.stdout).toContain('4 elements running, 2 waiting');
    for (const refused of [
      ['resume', run.out, '--engine', 'local'],
      [...run.args, '--force'],
    ]) {
      const { exitCode, stderr } = await command(...refused);
      expect([exitCode, stderr]).toEqual([2, expect.stringContaining('its jobs are in the queue')]);
    }
    const stopping = start(['stop', run.out], { env });
    await until('the elements to know', () => logs(run.out).split('Stopping').length === 5, 30_000);
    run.open();
    expectExit(await stopping, 0);
    expect((await command('status', run.out)).stdout).toContain('incomplete (worker');

    // Twice, by mistake.
    fs.removeSync(join(run.marks, 'gate'));
    await submit(run.out);
    await submit(run.out);
    await until('an element to wait', () => fs.existsSync(join(run.marks, 'x=22')), 60_000);
    const followed = [start(['attach', run.out], { env }), start(['resume', run.out], { env })];
    const told = followed.map((each) => {
      let text = '';
      each.stderr?.on('data', (piece) => (text += String(piece)));
      return () => text;
    });
    const isSeen = (): boolean => told.every((text) => text().includes('Ctrl-C ends this view'));
    await until('both to see it', isSeen, 30_000);
    run.open();
    for (const each of followed) expectExit(await each, 0);
    expect(read(run.out, 'result.txt')).toBe(run.expected);
    expect(arraysOf(run.out)).toEqual([]);
    expect(repeated(run)).toEqual([]);
  });

  test('goes on without its terminal, is seen from elsewhere, and folds itself', async () => {
    const run = gatedRun(6);
    const { exitCode, stdout, stderr } = await command(...run.args, '--detach');
    expect([exitCode, stdout]).toEqual([0, `${run.out}\n`]);
    expect(stderr).toContain(`fanfold attach ${run.out}`);
    await waiting(run, 4);
    const status = await command('status', run.out);
    expect(status.stdout).toContain('running (worker');
    expect(status.stdout).toContain('points: 8 of 24 done');
    expect(status.stdout).toContain('4 elements running, 2 waiting');
    const json = JSON.parse((await command('status', run.out, '--json')).stdout) as object;
    expect(json).toMatchObject({
      state: 'running',
      slurm: { running: 4, waiting: 2, jobs: arraysOf(run.out) },
    });
    // One who sees the files alone: a laptop, without Slurm's commands.
    const PATH = '/nowhere';
    const away = await fanfold(['status', run.out], { env: { PATH } });
    expect(away.stdout).toContain('squeue gives no answer here');
    const resumed = start(['resume', run.out], { env });
    const here = await command('resume', run.out, '--engine', 'local');
    expect([here.exitCode, here.stderr]).toEqual([2, expect.stringContaining('its jobs are in the queue')]);
    // What jobs in the queue know nothing of is not silently left undone.
    for (const [words, what] of [
      [['retry', run.out], 'for retry,'],
      [['resume', run.out, '--timeout', '3s', '--retries', '1'], 'for --timeout,'],
      [['resume', run.out, '--slurm', 'time=10', '--max-running', '7'], 'for --slurm time, --max-running,'],
      [[...run.args, '--slurm', 'time=10'], 'for --slurm time,'],
    ] as const) {
      const { exitCode, stderr } = await command(...words);
      expect([exitCode, stderr]).toEqual([2, expect.stringContaining(what)]);
      expect(stderr).toContain(`End them first with fanfold stop ${run.out}`);
    }
    const attached = start(['attach', run.out], { env });
    run.open();
    expect((await attached).exitCode).toBe(0);
    expect(await resumed).toMatchObject({
      exitCode: 0,
      stderr: expect.stringContaining('in the queue already') as unknown,
    });
    expect(read(run.out, 'result.txt')).toBe(run.expected);
    expect(arraysOf(run.out)).toHaveLength(1);
    expect(repeated(run)).toEqual([]);
  });

  test('is folded by its own job when nobody looks', async () => {
    const out = join(temporaryFolder(), 'run');
    await command(DOUBLE, '--range', '0:17', '--tasks', '4', '--engine', 'slurm', '--out', out, '--detach');
    await until('the result', () => fs.existsSync(join(out, 'result.txt')), 60_000);
    expect((await command('status', out)).stdout).toContain('complete');
  });

  test('is folded by itself also where the job for that was lost', async () => {
    const run = gatedRun(4);
    await command(...run.args, '--detach');
    await bed.run('scancel', jobsOf(run.out).at(-1) ?? '');
    const { stderr } = await command('resume', run.out, '--detach');
    expect(stderr).toContain('which makes the result afterwards; it was not in the queue');
    run.open();
    await until('the result', () => fs.existsSync(join(run.out, 'result.txt')), 60_000);
    expect(read(run.out, 'result.txt')).toBe(run.expected);
  });

  test('whose elements can not even begin a log says so, also later', async () => {
    const out = join(temporaryFolder(), 'run');
    const args = [DOUBLE, '--range', '0:4', '--tasks', '2', '--engine', 'slurm', '--out', out];
    await command(...args, '--slurm', 'hold=true', '--detach');
    // As where the directory is not on the nodes.
    fs.moveSync(join(out, 'logs'), join(out, 'away'));
    await bed.run('scontrol', 'release', arraysOf(out).join(''));
    await gone(out);
    fs.moveSync(join(out, 'away'), join(out, 'logs'));
    for (const verb of ['attach', 'status']) {
      const { stderr } = await command(verb, out);
      expect(stderr).toMatch(/2 elements of the array ended .*None of them has begun its log/);
    }
    expectExit(await command('resume', out), 0);
  });

  test('goes on when its terminal is closed', async () => {
    const run = gatedRun(4);
    const shown = start(run.args, { env });
    await waiting(run, 4);
    shown.kill('SIGHUP');
    const { exitCode, stderr } = await shown;
    expect([exitCode, stderr]).toEqual([129, expect.stringContaining(`fanfold attach ${run.out}`)]);
    run.open();
    await until('the result', () => fs.existsSync(join(run.out, 'result.txt')), 60_000);
    expect(read(run.out, 'result.txt')).toBe(run.expected);
  });

  test('of which an element is killed tells which, and is gone on with', async () => {
    const run = gatedRun(4);
    const shown = start(run.args, { env });
    await waiting(run, 4);
    const [array = ''] = arraysOf(run.out);
    // Slurm itself would send SIGTERM first.
    const own = livingProcesses().filter(({ args }) => args.includes(`element ${run.out} 1 --requeue`));
    expect(own).not.toEqual([]);
    for (const { pid } of own) process.kill(pid, 'SIGKILL');
    // With everything under it.
    const queue = (): string =>
      execaSync('squeue', ['--noheader', '--array', `--jobs=${array}`], { env }).stdout;
    await until('its end', () => queue().trim().split('\n').length === 3);
    run.open();
    const { exitCode, stderr } = await shown;
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`1 element of the array ended before the tasks were finished: ${array}_1`);
    expect(stderr).toContain('2 points to go');
    const { exitCode: resumed } = await command('resume', run.out);
    expect(resumed).toBe(0);
    expect(read(run.out, 'result.txt')).toBe(run.expected);
    // Only the missing element is submitted again, and computes only the point that was in hand and those after it.
    expect(read(run.out, 'job.sh')).toContain('#SBATCH --array=0-3');
    expect(fs.readdirSync(join(run.out, 'logs')).filter((name) => /^slurm-\d+_/.test(name))).toHaveLength(5);
    expect(repeated(run)).toEqual(['x=6']);
  });

  test('of which a node is lost ends on the other node', async () => {
    const run = gatedRun(2, '--fs-latency', '2s');
    const shown = start(run.args, { env });
    await waiting(run, 2);
    const lost = logs(run.out).includes('on n2,') ? 'n2' : 'n1';
    await bed.kill(lost);
    await until('the elements to run again', () => logs(run.out).includes('attempt 2'), 80_000);
    run.open();
    const { exitCode, stderr } = await shown;
    await bed.start(lost);
    expect([exitCode, stderr]).toEqual([0, expect.any(String)]);
    expect(logs(run.out)).toContain("can't be seen from here: waiting");
    expect(read(run.out, 'result.txt')).toBe(run.expected);
    // At most those that were in hand there.
    expect(repeated(run).every((name) => ['x=2', 'x=6'].includes(name))).toBe(true);
    expect(repeated(run)).not.toEqual([]);
  }, 180_000);

  test('that is cancelled by scancel keeps what is done, and is gone on with', async () => {
    const run = gatedRun(6);
    await command(...run.args, '--detach');
    await waiting(run, 4);
    await bed.run('scancel', ...arraysOf(run.out));
    run.open();
    await gone(run.out);
    const status = await command('status', run.out);
    expect(status.stdout).toContain('incomplete (worker');
    // Cancelled elements did not come back.
    expect(logs(run.out)).not.toContain('attempt 2');
    expectExit(await command('resume', run.out), 0);
    expect(read(run.out, 'result.txt')).toBe(run.expected);
    expect(repeated(run)).toEqual([]);
  });

  test('is stopped by fanfold stop without anybody else at work, and completed on this machine', async () => {
    const run = gatedRun(6);
    await command(...run.args, '--detach');
    await waiting(run, 4);
    const left = start(['stop', run.out], { env });
    await until('the elements to know', () => logs(run.out).split('Stopping').length === 5, 30_000);
    left.kill('SIGINT');
    expectExit(await left, 130);
    // Asked twice, they finish their points in hand all the same.
    const stopping = start(['stop', run.out], { env });
    let told = '';
    stopping.stderr?.on('data', (text) => (told += String(text)));
    await until('the second stop', () => told.includes('4 elements running, 0 waiting'), 30_000);
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    run.open();
    expect((await stopping).exitCode).toBe(0);
    expectExit(await command('resume', run.out, '--engine', 'local'), 0);
    expect(read(run.out, 'result.txt')).toBe(run.expected);
    expect(repeated(run)).toEqual([]);
    expect((await command('verify', run.out)).exitCode).toBe(0);
  });

  test('whose element is put back into the queue goes on where it was', async () => {
    const run = gatedRun(4);
    const shown = start(run.args, { env });
    await waiting(run, 4);
    await bed.run('scontrol', 'requeue', `${arraysOf(run.out)[0] ?? ''}_2`);
    await until('the signal', () => logs(run.out).includes('Stopping'));
    run.open();
    expectExit(await shown, 0);
    expect(logs(run.out)).toContain('attempt 2');
    expect(read(run.out, 'result.txt')).toBe(run.expected);
    expect(repeated(run)).toEqual([]);
  });

  test('whose time limit comes is put back into the queue, and goes on', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'run');
    const worker = writeWorker(
      folder,
      'slow.mjs',
      'export default async ({ x }) => { await new Promise((r) => setTimeout(r, 3000)); return x; };',
    );
    const limit = ['--slurm', 'time=00:01:00', '--slurm', 'job-name=timed'];
    expectExit(
      await command(worker, '--range', '0:24', '--tasks', '1', '--out', out, '--engine', 'slurm', ...limit),
      0,
    );
    const log = logs(out);
    expect(log).toContain('It goes back into the queue');
    expect(log).toContain('attempt 2');
    expect(log).toMatch(/task 0: stopped, 1\d points computed now/);
    expect(read(out, 'result.txt').split('\n')).toHaveLength(25);
  }, 300_000);

  test('computes several tasks in an element on as many processors', async () => {
    const run = gatedRun(6, '--pack', '2', '--max-running', '1');
    const shown = start(run.args, { env });
    // One element, both of its tasks.
    await waiting(run, 2);
    run.open();
    expect((await shown).exitCode).toBe(0);
    expect(read(run.out, 'result.txt')).toBe(run.expected);
    expect(read(run.out, 'job.sh')).toContain('#SBATCH --array=0-2%1\n');
    expect(read(run.out, 'job.sh')).toContain('#SBATCH --cpus-per-task=2\n');
    const other = await command('resume', run.out, '--pack', '3');
    expect([other.exitCode, other.stderr]).toEqual([2, expect.stringContaining('Expected --pack 2')]);
  });

  test('sources a script first, and gives each process its threads', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'run');
    // It may use whatever names it likes, and end as it likes.
    const code = 'export FACTOR=7\nrun=1 node=2 fanfold=3 file=4\nset -- 5 6\nfalse\n';
    const setup = writeWorker(folder, "set up's.sh", code);
    expectExit(
      await command(
        '--range',
        '0:3',
        '--tasks',
        '1',
        '--out',
        out,
        '--engine',
        'slurm',
        '--slurm',
        'cpus-per-task=2',
        '--slurm-setup',
        setup,
        '--',
        'sh',
        '-c',
        'echo $FACTOR $OMP_NUM_THREADS',
        'sh',
        '{x}',
      ),
      0,
    );
    expect(read(out, 'result.txt')).toMatch(/^0 {3}7 {3}2\s*\n1 {3}7 {3}2\s*\n2 {3}7 {3}2\s*\n$/);
  });

  test('says what is missing on a node', async () => {
    const run = gatedRun(1);
    run.open();
    await command(...run.args);
    fs.removeSync(join(run.out, 'task_index=0.txt'));
    fs.removeSync(join(run.out, 'result.txt'));
    const script = join(run.out, 'job.sh');
    const text = read(script).replace(/^node=.*/m, 'node=/nowhere/node');
    fs.writeFileSync(script, text);
    const id = (await execa('sbatch', ['--parsable', 'job.sh'], { env, cwd: run.out })).stdout;
    const log = join(run.out, 'logs', `slurm-${id}_0.log`);
    await until('the log', () => fs.existsSync(log) && read(log).includes('\n'), 30_000);
    expect(read(log)).toMatch(/Expected \/nowhere\/node on n\d as on the machine where this was submitted/);
  });

  test('that Slurm refuses ends with its words, and leaves nothing in the queue', async () => {
    const run = gatedRun(4);
    for (const [option, words] of [
      ['partition=nope', 'invalid partition specified: nope'],
      ['time=soon', 'Invalid --time specification'],
    ] as const) {
      const { exitCode, stderr } = await command(...run.args, '--slurm', option);
      expect([exitCode, stderr]).toEqual([2, expect.stringContaining(`sbatch refused it: ${words}`)]);
      expect(stderr).toContain(`or with: fanfold resume ${run.out} --slurm NAME=VALUE`);
    }
    expect(await bed.run('squeue', '--noheader')).toBe('');
    expect(doneLines(run.out)).toBe(0);
    // The same command with other options, whatever of them is other.
    run.open();
    expectExit(await command(...run.args, '--pack', '2', '--max-running', '1'), 0);
    expect(read(run.out, 'result.txt')).toBe(run.expected);
    expect(read(run.out, 'job.sh')).toContain('#SBATCH --array=0-1%1\n');
  });

  test('on a cluster that does not answer writes nothing', async () => {
    const run = gatedRun(4);
    const absent = await fanfold(run.args, { env: { PATH: '/nowhere' } });
    expect([absent.exitCode, absent.stderr]).toEqual([
      2,
      expect.stringContaining("Expected Slurm's commands on PATH"),
    ]);
    await bed.kill('slurmctld');
    const silent = await command(...run.args);
    await bed.start('slurmctld');
    expect([silent.exitCode, silent.stderr]).toEqual([
      1,
      expect.stringContaining("Expected an answer of Slurm's controller, but it does not answer"),
    ]);
    expect(fs.existsSync(run.out)).toBe(false);
  });

  test('whose failed points are retried without a terminal has their results in place of nan', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'run');
    const worker = writeWorker(
      folder,
      'w.mjs',
      "import { existsSync } from 'node:fs';\nexport default ({ x, folder }) => { if (x === 3 && !existsSync(folder + '/mended')) throw new Error('bad'); return x; };",
    );
    const spec = ['--range', '0:8', '--tasks', '4', '--set', `folder=${folder}`, '--on-error', 'nan'];
    const first = await command(worker, ...spec, '--out', out, '--engine', 'slurm');
    expectExit(first, 1);
    expect(read(out, 'result.txt')).toContain('3   nan\n');
    fs.writeFileSync(join(folder, 'mended'), '');
    const retried = await command('retry', out, '--detach');
    expectExit(retried, 0);
    expect(retried.stderr).toContain('The jobs go on');
    const isMade = (): boolean =>
      fs.existsSync(join(out, 'result.txt')) && read(out, 'result.txt').includes('3   3\n');
    await until('the result of all points', isMade, 60_000);
    expectExit(await command('verify', out), 0);
    expect((await command('status', out)).stdout).toContain('complete');
  });

  test('refuses a file that changed which only the function of its model imports', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'run');
    const late = (k: number): string => writeWorker(folder, 'late.py', `K = ${String(k)}\n`);
    const code =
      'import os\ndef f(x):\n    import late\n    if x == 2 and not os.path.exists("late.ok"):\n        raise ValueError("no")\n    return x * late.K\n';
    const model = writeWorker(folder, 'model.py', code.replace('late.ok', join(folder, 'ok')));
    const spec = [`${model}:f`, '--range', '0:4', '--tasks', '2', '--out', out];
    late(1);
    expectExit(await command(...spec, '--engine', 'slurm'), 1);
    late(500);
    fs.writeFileSync(join(folder, 'ok'), '');
    const { exitCode, stderr } = await command('retry', out);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('changed since: late.py.')]);
    late(1);
    expectExit(await command('retry', out), 0);
    expect(read(out, 'result.txt')).toBe('0   0\n1   1\n2   2\n3   3\n');
  });

  test('leaves the jobs of others alone that have the numbers of its own', async () => {
    const run = gatedRun(4);
    run.open();
    expectExit(await command(...run.args), 0);
    await gone(run.out);
    const id = await bed.run('sbatch', '--parsable', '--output=/dev/null', '--wrap', 'sleep 600');
    // As after a change of the cluster, or of its numbers.
    appendRecord(join(run.out, 'events.jsonl'), {
      event: 'submit',
      time: Date.now(),
      host: 'elsewhere',
      pid: 1,
      jobs: [id],
      elements: 4,
      first: 0,
    });
    expect((await command('stop', run.out, '--now')).stderr).toContain('Nobody is at work on this run.');
    fs.removeSync(join(run.out, 'task_index=1.txt'));
    fs.removeSync(join(run.out, 'result.txt'));
    expectExit(await command('resume', run.out), 0);
    expect(await bed.run('squeue', '--noheader', `--jobs=${id}`, '--format=%T')).toMatch(/RUNNING|PENDING/);
  });

  test('ends the whole array by --on-error stop', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'run');
    const worker = writeWorker(
      folder,
      'w.mjs',
      "export default async ({ x }) => { if (x === 0) throw new Error('bad'); await new Promise((r) => setTimeout(r, 400)); return x; };",
    );
    const { exitCode, stderr } = await command(
      worker,
      '--range',
      '0:400',
      '--tasks',
      '20',
      '--out',
      out,
      '--on-error',
      'stop',
      '--engine',
      'slurm',
    );
    expect(exitCode).toBe(1);
    expect(stderr).toContain('1 point failed');
    expect(logs(out)).toContain('Stopped by --on-error, and with it the whole array');
    expect(doneLines(out)).toBeLessThan(200);
  });
});

describe('a cluster that bounds its arrays', () => {
  const bed = slurmBed('MaxArraySize=4', 'SlurmdTimeout=60');

  testWith(
    'slurm',
    'gets several arrays',
    async () => {
      const run = gatedRun(10);
      run.open();
      const dry = await fanfold([...run.args, '--dry-run', '--max-running', '3'], { env: bed.env });
      expect(dry.stdout).toContain('tasks: 10 tasks (guan), 3 at once');
      expect(dry.stdout).toContain(
        'slurm: 10 elements of 1 task, at most 3 at once\n  array 0-3%3\n  array 0-3%3 --first 4\n  array 0-1%3 --first 8\n',
      );
      expect(dry.stdout).toContain('  #SBATCH --cpus-per-task=1\n');
      expect(fs.existsSync(run.out)).toBe(false);
      const { exitCode, stderr } = await fanfold(run.args, { env: bed.env });
      expect([exitCode, stderr]).toEqual([0, expect.stringContaining('of 10 elements')]);
      expect(arraysOf(run.out)).toHaveLength(3);
      expect(read(run.out, 'result.txt')).toBe(run.expected);
      expect(read(run.out, 'job.sh')).toContain(
        '#     sbatch --array=0-3 job.sh --first 4\n#     sbatch --array=0-1 job.sh --first 8\n',
      );
      for (const task of [5, 9]) fs.removeSync(join(run.out, `task_index=${String(task)}.txt`));
      fs.removeSync(join(run.out, 'result.txt'));
      expect((await fanfold(['resume', run.out, '--max-running', '2'], { env: bed.env })).exitCode).toBe(0);
      expect(read(run.out, 'result.txt')).toBe(run.expected);
      expect(repeated(run)).toHaveLength(8);
    },
    100_000,
  );
});

describe('a cluster on which others go first', () => {
  const bed = slurmBed(
    'PreemptType=preempt/partition_prio',
    'PreemptMode=REQUEUE',
    'KillWait=60',
    'PartitionName=low Nodes=n1,n2 Default=YES PriorityTier=1 GraceTime=5 MaxTime=INFINITE State=UP',
    'PartitionName=high Nodes=n1,n2 PriorityTier=10 PreemptMode=OFF MaxTime=INFINITE State=UP',
  );

  testWith(
    'slurm',
    'preempts elements, which finish their points in hand and go on by themselves when it is their turn again',
    async () => {
      const run = gatedRun(4);
      const shown = start([...run.args, '--slurm', 'partition=low'], { env: bed.env });
      await waiting(run, 4);
      await bed.run('sbatch', '--partition=high', '--nodes=2', '--ntasks-per-node=2', '--wrap', 'sleep 1');
      const cut = (): number => logs(run.out).split('DUE TO PREEMPTION').length - 1;
      await until('the preemption', () => cut() === 4, 60_000);
      run.open();
      expectExit(await shown, 0);
      expect(read(run.out, 'result.txt')).toBe(run.expected);
      expect(logs(run.out)).toContain('attempt 2');
      expect(repeated(run)).toEqual([]);
    },
    120_000,
  );
});

describe('a cluster that ends jobs which take more memory than they asked for', () => {
  const bed = slurmBed(
    'JobAcctGatherType=jobacct_gather/linux',
    'JobAcctGatherParams=OverMemoryKill',
    'JobAcctGatherFrequency=1',
    'SelectTypeParameters=CR_Core_Memory',
  );

  testWith(
    'slurm',
    'keeps what the element had finished, says so in its own words, and a resume with more memory does the rest',
    async () => {
      const folder = temporaryFolder();
      const worker = writeWorker(
        folder,
        'hog.mjs',
        `export default async ({ x }) => {
  if (x !== 5) return x * 2;
  const held = Buffer.alloc(${String(400 << 20)}, 1);
  await new Promise((resolve) => setTimeout(resolve, process.env.SLURM_MEM_PER_NODE > 500 ? 0 : 60_000));
  return x * 2 + held[0] - 1;
};
`,
      );
      const out = join(folder, 'run');
      const slurm = ['--engine', 'slurm', '--slurm', 'mem=300M'];
      const args = [worker, '--range', '0:12', '--tasks', '3', ...slurm, '--out', out];
      const killed = await fanfold(args, { env: bed.env });
      expect(killed.exitCode).toBe(1);
      expect(killed.stderr).toContain('1 element of the array ended before the tasks were finished');
      expect(killed.stderr).toContain('Exceeded job memory limit');
      expect(killed.stderr).toContain('Go on with: fanfold resume');
      expect(doneLines(out)).toBe(9);
      const resumed = await fanfold(['resume', out, '--slurm', 'mem=900M'], { env: bed.env });
      expectExit(resumed, 0);
      expect(read(out, 'result.txt')).toBe(
        Array.from({ length: 12 }, (_, x) => `${String(x)}   ${String(2 * x)}\n`).join(''),
      );
      expect(resumed.stderr).toContain('of 1 element,');
    },
    100_000,
  );
});

describe('a cluster with accounting', () => {
  const bed = slurmBed(
    'AccountingStorageType=accounting_storage/slurmdbd',
    'JobAcctGatherType=jobacct_gather/linux',
  );

  testWith(
    'accounting',
    'tells what became of each lost element',
    async () => {
      const run = gatedRun(3, '--fs-latency', '2s', '--slurm', 'requeue=false');
      const shown = start(run.args, { env: bed.env });
      await waiting(run, 3);
      const [array = ''] = arraysOf(run.out);
      await bed.run('scancel', '--signal=KILL', '--batch', `${array}_0`);
      await bed.run('scancel', `${array}_1`);
      await bed.kill('n2');
      const { exitCode, stderr } = await shown;
      expect([exitCode, stderr]).toEqual([
        1,
        expect.stringContaining('3 elements of the array ended before'),
      ]);
      for (const [element, state] of ['FAILED', 'CANCELLED by 0', 'NODE_FAIL'].entries())
        expect(stderr).toContain(`${array}_${String(element)} (${state})`);
      await bed.start('n2');
      run.open();
      expectExit(await fanfold(['resume', run.out, '--fs-latency', '2s'], { env: bed.env }), 0);
      expect(read(run.out, 'result.txt')).toBe(run.expected);
      // Those in hand only: what was finished is kept.
      expect(repeated(run).sort()).toEqual(['x=10', 'x=2', 'x=6']);
    },
    100_000,
  );
});

/** All that elements and their scheduler have said. */
function logs(out: string): string {
  const folder = join(out, 'logs');
  return fs
    .readdirSync(folder)
    .filter((name) => /^slurm-\d+_/.test(name))
    .map((name) => read(folder, name))
    .join('');
}
