import { afterEach, describe, expect } from '@jest/globals';
import { execaSync } from 'execa';
import fs from 'fs-extra';
import { join } from 'node:path';
import { readEventsFrom } from '../../src/run/records.js';
import { testWith } from '../tools.js';
import { doneLines, fanfold, read, start, temporaryFolder, until, writeWorker } from './command.js';

// What a disk holds when the power goes is what was written through to it, and nothing of what the system still had in
// memory. A copy of the file under a mounted loop device is just that.

const POINTS = 400;
const TASKS = 16;
const CUTS = 5;
const SEED = 20_260_214;
const WORKER = `export default async ({ x }) => {
  await new Promise((resolve) => setTimeout(resolve, 8));
  return [x / 3, 'row ' + x];
};
`;

const mounted = new Set<string>();

// After a failure too, and before the folders are removed.
afterEach(async () => {
  for (const folder of mounted) await until(`${folder} to be left alone`, () => unmount(folder));
});

describe('after a power cut', () => {
  testWith(
    'loop',
    'what stood under its final name is whole, and the same command completes the run with the same bytes',
    async () => {
      const folder = temporaryFolder();
      const worker = writeWorker(folder, 'w.mjs', WORKER);
      const spec = [worker, '--range', `0:${String(POINTS)}`, '--tasks', String(TASKS), '--quiet'];
      const undisturbed = join(folder, 'undisturbed');
      expect((await fanfold([...spec, '--out', undisturbed, '--jobs', '8'])).exitCode).toBe(0);

      const image = join(folder, 'disk.img');
      makeDisk(image);
      const disk = mount(image, join(folder, 'disk'));
      const directory = join(disk, 'run');
      const run = start([...spec, '--out', directory, '--jobs', '2']);
      const cuts: Cut[] = [];
      try {
        for (const lines of moments()) {
          await until(`${String(lines)} lines`, () => doneLines(directory) >= lines);
          cuts.push(cutPower(image, directory, join(folder, `cut-${String(lines)}.img`)));
        }
      } finally {
        run.kill('SIGKILL');
        await run;
      }
      await until('the disk to be left alone', () => unmount(disk));

      for (const { copy, finished } of cuts) {
        const after = join(mount(copy, `${copy}.mounted`), 'run');
        for (const task of finished) {
          const name = `task_index=${String(task)}.txt`;
          expect([copy, name, read(after, name)]).toEqual([copy, name, read(undisturbed, name)]);
        }
        const { exitCode, stderr } = await fanfold([...spec, '--out', after, '--jobs', '8']);
        expect([copy, exitCode, stderr]).toEqual([copy, 0, expect.any(String)]);
        expect(read(after, 'result.txt')).toBe(read(undisturbed, 'result.txt'));
        const verified = await fanfold(['verify', after]);
        const said = `${verified.stdout}${verified.stderr}`;
        expect([copy, verified.exitCode, said]).toEqual([copy, 0, expect.any(String)]);
        unmount(`${copy}.mounted`);
      }
      // Else nothing was held against the promise.
      expect(cuts.some(({ finished }) => finished.length > 0)).toBe(true);
    },
    120_000,
  );
});

/** After how many lines of the run the power goes: early, late, and in between. */
function moments(): number[] {
  let state = SEED;
  const random = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
  const part = (POINTS * 0.9) / CUTS;
  return Array.from({ length: CUTS }, (_, cut) => Math.ceil(part * (cut + random())));
}

interface Cut {
  readonly copy: string;
  /** The tasks whose files had to survive. */
  readonly finished: readonly number[];
}

/** Copies what has reached a disk in use, at one moment: a copy that differs from its original right after is none. */
function cutPower(image: string, directory: string, copy: string): Cut {
  for (let tries = 0; tries < 50; tries++) {
    const finished = finishedTasks(directory);
    execaSync('cp', ['--sparse=always', image, copy]);
    if (execaSync('cmp', ['-s', image, copy], { reject: false }).exitCode === 0) return { copy, finished };
  }
  throw new Error('The disk changed during each of 50 copies.');
}

/** Tasks with a file under its final name whose process has gone on to another: renamed, and the folder synced. */
function finishedTasks(directory: string): number[] {
  const { records } = readEventsFrom(join(directory, 'events.jsonl'));
  return records.flatMap((record, place) => {
    if (record.event !== 'end') return [];
    const goesOn = records.slice(place).some((later) => later.event === 'start' && later.pid === record.pid);
    const file = join(directory, `task_index=${String(record.task)}.txt`);
    return goesOn && fs.existsSync(file) ? [record.task] : [];
  });
}

function makeDisk(image: string): void {
  execaSync('truncate', ['-s', '48M', image]);
  execaSync('mkfs.ext4', ['-q', '-F', image]);
}

function mount(image: string, folder: string): string {
  fs.ensureDirSync(folder);
  execaSync('mount', ['-o', 'loop', image, folder]);
  mounted.add(folder);
  return folder;
}

/** False while something there is still in use. */
function unmount(folder: string): boolean {
  const isFree = execaSync('umount', [folder], { reject: false }).exitCode === 0;
  if (isFree) mounted.delete(folder);
  return isFree;
}
