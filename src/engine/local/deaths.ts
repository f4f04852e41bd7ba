import { hostname } from 'node:os';
import { performance } from 'node:perf_hooks';
import { FanfoldError } from '../../errors.js';
import type { Certificate, OomKills } from '../../run/certificate.js';
import { appendRecord } from '../../run/journal.js';
import { storableParameters, type RunEvent } from '../../run/records.js';
import { NO_TRIES, nextTry, type Tries } from '../../run/tries.js';
import type { Task } from '../engine.js';
import { certify } from './certify.js';
import { describeDeath, type Death, type HostProcess } from './host-process.js';
import type { Session } from './session.js';

// What becomes of a task whose process died.

/** Hosts that end this often outside any point, and no point between, stop the run. */
const DEATHS_OUTSIDE = 3;

/** A task ended, or another process has taken its file, or its own process ended. */
export type TaskEnding = 'done' | 'superseded' | DeathInTask;

export interface DeathInTask {
  readonly death: Death;
  /** The point that was in hand, where that is known for sure. */
  readonly point: number | undefined;
  /** Why this coordinator killed it, where it did. */
  readonly killed: Killed | undefined;
  readonly oomKills: { readonly before: OomKills; readonly after: OomKills };
  /** Bytes of the task's log that stood there before its process began with it. */
  readonly logStart: number;
}

/** A process that this coordinator killed for what its point did. */
export interface Killed {
  readonly verdict: Certificate['verdict'];
  /** In a sentence. */
  readonly reason: string;
}

/** What is known of the deaths in one task. */
export interface Watch {
  isCareful: boolean;
  /** By point. */
  readonly tries: Map<number, Tries>;
  readonly doomed: number[];
  outside: number;
  /** How often another process has taken the task's file. */
  superseded: number;
}

/** A death with what its process had sent into the log itself, which its coordinator hears only there. */
export function withLastWords(death: Death, logged: string): Death {
  const heard = death.lastWords.trim();
  return { ...death, lastWords: logged.includes(heard) ? logged : `${logged}\n${heard}` };
}

export function recordDeath(task: Task, host: HostProcess, end: DeathInTask, session: Session): void {
  const { paths, isKilled } = session;
  appendRecord(paths.events, {
    event: 'died',
    time: Date.now(),
    task: task.index,
    host: hostname(),
    pid: host.pid,
    seconds: (performance.now() - host.startedMs) / 1000,
    cause: end.killed?.reason ?? (isKilled ? 'Ended with the run.' : describeDeath(end.death)),
    ...(end.killed?.verdict === 'timeout' ? { isLate: true } : {}),
    ...(isKilled ? { isEnded: true } : {}),
  } satisfies RunEvent);
}

/**
 * Lays a death at the door of its point: recorded as an attempt that failed, and tried again while it has retries left, or
 * where the death is not the point's own. Where the point is not known the death counts against none, and the task goes on
 * carefully, every point announced.
 * @returns how long to wait before the task goes on, in milliseconds
 */
export function blame(task: Task, end: DeathInTask, watch: Watch, session: Session): number {
  const { point } = end;
  const { retryDelayMs } = session.limits;
  const isLate = end.killed?.verdict === 'timeout';
  watch.isCareful ||= !isLate || point === undefined;
  if (point === undefined) {
    watch.outside++;
    if (watch.outside >= DEATHS_OUTSIDE) throw lost(task, end, watch, session);
    return retryDelayMs * 2 ** (watch.outside - 1);
  }
  watch.outside = 0;
  const certificate = recordAttempt(task, point, end, session);
  const { tries, afterMs } = nextTry(certificate, watch.tries.get(point) ?? NO_TRIES, session.limits);
  watch.tries.set(point, tries);
  // What takes too long once takes too long again.
  if (afterMs !== undefined && !isLate) return afterMs;
  watch.doomed.push(point);
  return 0;
}

// --- internal ---

function lost(
  task: Task,
  { death, killed }: DeathInTask,
  { outside }: Watch,
  { paths }: Session,
): FanfoldError {
  return new FanfoldError(
    'FANFOLD_HOST',
    `The worker's process ended ${String(outside)} times outside any point of task ${String(task.index)}. ${killed?.reason ?? describeDeath(death)} See ${paths.log(task.index)}.`,
    { exitCode: 1 },
  );
}

function recordAttempt(task: Task, index: number, end: DeathInTask, session: Session): Certificate {
  const { paths, work, attempts } = session;
  const { death, killed, oomKills, logStart } = end;
  const verdict = killed && { verdict: killed.verdict, words: `${killed.verdict}: ${killed.reason}` };
  const certificate = certify(
    { death, task: task.index, point: index, oomKills, logStart, verdict },
    session,
  );
  appendRecord(paths.failures, {
    time: Date.now(),
    index,
    task: task.index,
    parameters: storableParameters(work.parameters(index)),
    attempt: attempts.of(index) + 1,
    error: killed?.reason ?? describeDeath(death),
    certificate,
  });
  return certificate;
}
