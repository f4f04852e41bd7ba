import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { FanfoldError } from '../../errors.js';
import type { Layout } from '../../format/layout.js';
import type { HostWorker, Report, TaskJob } from '../../host/protocol.js';
import { changedFiles, type FileHashes } from '../../run/file-hashes.js';
import { appendRecord } from '../../run/journal.js';
import { runPaths, type RunPaths } from '../../run/paths.js';
import { readFailures, storableParameters, type FailureRecord, type RunEvent } from '../../run/records.js';
import type { Controls, Engine, Task, Work } from '../engine.js';
import type { Crew } from './crew.js';
import {
  describeDeath,
  isDeath,
  LAST_WORDS_CHARACTERS,
  type Death,
  type HostProcess,
} from './host-process.js';
import { appendToLog, endOfLog, sizeOf } from './log-file.js';

export interface LocalEngineOptions {
  /** Processes at once. */
  readonly jobs: number;
  /** A new process for every task. */
  readonly isFresh: boolean;
  readonly worker: HostWorker;
  /** The hashes of the files that the run began with, where each process reads them anew. */
  readonly files: FileHashes | undefined;
  readonly crew: Crew;
}

/** A point that ends its process this often while it is watched is recorded as failed. */
const DEATHS_OF_A_POINT = 2;
/** A host that ends this often outside any point stops the run. */
const DEATHS_OUTSIDE = 3;

/** Computes tasks in processes of this machine, at most `jobs` at once. */
export function localEngine(options: LocalEngineOptions): Engine {
  return { run: (work, controls) => runLocally(work, controls, options) };
}

// --- internal ---

/** What the slots of a run share. */
interface Session extends LocalEngineOptions {
  readonly work: Work;
  readonly paths: RunPaths;
  /** Position of the next task that no slot has taken. */
  next: number;
  readonly hosts: Set<HostProcess>;
  layout: Layout | undefined;
  isStopping: boolean;
  /** The failures of earlier sessions, once a retry asks for them. */
  failures: ReadonlyMap<number, FailureRecord> | undefined;
}

