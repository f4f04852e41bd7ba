import { hostname } from 'node:os';
import { performance } from 'node:perf_hooks';
import { appendRecord } from '../run/journal.js';
import type { RunPaths } from '../run/paths.js';
import type { RunEvent } from '../run/records.js';

/** A session as it is opened. */
export interface OpenedSession {
  /** The most processes at once. */
  readonly jobs: number;
  /** The scheduler's id of the job in which it is. */
  readonly job?: string | undefined;
  readonly isRetry: boolean;
  /** Points that had a result before, where that is known. */
  readonly done?: number;
  /** When it began, by performance.now. */
  readonly startedMs: number;
}

/** What ended a session early, where something did. */
export type EarlyEnd = Pick<Extract<RunEvent, { event: 'close' }>, 'stoppedBy' | 'failedAgain'>;

/**
 * Records that a session begins.
 * @returns a function that records its end, for a reason and, where something ended it early, with what that was
 */
export function recordSession(
  { events }: RunPaths,
  { jobs, job, isRetry, done, startedMs }: OpenedSession,
): (reason: string, early?: EarlyEnd) => void {
  const stamp = (): { time: number; host: string; pid: number } => ({
    time: Date.now(),
    host: hostname(),
    pid: process.pid,
  });
  const open = {
    event: 'open',
    ...stamp(),
    jobs,
    ...(job === undefined ? {} : { job }),
    ...(isRetry ? { isRetry } : {}),
    ...(done === undefined ? {} : { done }),
  } as const;
  appendRecord(events, open satisfies RunEvent);
  return (reason, early = {}) => {
    const seconds = (performance.now() - startedMs) / 1000;
    appendRecord(events, { event: 'close', ...stamp(), seconds, reason, ...early } satisfies RunEvent);
  };
}
