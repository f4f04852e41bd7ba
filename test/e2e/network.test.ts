import { afterEach, describe, expect } from '@jest/globals';
import { execa, execaSync } from 'execa';
import fs from 'fs-extra';
import { join } from 'node:path';
import { testWith } from '../tools.js';
import {
  COMMAND,
  doneLines,
  events,
  fanfold,
  read,
  start,
  temporaryFolder,
  until,
  writeWorker,
  type Ended,
} from './command.js';

// One folder by two ways, as two machines see it: sshfs shows sizes, names and what a rename has put in place late.

const CACHED_SECONDS = 5;
const WORKER = `export default async ({ x }) => {
  await new Promise((resolve) => setTimeout(resolve, 20));
  return x * 2;
};
`;

const mounted: string[] = [];

afterEach(() => {
  for (const folder of mounted.splice(0)) execaSync('fusermount', ['-u', '-z', folder]);
});

/** Two ways to one folder, each with a cache of its own. */
function twoWays(folder: string): [first: string, second: string, store: string] {
  const store = join(folder, 'store');
  fs.ensureDirSync(store);
  const ssh = join(folder, 'ssh');
  fs.writeFileSync(ssh, '#!/bin/sh\nexec /usr/lib/openssh/sftp-server\n', { mode: 0o755 });
  const [first = '', second = ''] = ['first', 'second'].map((name) => {
    const way = join(folder, name);
    fs.ensureDirSync(way);
    const options = `ssh_command=${ssh},dcache_timeout=${String(CACHED_SECONDS)}`;
    execaSync('sshfs', ['-o', options, `local:${store}`, way]);
    mounted.push(way);
    return way;
  });
  return [first, second, store];
}

/** As on another machine: of another name, from which no process of this one is seen. */
async function elsewhere(args: readonly string[]): Promise<Ended> {
  const script = 'hostname node17; exec "$@"';
  const words = ['--uts', '--pid', '--fork', '--mount-proc', 'sh', '-c', script, 'sh', process.execPath];
  const { exitCode, stdout, stderr } = await execa('unshare', [...words, COMMAND, ...args], {
    reject: false,
  });
  return { exitCode, stdout, stderr };
}

function sweep(folder: string, points: number): string[] {
  return [writeWorker(folder, 'w.mjs', WORKER), '--range', `0:${String(points)}`, '--tasks', '4', '--quiet'];
}

const rows = (points: number): string =>
  Array.from({ length: points }, (_, x) => `${String(x)}   ${String(2 * x)}\n`).join('');

describe('a run directory on a network file system', () => {
  testWith(
    'sshfs',
    'has one coordinator, whoever comes by another way or from another machine',
    async () => {
      const folder = temporaryFolder();
      const [first, second, store] = twoWays(folder);
      const args = sweep(folder, 1000);
      const run = start([...args, '--out', join(first, 'run')]);
      await until('some lines', () => doneLines(join(first, 'run')) > 10);
      for (const rival of [fanfold, elsewhere]) {
        const { exitCode, stderr } = await rival([...args, '--out', join(second, 'run')]);
        expect([exitCode, stderr]).toEqual([2, expect.stringContaining('FANFOLD_LOCKED')]);
      }
      expect((await run).exitCode).toBe(0);
      expect(read(first, 'run/result.txt')).toBe(rows(1000));
      expect(events(join(store, 'run'), 'open')).toHaveLength(1);
    },
    120_000,
  );

  testWith(
    'sshfs',
    'is not called damaged by one who sees it late, and a rename over a file is waited for',
    async () => {
      const folder = temporaryFolder();
      const [first, second] = twoWays(folder);
      const args = sweep(folder, 200);
      const [here, there] = [join(first, 'run'), join(second, 'run')];
      const run = start([...args, '--out', here]);
      await until('some lines', () => doneLines(here) > 10);
      // So that the sizes of this moment are remembered.
      expect((await elsewhere(['status', there])).stdout).toContain('running');
      expect((await run).exitCode).toBe(0);
      const status = await elsewhere(['status', there]);
      expect([status.exitCode, status.stdout]).toEqual([0, expect.not.stringContaining('changed')]);
      const verified = await elsewhere(['verify', there]);
      expect([verified.exitCode, verified.stdout]).toEqual([0, expect.stringContaining('all well')]);
      // By now the other way sees it as it is.
      expect((await elsewhere(['status', there])).stdout).toContain(': complete');
    },
    120_000,
  );

  testWith(
    'sshfs',
    'is gone on with from another machine when its coordinator was killed, and no finished point is computed again',
    async () => {
      const folder = temporaryFolder();
      const [first, second, store] = twoWays(folder);
      const args = sweep(folder, 400);
      const [here, there] = [join(first, 'run'), join(second, 'run')];
      const run = start([...args, '--jobs', '2', '--out', here]);
      const ends = (): number[] => events(join(store, 'run'), 'end').map(({ task }) => task);
      await until('some lines', () => doneLines(here) > 10);
      await until('two finished tasks', () => ends().length >= 2);
      expect((await elsewhere(['status', there])).stdout).toContain('running');
      run.kill('SIGKILL');
      await run;
      const finished = ends();
      const resumed = await elsewhere([...args, '--out', there, '--fs-latency', '20s']);
      expect([resumed.exitCode, resumed.stderr]).toEqual([0, expect.stringContaining('waiting up to 20 s')]);
      expect(read(here, 'result.txt')).toBe(rows(400));
      for (const task of finished) expect(ends().filter((end) => end === task)).toHaveLength(1);
    },
    120_000,
  );

  testWith(
    'sshfs',
    'is computed by elements on two machines at once, each of which sees the other late',
    async () => {
      const folder = temporaryFolder();
      const [first, second, store] = twoWays(folder);
      const [here, there] = [join(first, 'run'), join(second, 'run')];
      const args = sweep(folder, 200).filter((word) => word !== '--quiet');
      expect((await fanfold(['template', 'slurm', ...args, '--out', here])).exitCode).toBe(0);
      const elements = await Promise.all([
        fanfold(['element', here, '0']),
        elsewhere(['element', there, '1']),
        fanfold(['element', here, '2']),
        elsewhere(['element', there, '3']),
      ]);
      expect(elements.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0, 0]);
      expect((await fanfold(['fold', here, '--wait'])).exitCode).toBe(0);
      expect(read(store, 'run/result.txt')).toBe(rows(200));
      expect((await elsewhere(['verify', there])).stdout).toContain('all well');
    },
    120_000,
  );
});
