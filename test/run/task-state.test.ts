import { describe, expect, test } from '@jest/globals';
import { endingOf, type TaskState } from '../../src/run/task-state.js';

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

  test('stopped, where all is computed and a file is still to be put in place', () => {
    expect(endingOf([state('complete', 3), state('partial', 3)])).toBe('stopped');
  });
});
