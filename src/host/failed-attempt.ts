import { hostname } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { hasForm } from '../checks.js';
import { LOG_END_BYTES, timeLeft, type Certificate } from '../run/certificate.js';
import { endOfLog } from '../run/log-file.js';
import { recentOomKills } from '../run/oom-kills.js';
import { storableParameters, type FailureRecord } from '../run/records.js';
import { NO_TRIES, type Tries } from '../run/tries.js';
import { isSchedulers, judgeDeath, judgeError } from '../run/verdict.js';
import type { Computer } from './compute.js';
import { describeError } from './described-error.js';
import type { RunJob, TaskJob } from './protocol.js';
import { readable } from './thrown.js';
import type { Usage } from './usage.js';

/** How a process ended that a point had to itself, such as a command; an error that has it may be tried again. */
export interface ProcessEnd {
  readonly status: number | null;
  readonly signal: string | null;
}

export interface AttemptOptions {
  readonly job: RunJob;
  readonly task: TaskJob;
  readonly computer: Computer;
  /** The task's log. */
  readonly log: string;
}

/** An attempt at a point that failed. */
export interface Attempt {
  readonly index: number;
  readonly error: unknown;
  /** How many attempts at the point this process made before. */
  readonly earlier: number;
  readonly tries: Tries;
}

/** The first attempt at a point that this process makes. */
export function firstAttempt(index: number, error: unknown, task: TaskJob): Attempt {
  return { index, error: readable(error), earlier: 0, tries: task.tries[index] ?? NO_TRIES };
}

/** The record of an attempt that failed. */
export function failedAttempt(
  { index, error, earlier }: Attempt,
  { job, task, computer, log }: AttemptOptions,
): FailureRecord & Required<Pick<FailureRecord, 'certificate'>> {
  return {
    time: Date.now(),
    index,
    task: task.index,
    parameters: storableParameters(computer.parameters(index)),
    attempt: (task.attempts[index] ?? 0) + earlier + 1,
    ...describeError(error),
    certificate: certify(index, error, { job, task, log }),
  };
}

/** How the process ended that an error tells of: only by a signal is it a death, which may be tried again. */
export function deathOf(error: unknown): ProcessEnd | undefined {
  const end = endOf(error);
  return end === undefined || end.signal === null ? undefined : end;
}

/**
 * True where the point's process was ended by a signal that stops whole jobs and this process may hear of the stop only now: such
 * a death is not the point's.
 */
export async function wasStopped(error: unknown, signal: AbortSignal): Promise<boolean> {
  return isSchedulers(deathOf(error)?.signal ?? null) && !(await pause(STOP_MS, signal));
}

/**
 * Waits before a point is tried again.
 * @returns false where a stop came
 */
export async function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  await wait(ms, undefined, { signal }).catch(() => undefined);
  return !signal.aborted;
}

// --- internal ---

/** A stop passes through the coordinator, which may be busy. */
const STOP_MS = 500;

/** How a point's own process ended; a user's error may have a property of that name too. */
function endOf(error: unknown): ProcessEnd | undefined {
  const end: unknown = error instanceof Error && 'death' in error ? error.death : undefined;
  return isProcessEnd(end) ? end : undefined;
}

const isProcessEnd = hasForm({
  status: (value) => value === null || typeof value === 'number',
  signal: (value) => value === null || typeof value === 'string',
}) as (value: unknown) => value is ProcessEnd;

/** An exception has nothing to do with the counter; thousands of them must not read it each time. */
const COUNTER_AGE_MS = 1000;

function certify(
  index: number,
  error: unknown,
  { job, task, log }: Pick<AttemptOptions, 'job' | 'task' | 'log'>,
): Certificate {
  const { facts, spec } = job;
  const left = timeLeft(facts.endsAtMs);
  const death = deathOf(error);
  const [before, after] = [task.oomKills, recentOomKills(death === undefined ? COUNTER_AGE_MS : 0)];
  const { name, message } = error instanceof Error ? error : { name: '', message: '' };
  const { status, signal } = endOf(error) ?? { status: null, signal: null };
  return {
    ...(death === undefined
      ? judgeError({ name, message }, status)
      : judgeDeath({ exitStatus: status, signal, lastWords: message, before, after, ...left })),
    exitStatus: status,
    signal,
    // Of a command this process's own numbers say nothing.
    ...('command' in spec.worker ? (error as { usage?: Usage } | undefined)?.usage : ownUsage()),
    oomKills: { before, after },
    ...left,
    node: hostname(),
    logEnd: endOfLog(log, task.logStart, LOG_END_BYTES),
    again: `${facts.again}${String(index)}`,
  };
}

function ownUsage(): Usage {
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
  return { peakMemoryBytes: maxRSS * 1024, processorSeconds: (userCPUTime + systemCPUTime) / 1e6 };
}