async function runLocally(work: Work, controls: Controls, options: LocalEngineOptions): Promise<void> {
  const session: Session = {
    ...options,
    work,
    paths: runPaths(work.job.directory, work.job.spec.format),
    next: 0,
    hosts: new Set(),
    layout: work.layout,
    isStopping: controls.stop.aborted,
    failures: undefined,
  };
  const stop = (): void => {
    session.isStopping = true;
    for (const host of session.hosts) host.send({ type: 'stop' });
  };
  const kill = (): void => {
    session.isStopping = true;
    for (const host of session.hosts) host.kill();
  };
  controls.stop.addEventListener('abort', stop);
  controls.kill.addEventListener('abort', kill);
  try {
    const slots = Array.from({ length: Math.min(options.jobs, work.tasks.length) }, () => runSlot(session));
    // The first error ends the run; the points in hand are finished and kept.
    slots.forEach((slot) => void slot.catch(stop));
    const ended = await Promise.allSettled(slots);
    const failed = ended.find((slot) => slot.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  } finally {
    controls.stop.removeEventListener('abort', stop);
    controls.kill.removeEventListener('abort', kill);
  }
}

/** One job slot: one process after another, each for as many tasks as it lives. */
async function runSlot(session: Session): Promise<void> {
  let host: HostProcess | undefined;
  try {
    for (;;) {
      const task = session.isStopping ? undefined : session.work.tasks[session.next++];
      if (task === undefined) return;
      host = await finishTask(task, host, session);
      if (session.isFresh) {
        await host?.exit();
        host = undefined;
      }
    }
  } finally {
    // It ends while the result is folded; the crew waits for it.
    void host?.exit();
    if (host !== undefined) session.hosts.delete(host);
  }
}

/** Computes one task, in as many processes as it takes. Gives back the one that lives. */
async function finishTask(
  task: Task,
  living: HostProcess | undefined,
  session: Session,
): Promise<HostProcess | undefined> {
  const watch = { isCareful: false, deaths: new Map<number, number>(), doomed: [] as number[], outside: 0 };
  let host = living;
  for (;;) {
    host ??= openHost(session);
    const { layout, work } = session;
    const log = session.paths.log(task.index);
    const written = sizeOf(log);
    host.divert((bytes) => {
      appendToLog(log, bytes);
    });
    const end = await computeTask(host, session, {
      ...task,
      ...(layout === undefined ? {} : { layout }),
      isCareful: watch.isCareful,
      retryFailed: work.retryFailed,
      doomed: watch.doomed,
      attempts: work.retryFailed ? attemptsIn(task, session) : {},
    });
    if (end === 'done') return host;
    session.hosts.delete(host);
    const death = withLastWords(end.death, endOfLog(log, written, LAST_WORDS_CHARACTERS));
    recordDeath(task, host, death, session);
    host = undefined;
    // It may have died right after its file was in place.
    if (session.isStopping || existsSync(session.paths.task(task.index))) return undefined;
    blame(task, { ...end, death }, watch, session);
  }
}

/** A task ended, or its process did: at a point that it had announced, or outside any. */
type TaskEnding = 'done' | { death: Death; isLoaded: boolean; point: number | undefined };

interface Watch {
  isCareful: boolean;
  readonly deaths: Map<number, number>;
  readonly doomed: number[];
  outside: number;
}

async function computeTask(host: HostProcess, session: Session, task: TaskJob): Promise<TaskEnding> {
  host.send({ type: 'task', task });
  let isLoaded = false;
  let point: number | undefined;
  for (;;) {
    const report = await host.next();
    if (isDeath(report)) return { death: report, isLoaded, point };
    switch (report.type) {
      case 'done':
        return 'done';
      case 'point':
        point = report.index;
        isLoaded = true;
        break;
      case 'layout':
        session.layout ??= report.layout;
        break;
      case 'loaded':
        checkFiles(report.files, session);
        isLoaded = true;
        break;
      case 'hello':
        isLoaded = true;
        break;
      case 'refused':
        throw new FanfoldError('FANFOLD_WORKER', report.message);
      case 'broken':
        throw brokenError(report);
      // Nothing of a task's.
      case 'checked':
      case 'forked':
      case 'ended':
      case 'returned':
      case 'raised':
    }
  }
}

/** A model is imported again by each process that is not a fork: by then it may have been edited. */
function checkFiles(now: FileHashes | undefined, { files, paths }: Session): void {
  if (now === undefined || files === undefined) return;
  const changed = changedFiles(files, now);
  if (changed.length === 0) return;
  throw new FanfoldError(
    'FANFOLD_CHANGED_WORKER',
    `Expected the worker that ${paths.directory} was begun with, but it was changed while the run went on: ${changed.join(', ')}. What was finished is kept. Put the old one back and resume, or start anew with --force or another --out.`,
    { exitCode: 1 },
  );
}

/** How often each point of a task was tried before. */
function attemptsIn({ start, stop }: Task, session: Session): Record<number, number> {
  session.failures ??= readFailures(session.paths.failures);
  const own = [...session.failures.values()].filter(({ index }) => index >= start && index < stop);
  return Object.fromEntries(own.map(({ index, attempt }) => [index, attempt]));
}

/** What a host sends into the log itself, its coordinator hears only there. */
function withLastWords(death: Death, logged: string): Death {
  const heard = death.lastWords.trim();
  return { ...death, lastWords: logged.includes(heard) ? logged : `${logged}\n${heard}` };
}

function openHost(session: Session): HostProcess {
  const { crew, worker, work } = session;
  const host = crew.take();
  if (!host.hasLoaded) host.send({ type: 'load', worker });
  host.send({ type: 'run', job: work.job });
  session.hosts.add(host);
  return host;
}

function recordDeath(task: Task, host: HostProcess, death: Death, { paths }: Session): void {
  appendRecord(paths.events, {
    event: 'died',
    time: Date.now(),
    task: task.index,
    host: hostname(),
    pid: host.pid,
    seconds: (Date.now() - host.startedMs) / 1000,
    cause: describeDeath(death),
  } satisfies RunEvent);
}

/**
 * Finds the point that ends its process. A first death may have come anywhere in the lines not yet written, so the task
 * goes on carefully, every point announced; a point that then ends its process twice is recorded as failed.
 */
function blame(
  task: Task,
  { death, isLoaded, point }: Exclude<TaskEnding, 'done'>,
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
      recordDoomed(task, point, death, session);
    }
  }
  watch.isCareful = true;
}

function recordDoomed(task: Task, index: number, death: Death, { paths, work }: Session): void {
  const attempt = (readFailures(paths.failures).get(index)?.attempt ?? 0) + 1;
  appendRecord(paths.failures, {
    time: Date.now(),
    index,
    task: task.index,
    parameters: storableParameters(work.parameters(index)),
    attempt,
    error: describeDeath(death),
  });
}

const DISK_CODES = /\b(?:ENOSPC|EDQUOT|EFBIG|EROFS|EIO|ENOENT|EACCES|EPERM|ESTALE|EMFILE|ENFILE)\b/;

function brokenError({ message, stack }: Extract<Report, { type: 'broken' }>): Error {
  if (DISK_CODES.test(message)) {
    return new FanfoldError(
      'FANFOLD_IO',
      `A process could not write into the run directory: ${message}. What was finished is kept; mend that, then resume.`,
      { exitCode: 1 },
    );
  }
  return new Error(`A host broke down: ${stack ?? message}`);
}
