import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { performance } from 'node:perf_hooks';
import type { Limits } from '../../src/run/limits.js';
import { brakes, graceMs, type BrakeOptions } from '../../src/sweep/brakes.js';

const HOUR_MS = 3_600_000;

function controls(): { stop: AbortController; kill: AbortController } {
  return { stop: new AbortController(), kill: new AbortController() };
}

function made(
  limits: BrakeOptions['limits'],
  rest: Partial<BrakeOptions> = {},
): ReturnType<typeof brakes> & { user: ReturnType<typeof controls> } {
  const user = controls();
  const found = brakes(
    { stop: user.stop.signal, kill: user.kill.signal },
    { limits, points: 200, timeLimitMs: undefined, startedMs: performance.now(), ...rest },
  );
  return { ...found, user };
}

describe('failed points', () => {
  test.each<[Pick<Limits, 'maxFailures' | 'onError'>, number, string]>([
    [{ onError: 'stop' }, 1, 'on-error'],
    [{ onError: 'stop', maxFailures: { points: 10 } }, 1, 'on-error'],
    [{ onError: 'continue', maxFailures: { points: 0 } }, 1, 'max-failures'],
    [{ onError: 'continue', maxFailures: { points: 3 } }, 4, 'max-failures'],
    [{ onError: 'nan', maxFailures: { percent: 1.5 } }, 4, 'max-failures'],
    [{ onError: 'nan', maxFailures: { percent: 1.4 } }, 3, 'max-failures'],
    [{ onError: 'nan', maxFailures: { percent: 0 } }, 1, 'max-failures'],
  ])('with %j stop a run at the one that is too many', (limits, wanted, reason) => {
    const brake = made(limits);
    for (let failed = 1; failed < wanted; failed++) {
      brake.countFailed();
      expect(brake.controls.stop.aborted).toBe(false);
    }
    brake.countFailed();
    expect([brake.controls.stop.aborted, brake.controls.kill.aborted]).toEqual([true, false]);
    expect(brake.reason()).toBe(reason);
    brake.release();
  });

  test.each<Pick<Limits, 'maxFailures' | 'onError'>>([
    { onError: 'continue' },
    { onError: 'nan' },
    { onError: 'continue', maxFailures: { percent: 100 } },
  ])('with %j stop nothing', (limits) => {
    const brake = made(limits);
    for (let failed = 0; failed < 200; failed++) brake.countFailed();
    expect([brake.controls.stop.aborted, brake.reason()]).toEqual([false, undefined]);
    brake.release();
  });
});

test("a user's stop and kill go through, and are the reason where they come first", () => {
  const brake = made({ onError: 'stop' });
  brake.user.stop.abort();
  brake.countFailed();
  expect([brake.controls.stop.aborted, brake.reason()]).toEqual([true, 'signal']);
  brake.user.kill.abort();
  expect(brake.controls.kill.aborted).toBe(true);
  brake.release();
});

describe('a time limit', () => {
  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['performance'] });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  test('stops a run, and kills it where its points outlast the grace', () => {
    const brake = made({ onError: 'continue' }, { timeLimitMs: HOUR_MS });
    jest.advanceTimersByTime(HOUR_MS - 1000);
    expect(brake.controls.stop.aborted).toBe(false);
    jest.advanceTimersByTime(1000);
    expect([brake.controls.stop.aborted, brake.reason()]).toEqual([true, 'time-limit']);
    jest.advanceTimersByTime(graceMs(HOUR_MS) - 1000);
    expect(brake.controls.kill.aborted).toBe(false);
    jest.advanceTimersByTime(1000);
    expect(brake.controls.kill.aborted).toBe(true);
  });

  test.each([-24 * HOUR_MS, 24 * HOUR_MS])('is not disturbed by a clock that jumps by %d ms', (jump) => {
    const brake = made({ onError: 'continue' }, { timeLimitMs: HOUR_MS });
    jest.setSystemTime(Date.now() + jump);
    jest.advanceTimersByTime(HOUR_MS - 1000);
    expect(brake.controls.stop.aborted).toBe(false);
    jest.advanceTimersByTime(1000);
    expect(brake.controls.stop.aborted).toBe(true);
    brake.release();
  });

  test('counts from the beginning of the run', () => {
    const brake = made({ onError: 'continue' }, { timeLimitMs: 1000, startedMs: performance.now() - 2000 });
    jest.advanceTimersByTime(1);
    expect(brake.reason()).toBe('time-limit');
    brake.release();
  });

  test('ends with the run', () => {
    const brake = made({ onError: 'continue' }, { timeLimitMs: 1000 });
    brake.release();
    jest.advanceTimersByTime(10_000);
    expect([brake.controls.stop.aborted, brake.controls.kill.aborted]).toEqual([false, false]);
  });

  test('leaves a tenth of itself for the points in hand, a minute at most', () => {
    expect([1000, HOUR_MS, 600_000].map(graceMs)).toEqual([100, 60_000, 60_000]);
  });
});
