import { describe, expect, test } from '@jest/globals';
import { basename } from 'node:path';
import { planSweep, type SweepRequest } from '../../src/sweep/plan.js';
import { DEFAULT_LIMITS } from '../../src/run/limits.js';
import { arange } from '../../src/space/arange.js';
import { grid } from '../../src/space/grid.js';

const REQUEST: SweepRequest = {
  worker: { kind: 'module', file: '/home/u/model.ts', export: 'default' },
  space: grid({ x: arange(100) }),
  fixed: [],
  seed: 0n,
  slicing: undefined,
  tasks: undefined,
  jobs: 2,
  limits: DEFAULT_LIMITS,
  format: 'txt',
  header: undefined,
  out: undefined,
};

describe('a plan', () => {
  test('has the same hash and directory wherever the worker lies and however many jobs there are', () => {
    const plan = planSweep(REQUEST);
    const moved = planSweep({
      ...REQUEST,
      worker: { kind: 'module', file: '/else/model.ts', export: 'default' },
      jobs: 64,
      header: true,
    });
    expect(moved.hash).toBe(plan.hash);
    expect(basename(plan.directory)).toBe(`model-${plan.hash.slice(0, 8)}`);
  });

  test.each<[string, Partial<SweepRequest>]>([
    ['the worker', { worker: { kind: 'module', file: '/home/u/other.ts', export: 'default' } }],
    ['the export', { worker: { kind: 'module', file: '/home/u/model.ts', export: 'energy' } }],
    ['the space', { space: grid({ x: arange(101) }) }],
    ['the name of an axis', { space: grid({ y: arange(100) }) }],
    ['a fixed argument', { fixed: [{ name: 'L', values: arange(32, 33) }] }],
    ['the seed', { seed: 1n }],
    ['the slicing', { slicing: 'guan' }],
    ['the number of tasks', { tasks: 4 }],
    ['the format', { format: 'csv' }],
  ])('has another hash with another value of %s', (_, change) => {
    expect(planSweep({ ...REQUEST, ...change }).hash).not.toBe(planSweep(REQUEST).hash);
  });

  test('cuts by guan where a number of tasks is given, otherwise balanced, several tasks a slot', () => {
    expect(planSweep({ ...REQUEST, tasks: 7 })).toMatchObject({
      tasks: 7,
      spec: { slicing: 'guan', tasks: 7 },
    });
    expect(planSweep(REQUEST)).toMatchObject({ tasks: 32, spec: { slicing: 'balanced', tasks: 'auto' } });
    expect(planSweep({ ...REQUEST, jobs: 1000 }).tasks).toBe(100);
  });

  test('gives a csv a header unless told otherwise', () => {
    expect(planSweep(REQUEST).header).toBe(false);
    expect(planSweep({ ...REQUEST, format: 'csv' }).header).toBe(true);
    expect(planSweep({ ...REQUEST, format: 'csv', header: false }).header).toBe(false);
  });
});
