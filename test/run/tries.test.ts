import { describe, expect, it } from '@jest/globals';
import { NO_TRIES, nextTry, type Tries } from '../../src/run/tries.js';

const LIMITS = { retries: 2, retryDelayMs: 100 };
const CRASH = { verdict: 'your code', signal: 'SIGSEGV' } as const;
const PREEMPTION = { verdict: 'preempted', signal: 'SIGTERM' } as const;
const UNKNOWN = { verdict: 'node', signal: null } as const;
const KILL = { verdict: 'node', signal: 'SIGKILL' } as const;

/** The waits after each of these ends of one point. */
function waits(ends: readonly Parameters<typeof nextTry>[0][]): (number | undefined)[] {
  let tries: Tries = NO_TRIES;
  return ends.map((end) => {
    const next = nextTry(end, tries, LIMITS);
    tries = next.tries;
    return next.afterMs;
  });
}

describe('nextTry', () => {
  it('tries a point again as often as it has retries, each time after double the wait', () => {
    expect(waits([CRASH, CRASH, CRASH])).toEqual([100, 200, undefined]);
  });

  it('charges nothing for a preemption, nor for an end of which nothing is known', () => {
    expect(waits([PREEMPTION, CRASH, UNKNOWN, CRASH, CRASH])).toEqual([100, 100, 200, 200, undefined]);
  });

  it('charges a SIGKILL, whatever killed it', () => {
    expect(waits([KILL, KILL, KILL])).toEqual([100, 200, undefined]);
  });

  it('charges from the fourth on what is spared otherwise, so that a point has an end', () => {
    expect(waits(Array.from({ length: 6 }, () => PREEMPTION))).toEqual([100, 200, 400, 100, 200, undefined]);
  });

  it('tries nothing again where there are no retries', () => {
    expect(nextTry(CRASH, NO_TRIES, { retries: 0, retryDelayMs: 100 }).afterMs).toBeUndefined();
  });
});
