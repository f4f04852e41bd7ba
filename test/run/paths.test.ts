import { basename, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { isRunFile, runPaths } from '../../src/run/paths.js';

describe('the files of a run', () => {
  test('lie in its directory, made absolute', () => {
    const paths = runPaths('runs/a/../b', 'csv');
    expect(paths.directory).toBe(join(process.cwd(), 'runs/b'));
    expect(paths.result).toBe(join(paths.directory, 'result.csv'));
    expect(paths.task(3)).toBe(join(paths.directory, 'task_index=3.csv'));
    expect(paths.part(3)).toBe(`${paths.task(3)}.part`);
    expect(paths.log(3)).toBe(join(paths.directory, 'logs', 'task_index=3.log'));
  });

  test.each(['txt', 'csv', 'jsonl'] as const)('have names of their own in %s', (format) => {
    const paths = runPaths('/r', format);
    const indices = [0, 1, 10, 100];
    const files = [
      ...[paths.manifest, paths.lock, paths.points, paths.workerModule, paths.failures, paths.events],
      ...[paths.logs, paths.result],
      ...indices.flatMap((index) => [
        paths.task(index),
        paths.part(index),
        paths.retried(index),
        paths.log(index),
      ]),
    ];
    expect(new Set(files).size).toBe(files.length);
  });
});

describe('what one run must not leave to another', () => {
  test.each(['txt', 'csv', 'jsonl'] as const)('are its tasks, parts, records and result in %s', (format) => {
    const paths = runPaths('/r', format);
    const files = [
      paths.task(0),
      paths.part(12),
      `${paths.part(12)}.4711`,
      paths.check(12),
      `${paths.check(12)}.4711`,
      paths.retried(12),
      paths.result,
      `${paths.result}.tmp-4711`,
      paths.failures,
      paths.events,
    ];
    for (const file of files) expect([file, isRunFile(basename(file))]).toEqual([file, true]);
  });

  test.each([
    'notes.txt',
    'task_index=a.txt',
    'task_index=1.dat',
    'my-result.txt',
    'result.xlsx',
    'result.txt~',
    'sweep.jsonc',
    'model.ts',
    'events.json',
    '.git',
    '',
  ])('is not the file %j, which --force leaves alone', (name) => {
    expect(isRunFile(name)).toBe(false);
  });
});
