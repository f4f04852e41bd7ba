import { statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from '@jest/globals';
import fc from 'fast-check';
import type { Layout } from '../../../src/format/layout.js';
import { arange } from '../../../src/space/arange.js';
import { testWith } from '../../tools.js';
import { computeTask, modelOf, newRun, spaceOf, startHost, taskOf, until } from './host.js';

const POINTS = 60_000;
const SCALAR: Layout = { kind: 'scalar', columns: [{ name: 'y' }] };
const MODEL = modelOf(
  'def f(x, seed):\n    if x % 977 == 5:\n        raise ValueError(x)\n    return x * 0.1\n',
);

describe('a Python host that is killed', () => {
  testWith('python3', 'at any time leaves a task that ends with the same bytes', async () => {
    const options = { space: spaceOf({ x: arange(POINTS) }) };
    const whole = newRun(options);
    await computeTask(MODEL, whole, { stop: POINTS });
    const expected = whole.read('task_index=0.txt.part');

    const run = newRun(options);
    const part = join(run.directory, 'task_index=0.txt.part');
    const size = (): number => (run.has('task_index=0.txt.part') ? statSync(part).size : 0);
    // Killed when the file has grown by some share of what is left: never at the same place twice.
    for (const share of fc.sample(fc.double({ min: 0, max: 0.6, noNaN: true }), 6)) {
      const host = startHost();
      const before = size();
      const goal = before + share * (expected.length - before);
      host.send(MODEL, run.run, taskOf({ stop: POINTS, ...(before > 0 ? { layout: SCALAR } : {}) }));
      await until('more lines', () => size() > goal);
      host.process.kill('SIGKILL');
      expect((await host.ended).signal).toBe('SIGKILL');
      expect(expected.startsWith(run.read('task_index=0.txt.part'))).toBe(true);
    }
    await computeTask(MODEL, run, { stop: POINTS, layout: SCALAR });
    expect(run.read('task_index=0.txt.part') === expected).toBe(true);
  });
});
