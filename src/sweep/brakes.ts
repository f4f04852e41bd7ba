import { performance } from 'node:perf_hooks';
import type { Controls } from '../engine/engine.js';
import type { Limits } from '../run/limits.js';
import { MOST_TIMER_MS } from '../timers.js';

/** What ended a run before all its points were computed. */
export type StopReason = 'signal' | 'request' | 'max-failures' | 'on-error' | 'time-limit';

/** What may end a run early: its user, too many failed points, its time limit. */
export interface Brakes {
  readonly controls: Controls;
  /** When the time limit ends it, in ms by performance.now. */
  readonly endsAtMs: number | undefined;
  /** To be called for every point that fails. */
  readonly countFailed: () => void;
  /** How many have failed. */
  readonly failed: () => number;
  /** The first thing that asked for an end; undefined where nothing has. */
  readonly reason: () => StopReason | undefined;
  /** To be called for every look that finds a request to end. */
  readonly request: (request: { isNow: boolean }) => void;
  /** To be called at the run's end. */
  readonly release: () => void;
}

export interface BrakeOptions {
  readonly limits: Pick<Limits, 'maxFailures' | 'onError'>;
  /** Points of the sweep. */
  readonly points: number;
  /** How long the run may take, in ms, from `startedMs` on. */
  readonly timeLimitMs: number | undefined;
  /** When it began, in ms by performance.now, which no change of the clock disturbs. */
  readonly startedMs: number;
}

/** The share of the time limit, and the most in ms, that the points in hand have to end when it has passed. */
const GRACE_SHARE = 0.1;
const MOST_GRACE_MS = 60_000;

/** Watches over a run. Failed points are counted from now on: those of earlier sessions don't stop the one that goes on. */
export function brakes(given: Controls, options: BrakeOptions): Brakes {
  const { limits, timeLimitMs, startedMs } = options;
  const stop = new AbortController();
  const kill = new AbortController();
  let reason: StopReason | undefined;
  const halt = (why: StopReason): void => {
    reason ??= why;
    stop.abort();
  };
  const onSignal = (): void => {
    reason ??= 'signal';
  };
  if (given.stop.aborted) onSignal();
  given.stop.addEventListener('abort', onSignal);

  const most = mostFailures(options);
  let failed = 0;
  let timer: NodeJS.Timeout | undefined;
  const endsAtMs = timeLimitMs === undefined ? undefined : startedMs + timeLimitMs;
  // Nothing that takes longer than node's timers can wait is ended by one.
  if (endsAtMs !== undefined && (timeLimitMs ?? 0) <= MOST_TIMER_MS) {
    timer = setTimeout(() => {
      halt('time-limit');
      timer = setTimeout(
        () => {
          kill.abort();
        },
        graceMs(timeLimitMs ?? 0),
      );
    }, endsAtMs - performance.now());
  }
  return {
    controls: {
      stop: AbortSignal.any([given.stop, stop.signal]),
      kill: AbortSignal.any([given.kill, kill.signal]),
    },
    endsAtMs,
    countFailed: () => {
      failed++;
      if (failed > most) halt(limits.onError === 'stop' ? 'on-error' : 'max-failures');
    },
    failed: () => failed,
    request: ({ isNow }) => {
      halt('request');
      if (isNow) kill.abort();
    },
    reason: () => reason,
    release: () => {
      clearTimeout(timer);
      given.stop.removeEventListener('abort', onSignal);
    },
  };
}

/** How long the points in hand have to end once the time limit has passed, in ms. */
export function graceMs(timeLimitMs: number): number {
  return Math.min(MOST_GRACE_MS, GRACE_SHARE * timeLimitMs);
}

// --- internal ---

/** A run stops at the point that is one too many. */
function mostFailures({ limits, points }: BrakeOptions): number {
  const { maxFailures, onError } = limits;
  if (onError === 'stop') return 0;
  if (maxFailures === undefined) return Infinity;
  return 'points' in maxFailures ? maxFailures.points : (maxFailures.percent / 100) * points;
}
