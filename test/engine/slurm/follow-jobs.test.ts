import { describe, expect, test } from '@jest/globals';
import { idleWatch } from '../../../src/engine/slurm/follow-jobs.js';

describe('a queue in which nothing runs', () => {
  const queue = (waiting: number, running: number, ...reasons: string[]) => ({
    jobs: ['1'],
    folds: [],
    waiting,
    running,
    reasons,
  });

  test('is told once for each reason, after a while', () => {
    const told: string[] = [];
    const look = idleWatch((text) => told.push(text));
    look(queue(4, 0, 'Priority'), 0);
    look(queue(4, 0, 'Priority'), 39_000);
    expect(told).toEqual([]);
    look(queue(4, 0, 'Priority'), 41_000);
    look(queue(4, 0, 'Priority'), 80_000);
    expect(told).toEqual(['Slurm has not started the 4 elements that wait: Priority.']);
    look(queue(1, 0), 90_000);
    expect(told.at(-1)).toBe('Slurm has not started the element that waits: it gives no reason.');
  });

  test('is not told while an element runs, and at once where none ever will', () => {
    const told: string[] = [];
    const look = idleWatch((text) => told.push(text));
    look(queue(4, 0, 'Resources'), 0);
    look(queue(3, 1, 'Resources'), 30_000);
    look(queue(4, 0, 'Resources'), 50_000);
    expect(told).toEqual([]);
    look(queue(4, 0, 'BadConstraints'), 51_000);
    expect(told).toEqual([expect.stringContaining('BadConstraints. That does not pass by itself')]);
  });
});
