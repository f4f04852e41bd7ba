import { pid } from 'node:process';

import { describe, expect, test } from '@jest/globals';

import sleep, { columns, schema } from '../../workers/sleep.js';
import { testContext } from './context.js';

describe('sleep', () => {
  test('a job waits its seconds and measures them', async () => {
    const result = await sleep(schema.parse({ seconds: 0.1 }), testContext(0, 1n));
    // Node's timers may fire up to a millisecond early.
    expect(result.running_seconds).toBeGreaterThan(0.098);
    expect(result.running_seconds).toBeLessThan(2);
    expect(result).toMatchObject({ job: 'job', pid });
    expect(Object.keys(result)).toEqual(Object.keys(columns));
  });

  test('a job logs its name, its process and its running time', async () => {
    const context = testContext(0, 1n);
    await sleep(schema.parse({ name: 'first', seconds: 0 }), context);
    expect(context.lines).toEqual([
      expect.stringMatching(`^run_proc: first, pid ${String(pid)}, running time 0\\.\\d{3} s$`),
    ]);
  });

  test('the number of a job stands behind its name', async () => {
    const jobs = [{ x: 5 }, { name: 'trial', x: 0 }, { name: 7 }].map(async (given) => {
      const { job } = await sleep(schema.parse({ ...given, seconds: 0 }), testContext(0, 1n));
      return job;
    });
    expect(await Promise.all(jobs)).toEqual(['job-5', 'trial-0', '7']);
  });

  test('a stopped run ends the wait at once', async () => {
    const stop = new AbortController();
    const context = testContext(0, 1n, stop.signal);
    const waiting = sleep(schema.parse({ seconds: 50 }), context);
    stop.abort();
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
    expect(context.lines).toEqual([]);
  });

  test('two seconds are the default', () => {
    expect(schema.parse({})).toEqual({ name: 'job', seconds: 2 });
  });

  test.each([
    { seconds: -1 },
    { seconds: '2' },
    { seconds: Infinity },
    { seconds: 3e6 },
    { x: 0.5 },
    { name: true },
  ])('%j is refused', (point) => {
    expect(schema.safeParse(point).success).toBe(false);
  });
});
