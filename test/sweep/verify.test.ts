import fs from 'fs-extra';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { repairRun } from '../../src/sweep/repair.js';
import { verifyRun } from '../../src/sweep/verify.js';
import { fanfold, temporaryFolder, writeWorker } from '../e2e/command.js';

// A complete run with every kind of file, damaged in all ways.

const folder = temporaryFolder();
const whole = join(folder, 'whole');
const FILES = [
  'sweep.json',
  'sweep.json.copy',
  'events.jsonl',
  'failures.jsonl',
  'points.json',
  'worker.mjs',
  'result.txt',
  'task_index=0.txt',
  'task_index=1.txt',
];
/** What comes back only where the worker and the points came from. */
const COPIES = ['points.json', 'worker.mjs'];

beforeAll(async () => {
  const code =
    "export default ({ a, b }) => { if (a === 3 && !process.env.GO) throw new Error('no'); return { sum: a + b / 2, note: 'é' }; };\n";
  const worker = writeWorker(folder, 'w.mjs', code);
  fs.writeFileSync(join(folder, 'p.csv'), 'a,b\n1,2\n2,5\n3,1\n4,0.5\n5,nan\n');
  const args = [
    worker,
    '--points',
    join(folder, 'p.csv'),
    '--tasks',
    '2',
    '--slicing',
    'balanced',
    '--header',
    '--out',
    whole,
  ];
  expect((await fanfold(args)).exitCode).toBe(1);
  expect((await fanfold(['retry', whole], { env: { GO: '1' } })).exitCode).toBe(0);
});

/** A copy of the run whose one file is other bytes, or none. */
function damagedRun(name: string, bytes: Uint8Array | undefined): string {
  const directory = join(folder, 'damaged');
  fs.removeSync(directory);
  fs.copySync(whole, directory);
  if (bytes === undefined) fs.removeSync(join(directory, name));
  else fs.writeFileSync(join(directory, name), bytes);
  return directory;
}

/** Damages of a file: none of it, cut at several places, and one bit flipped at others; always the same. */
function damagesOf(bytes: Buffer): (Uint8Array | undefined)[] {
  let seed = 20260101;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
  const cuts = [0, bytes.length - 1, ...Array.from({ length: 6 }, () => random(bytes.length))];
  const bits = Array.from({ length: 12 }, () => random(bytes.length * 8));
  return [
    undefined,
    ...cuts.map((length) => bytes.subarray(0, length)),
    ...bits.map((bit) => {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      return flipped;
    }),
    Buffer.concat([bytes, Buffer.from('x')]),
  ];
}

describe('a run of which nothing is damaged', () => {
  test('is well, also with files beside it that are not its own', async () => {
    expect((await verifyRun(whole)).problems).toEqual([]);
    const directory = damagedRun('notes.txt', Buffer.from('mine'));
    for (const name of ['result.csv', 'task_index=0.txt.bak', 'task_index=0.txt.foreign-1'])
      fs.writeFileSync(join(directory, name), 'not of this run\n');
    expect((await verifyRun(directory)).problems).toEqual([]);
  });
});

describe.each(['task_index=2.txt', 'task_index=0.csv', 'task_index=01.txt', 'task_index=7.txt.part'])(
  'a run beside whose files is %s, of no task of it',
  (name) => {
    test('shows it, and moves it aside when it is repaired', async () => {
      const directory = damagedRun(name, Buffer.from('not of this run\n'));
      const found = await verifyRun(directory);
      expect(found.problems.map(({ file, kind }) => [file, kind])).toEqual([[name, 'foreign']]);
      await repairRun(found, () => undefined);
      expect((await verifyRun(directory)).problems).toEqual([]);
      expect(fs.readFileSync(join(directory, `${name}.foreign-1`), 'utf8')).toBe('not of this run\n');
    });
  },
);

test('a run of which a task and the result are lost shows both', async () => {
  const directory = damagedRun('result.txt', undefined);
  fs.removeSync(join(directory, 'task_index=1.txt'));
  const { problems, wasComplete } = await verifyRun(directory);
  expect(problems.map(({ file, kind }) => [file, kind])).toEqual([
    ['task_index=1.txt', 'missing'],
    ['result.txt', 'missing'],
  ]);
  expect(wasComplete).toBe(true);
});

describe.each(FILES)('a run whose %s is damaged', (name) => {
  test('shows it, and is mended without computing anything', async () => {
    const bytes = fs.readFileSync(join(whole, name));
    for (const [index, damage] of damagesOf(bytes).entries()) {
      const directory = damagedRun(name, damage);
      const found = await verifyRun(directory);
      expect([index, found.problems.map(({ file }) => file)]).toEqual([index, [name]]);
      await repairRun(found, () => undefined);
      const left = (await verifyRun(directory)).problems.map(({ file }) => file);
      expect([index, left]).toEqual([index, COPIES.includes(name) ? [name] : []]);
      for (const file of ['result.txt', 'task_index=0.txt', 'task_index=1.txt'])
        expect(fs.readFileSync(join(directory, file))).toEqual(fs.readFileSync(join(whole, file)));
    }
  });
});
