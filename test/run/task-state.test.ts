import { describe, expect, test } from '@jest/globals';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Manifest } from '../../src/run/manifest.js';
import { endingOf, readTaskStates, type TaskState } from '../../src/run/task-state.js';

const state = (status: TaskState['status'], lines: number, failed = 0): TaskState => ({
  index: 0,
  start: 0,
  stop: 3,
  status,
  lines,
  failed,
  bytes: 0,
});

describe('a run ends', () => {
  test.each([
    ['complete', [state('complete', 3), state('complete', 3)]],
    ['failed', [state('complete', 3), state('partial', 3, 1)]],
    ['stopped', [state('complete', 3), state('partial', 2, 1)]],
    ['stopped', [state('partial', 3, 1), state('waiting', 0)]],
  ] as const)('%s', (ending, states) => {
    expect(endingOf(states)).toBe(ending);
  });

  test.each([
    [0, 'stopped'],
    [1, 'stopped'],
    [2, 'failed'],
  ])(
    'after a retry that was stopped, in which %i of 2 failed points have failed, %s',
    (failedAgain, ending) => {
      expect(
        endingOf([state('partial', 3, 1), state('complete', 3), state('partial', 3, 1)], failedAgain),
      ).toBe(ending);
      expect(endingOf([state('complete', 3)], failedAgain)).toBe('complete');
      expect(endingOf([state('partial', 2)], failedAgain)).toBe('stopped');
    },
  );

  test('stopped, where all is computed and a file is still to be put in place', () => {
    expect(endingOf([state('complete', 3), state('partial', 3)])).toBe('stopped');
  });
});

test('a directory that is moved away while it is read is gone, not empty', () => {
  const directory = mkdtempSync(join(tmpdir(), 'fanfold-test-'));
  writeFileSync(join(directory, 'task_index=0.txt'), '');
  const manifest = {
    spec: { format: 'txt', slicing: 'guan' },
    tasks: 1,
    // Read between the listing of the directory and its files.
    get points() {
      renameSync(directory, `${directory}.away`);
      return 3;
    },
  };
  try {
    expect(() => readTaskStates(directory, manifest as Manifest)).toThrow('ENOENT');
  } finally {
    rmSync(`${directory}.away`, { recursive: true });
  }
});
