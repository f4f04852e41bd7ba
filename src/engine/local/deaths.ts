import { hostname } from 'node:os';
import { FanfoldError } from '../../errors.js';
import { appendRecord } from '../../run/journal.js';
import { readFailures, storableParameters, type RunEvent } from '../../run/records.js';
import type { Task } from '../engine.js';
import { describeDeath, type Death, type HostProcess } from './host-process.js';
import type { Session } from './session.js';

// What becomes of a task whose process died.

/** A point that ends its process this often while it is watched is recorded as failed. */
const DEATHS_OF_A_POINT = 2;
/** A host that ends this often outside any point stops the run. */
const DEATHS_OUTSIDE = 3;

/**
 * A task ended, or another process has taken its file, or its own process ended: at a point that it had announced, or
 * outside any.
 */
export type TaskEnding = 'done' | 'superseded' | DeathInTask | { death: Death; isLate: true; point: number };

export interface DeathInTask {
  readonly death: Death;
  readonly isLate: false;
  readonly isLoaded: boolean;
  readonly point: number | undefined;
}

/** What is known of the deaths in one task. */
export interface Watch {
  isCareful: boolean;
  readonly deaths: Map<number, number>;
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

export function recordDeath(
  task: Task,
  host: HostProcess,
  end: Exclude<TaskEnding, string>,
  { paths }: Session,
): void {
  appendRecord(paths.events, {
    event: 'died',
    time: Date.now(),
    task: task.index,
    host: hostname(),
    pid: host.pid,
    seconds: (Date.now() - host.startedMs) / 1000,
    cause: describeDeath(end.death),
    ...(end.isLate ? { isLate: true } : {}),
  } satisfies RunEvent);
}

/**
 * Finds the point that ends its process. A first death may have come anywhere in the lines not yet written, so the task
 * goes on carefully, every point announced; a point that then ends its process twice is recorded as failed.
 */
export function blame(
  task: Task,
  { death, isLoaded, point }: DeathInTask,
  watch: Watch,
  session: Session,
): void {
  if (point === undefined) {
    watch.outside++;
    if (watch.outside >= DEATHS_OUTSIDE || (watch.isCareful && !isLoaded)) {
      throw new FanfoldError(
        'FANFOLD_HOST',
        `The worker's process ended ${String(watch.outside)} times outside any point of task ${String(task.index)}. ${describeDeath(death)} See ${session.paths.log(task.index)}.`,
        { exitCode: 1 },
      );
    }
  } else {
    watch.deaths.set(point, (watch.deaths.get(point) ?? 0) + 1);
    if (watch.deaths.get(point) === DEATHS_OF_A_POINT) {
      watch.doomed.push(point);
      recordDoomed(task, point, describeDeath(death), session);
    }
  }
  watch.isCareful = true;
}

/** Records a point that took too long, and does without it. */
export function giveUp(task: Task, point: number, watch: Watch, session: Session): void {
  watch.doomed.push(point);
  const seconds = String((session.limits.timeoutMs ?? 0) / 1000);
  const { worker } = session;
  const isStream = worker.kind === 'command' && worker.spec.stream;
  const hint = isStream ? ' A program that stays alive must flush each answer.' : '';
  const error = `It did not end within ${seconds} s (--timeout), so its process was killed.${hint}`;
  recordDoomed(task, point, error, session);
}

// --- internal ---

function recordDoomed(task: Task, index: number, error: string, { paths, work }: Session): void {
  const attempt = (readFailures(paths.failures).get(index)?.attempt ?? 0) + 1;
  appendRecord(paths.failures, {
    time: Date.now(),
    index,
    task: task.index,
    parameters: storableParameters(work.parameters(index)),
    attempt,
    error,
  });
}
