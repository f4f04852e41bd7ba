import { describe, expect, test } from '@jest/globals';
import { appendFileSync, mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { watchFiles } from '../../src/report/watch-files.js';
import type { WatchOptions } from '../../src/report/watch.js';
import { appendRetried } from '../../src/run/retried.js';
import { runPaths } from '../../src/run/paths.js';
import { testFolder } from '../run/folder.js';
import { sampleManifest } from '../run/sample.js';

const folder = testFolder();

/** More than are looked at in one go. */
const TASKS = 1200;

function beginRun(name: string, options: WatchOptions = {}) {
  const directory = join(folder, name);
  mkdirSync(directory);
  const sample = sampleManifest();
  const manifest = { ...sample, points: 2 * TASKS, tasks: TASKS };
  const paths = runPaths(directory, 'txt');
  for (let task = 0; task < TASKS; task++) writeFileSync(paths.part(task), '0   1.0\n');
  return { paths, look: watchFiles(directory, manifest, options) };
}

describe('of a run on other machines', () => {
  test('the first look counts the lines of every task under way', () => {
    const { look } = beginRun('first');
    expect(look()).toMatchObject({ points: 2 * TASKS, done: TASKS, failed: 0 });
    expect(look().busy).toHaveLength(TASKS);
  });

  test('later looks find new lines of all of them, and tasks that are finished', async () => {
    const { paths, look } = beginRun('later');
    renameSync(paths.part(7), paths.task(7));
    for (let task = 8; task < TASKS; task++) appendFileSync(paths.part(task), '# failed 1\n');
    const isAll = () => look().done === 2 * TASKS - 7;
    while (!isAll()) await setTimeout(20);
    expect(look()).toMatchObject({ failed: TASKS - 8 });
    expect(look().busy.map(({ task }) => task)).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  test('a part that is begun anew is counted anew', async () => {
    const { paths, look } = beginRun('anew');
    writeFileSync(paths.part(3), '');
    while (look().done === TASKS) await setTimeout(20);
    expect(look().done).toBe(TASKS - 1);
  });

  test('a retry is as far as it has computed failed points again', async () => {
    const { paths, look } = beginRun('retry', { isRetry: true });
    // All but the last were failed before the view began.
    const before = new Date(Date.now() - 60_000);
    for (let task = 0; task < TASKS; task++) {
      writeFileSync(paths.part(task), task < TASKS - 1 ? `0   1.0\n# failed ${String(2 * task + 1)}\n` : '');
      utimesSync(paths.part(task), before, before);
    }
    const shows = async (done: number, failed: number): Promise<void> => {
      const isSo = (): boolean => look().done === done && look().failed === failed;
      while (!isSo()) await setTimeout(20);
    };
    await shows(TASKS - 1, 0);
    writeFileSync(paths.retried(3), '');
    appendRetried(paths.retried(3), { index: 7, line: '7   2.0\n' });
    writeFileSync(paths.retried(4), '');
    appendRetried(paths.retried(4), { index: 9, line: '# failed 9\n' });
    await shows(TASKS + 1, 1);
    // They take their places, and what is missing of a task comes after them.
    const both = { 3: '6   1.0\n7   2.0\n', 4: '8   1.0\n# failed 9\n' };
    for (const [task, text] of Object.entries(both)) {
      writeFileSync(`${paths.part(Number(task))}.1`, text);
      renameSync(`${paths.part(Number(task))}.1`, paths.part(Number(task)));
      rmSync(paths.retried(Number(task)));
    }
    writeFileSync(paths.part(TASKS - 1), '# failed 2398\n');
    await shows(TASKS + 2, 2);
  });

  test('what a killed retry has left is not failed any more', async () => {
    const { paths, look } = beginRun('left');
    appendFileSync(paths.part(3), '# failed 7\n');
    appendRetried(paths.retried(3), { index: 7, line: '7   2.0\n' });
    while (look().done !== TASKS + 1) await setTimeout(20);
    expect(look().failed).toBe(0);
  });
});
