import { describe, expect } from '@jest/globals';
import fs from 'fs-extra';
import { delimiter, join } from 'node:path';
import { testWith } from '../tools.js';
import { expectExit, fanfold, read, start, temporaryFolder, until, WORKERS, writeWorker } from './command.js';

// Runs whose jobs are in the queue, with programs in the place of Slurm's.

interface Queued {
  readonly out: string;
  readonly env: { readonly PATH: string };
  /** What scancel was asked for. */
  readonly cancelled: () => string[];
  /** Puts other elements into the queue. */
  readonly queue: (...elements: readonly (readonly [id: string, state: string])[]) => void;
}

/** A run of four tasks of which nothing is computed, in the queue as array 7 with two of its elements at work. */
async function queued(worker = join(WORKERS, 'double.ts'), ...options: readonly string[]): Promise<Queued> {
  const folder = temporaryFolder();
  const out = join(folder, 'run');
  const bin = join(folder, 'bin');
  const fake = (name: string, script: string): void => {
    fs.outputFileSync(join(bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  };
  const queue: Queued['queue'] = (...elements) => {
    const lines = elements.map(([id, state]) => [id, state, 'None', 'job', 'job.sh', out].join('\x1f'));
    fs.writeFileSync(join(folder, 'queue'), lines.map((line) => `${line}\n`).join(''));
  };
  queue(['7_0', 'RUNNING'], ['7_1', 'RUNNING']);
  fake('sbatch', 'case "$*" in *--array=*) echo 7 ;; *) echo 8 ;; esac');
  fake('squeue', `cat '${folder}/queue'`);
  fake('scontrol', 'echo "MaxArraySize = 1001"');
  fake('scancel', `echo "$*" >>'${folder}/cancelled'`);
  const env = { PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}` };
  const spec = ['--range', '0:16', '--tasks', '4', '--out', out, '--engine', 'slurm'];
  expectExit(await fanfold([worker, ...spec, '--detach', ...options], { env }), 0);
  return {
    out,
    env,
    queue,
    cancelled: () =>
      fs.existsSync(join(folder, 'cancelled')) ? read(folder, 'cancelled').trimEnd().split('\n') : [],
  };
}

const GENTLY = ['--state=PENDING 7', '--full --signal=INT 7'];

describe('a stop of jobs in the queue', () => {
  testWith('posix', 'is asked for all the same where a signal ends the wait', async () => {
    const { out, env, cancelled } = await queued();
    for (const [signal, exitCode] of [
      ['SIGINT', 130],
      ['SIGTERM', 143],
      ['SIGHUP', 129],
    ] as const) {
      const before = cancelled().length;
      const stopping = start(['stop', out], { env });
      await until('the request', () => cancelled().length === before + 2);
      stopping.kill(signal);
      const ended = await stopping;
      expect([ended.exitCode, ended.stderr]).toEqual([
        exitCode,
        expect.stringContaining('Only the wait ends'),
      ]);
      expect(cancelled().slice(before)).toEqual(GENTLY);
    }
    const now = start(['stop', out, '--now'], { env });
    await until('that at once', () => cancelled().length > 6);
    now.kill('SIGINT');
    expect((await now).exitCode).toBe(130);
    expect(cancelled()[6]).toBe('7');
  });

  testWith(
    'posix',
    'takes out of the queue what was put back into it, and asks the others once',
    async () => {
      const { out, env, cancelled, queue } = await queued();
      const stopping = start(['stop', out], { env });
      await until('the request', () => cancelled().length === 2);
      queue(['7_0', 'RUNNING'], ['7_[1]', 'PENDING']);
      await until('the other', () => cancelled().length >= 4);
      queue();
      expectExit(await stopping, 0);
      expect(new Set(cancelled().slice(2))).toEqual(new Set(['--state=PENDING 7']));
    },
  );

  testWith('posix', 'is asked for again where Ctrl-C reaches scancel too', async () => {
    const { out, env, cancelled, queue } = await queued();
    const scancel = join(env.PATH.split(delimiter)[0] ?? '', 'scancel');
    const [first = '', ...rest] = read(scancel).split('\n');
    fs.writeFileSync(
      scancel,
      [first, `[ -e '${out}.cut' ] || { : >'${out}.cut'; kill -INT $$; }`, ...rest].join('\n'),
    );
    const stopping = start(['stop', out], { env });
    await until('the request', () => cancelled().length === 2);
    queue();
    expectExit(await stopping, 0);
    expect(cancelled()).toEqual(GENTLY);
  });
});

describe('a resume of jobs in the queue', () => {
  const resumed = async ({ out, env }: Queued, ...options: readonly string[]): Promise<[unknown, string]> => {
    const { exitCode, stderr } = await fanfold(['resume', out, '--detach', ...options], { env });
    return [exitCode, stderr];
  };
  const isRefused = (option: string): unknown => [
    2,
    expect.stringMatching(new RegExp(`Expected no jobs of .* in the queue for ${option}, but`)),
  ];
  const isFollowed = [0, expect.stringContaining('in the queue already')];

  testWith('posix', 'is refused with another --pack', async () => {
    const run = await queued(undefined, '--pack', '2');
    for (const pack of ['1', '3', '8'])
      expect(await resumed(run, '--pack', pack)).toEqual(isRefused('--pack'));
    expect(await resumed(run, '--pack', '2')).toEqual(isFollowed);
    expect(await resumed(run)).toEqual(isFollowed);
    // Of four tasks.
    expect(await resumed(await queued(undefined, '--pack', '9'), '--pack', '7')).toEqual(isFollowed);
  });

  testWith('python3', 'is refused with another interpreter or start method', async () => {
    const folder = temporaryFolder();
    const [python, other] = ['python', 'other'].map((name) => join(folder, name)) as [string, string];
    for (const path of [python, other]) fs.symlinkSync('/usr/bin/python3', path);
    const model = writeWorker(folder, 'model.py', 'def f(x):\n    return x\n');
    const run = await queued(`${model}:f`, '--python', python);
    expect(await resumed(run, '--python', other)).toEqual(isRefused('--python'));
    expect(await resumed(run, '--start-method', 'spawn')).toEqual(isRefused('--start-method'));
    expect(await resumed(run, '--python', python, '--start-method', 'fork')).toEqual(isFollowed);
  });
});
