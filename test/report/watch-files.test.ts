import { describe, expect, test } from '@jest/globals';
import { appendFileSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { watchFiles } from '../../src/report/watch-files.js';
import { runPaths } from '../../src/run/paths.js';
import { testFolder } from '../run/folder.js';
import { sampleManifest } from '../run/sample.js';

const folder = testFolder();

/** More than are looked at in one go. */
const TASKS = 1200;

function beginRun(name: string) {
  const directory = join(folder, name);
  mkdirSync(directory);
  const sample = sampleManifest();
  const manifest = { ...sample, points: 2 * TASKS, tasks: TASKS };
  const paths = runPaths(directory, 'txt');
  for (let task = 0; task < TASKS; task++) writeFileSync(paths.part(task), '0   1.0\n');
  return { paths, look: watchFiles(directory, manifest) };
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
});
