import { describe, expect, test } from '@jest/globals';
import fs from 'fs-extra';
import { join } from 'node:path';
import { events, fanfold, GOLDEN, read, temporaryFolder } from './command.js';

const MAIN_JOB = ['--tasks', '4', '--range', '0:17'];

describe('the main job', () => {
  test('writes the files of the article, byte for byte, and a summary', async () => {
    const cwd = temporaryFolder();
    const { exitCode, stdout, stderr } = await fanfold(MAIN_JOB, { cwd });
    expect(exitCode).toBe(0);
    const [name = ''] = fs.readdirSync(join(cwd, 'runs'));
    expect(name).toMatch(/^double-[0-9a-f]{8}$/);
    const directory = join(cwd, 'runs', name);
    for (const file of [
      'task_index=0.txt',
      'task_index=1.txt',
      'task_index=2.txt',
      'task_index=3.txt',
      'result.txt',
    ]) {
      expect(read(directory, file)).toBe(read(GOLDEN, 'article_section6', file));
    }
    expect(stdout).toBe(`${join('runs', name, 'result.txt')}\n`);
    expect(stderr).toContain('17 points in 4 tasks');
    for (const { pid } of events(directory, 'end'))
      expect(stderr).toMatch(new RegExp(`pid ${String(pid)} +running time [\\d.]+ s`));
    expect(stderr).toMatch(/wall time [\d.]+ s, sum of the task times [\d.]+ s, speed-up [\d.]+/);
  });

  test('computes nothing when run again, and says so', async () => {
    const cwd = temporaryFolder();
    const first = await fanfold(MAIN_JOB, { cwd });
    const directory = join(cwd, first.stdout.trim(), '..');
    const before = snapshot(directory);
    const { exitCode, stdout, stderr } = await fanfold(MAIN_JOB, { cwd });
    expect(exitCode).toBe(0);
    expect(stderr).toContain('This run is complete: 17 points in 4 tasks; nothing to compute.');
    expect(stdout).toBe(first.stdout);
    expect(snapshot(directory)).toEqual(before);
  });

  test('gives the same bytes for every number of jobs and in any folder', async () => {
    const cwd = temporaryFolder('fanfold \' " ü test-');
    for (const jobs of ['1', '3', '8']) {
      const out = join(cwd, `with ${jobs} jobs`);
      const { exitCode } = await fanfold([...MAIN_JOB, '--jobs', jobs, '--out', out], { cwd });
      expect(exitCode).toBe(0);
      expect(read(out, 'result.txt')).toBe(read(GOLDEN, 'article_section6', 'result.txt'));
    }
  });

  test('prints float columns as NumPy does', async () => {
    const out = join(temporaryFolder(), 'run');
    await fanfold(['--range', '0:1:0.1', '--out', out]);
    expect(read(out, 'result.txt')).toBe(read(GOLDEN, 'float_arange_0_1_0.1.txt'));
  });

  test('names the empty task that the slicing guan leaves, and the slicing that would not', async () => {
    const cwd = temporaryFolder();
    const { stderr } = await fanfold(['--range', '0:9', '--tasks', '4'], { cwd });
    expect(stderr).toContain('The slicing "guan" leaves 1 of 4 tasks empty');
    expect(stderr).toContain('--slicing balanced');
    const balanced = await fanfold(['--range', '0:9', '--tasks', '4', '--slicing', 'balanced'], { cwd });
    expect(balanced.stderr).not.toContain('--slicing');
  });
});

/** Names, sizes and times of all files. */
function snapshot(directory: string): Record<string, string> {
  return Object.fromEntries(
    fs.readdirSync(directory).map((name) => {
      const { size, mtimeMs } = fs.statSync(join(directory, name));
      return [name, `${String(size)} ${String(mtimeMs)}`];
    }),
  );
}
