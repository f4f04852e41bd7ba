import { existsSync } from 'node:fs';
import { FanfoldError } from '../../errors.js';
import type { Report, TaskJob } from '../../host/protocol.js';
import { appendRecord } from '../../run/journal.js';
import { runPaths, taskFiles } from '../../run/paths.js';
import { identify } from '../../run/process-identity.js';
import { readFailures, type RunEvent } from '../../run/records.js';
import type { Controls, Engine, Task, Work } from '../engine.js';
import { blame, giveUp, recordDeath, withLastWords, type TaskEnding, type Watch } from './deaths.js';
import { LAST_WORDS_CHARACTERS } from '../../host/last-words.js';
import { isDeath, type HostProcess } from './host-process.js';
import { watchPoints, type Deadline } from './deadline.js';
import { appendToLog, endOfLog, sizeOf } from './log-file.js';
import { checkFiles, learnFiles } from './model-files.js';
import type { LocalEngineOptions, Session } from './session.js';
import { isCompleteNow } from './superseded.js';

/** Computes tasks in processes of this machine, at most `jobs` at once. */
export function localEngine(options: LocalEngineOptions): Engine {
  return { run: (work, controls) => runLocally(work, controls, options) };
}

// --- internal ---

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
  const watch: Watch = { isCareful: false, deaths: new Map(), doomed: [], outside: 0, superseded: 0 };
  let host = living;
  for (;;) {
    host ??= await openHost(session);
    const { layout, work } = session;
    const log = session.paths.log(task.index);
    const written = sizeOf(log);
    host.divert((bytes) => {
      appendToLog(log, bytes);
    });
    const end = await computeTask(host, session, {
      ...task,
      ...(layout === undefined ? {} : { layout }),
      // Of points that are tried again only their process can tell which is in hand.
      isCareful: watch.isCareful || (work.retryFailed && session.limits.timeoutMs !== undefined),
      retryFailed: work.retryFailed,
      doomed: watch.doomed,
      attempts: work.retryFailed ? attemptsIn(task, session) : {},
    });
    if (end === 'done') return host;
    if (end === 'superseded') {
      watch.superseded++;
      if (session.isStopping || isCompleteNow(task, session.paths, watch.superseded)) return host;
      continue;
    }
    session.hosts.delete(host);
    const death = withLastWords(end.death, endOfLog(log, written, LAST_WORDS_CHARACTERS));
    recordDeath(task, host, { ...end, death }, session);
    host = undefined;
    // It may have died right after its file was in place.
    if (session.isStopping || existsSync(session.paths.task(task.index))) return undefined;
    if (end.isLate) giveUp(task, end.point, watch, session);
    else blame(task, { ...end, death }, watch, session);
  }
}

async function computeTask(host: HostProcess, session: Session, task: TaskJob): Promise<TaskEnding> {
  const deadline = deadlineOf(host, session, task);
  host.send({ type: 'task', task });
  try {
    return await hearTask(host, session, deadline);
  } finally {
    deadline?.close();
  }
}

function deadlineOf(host: HostProcess, session: Session, task: TaskJob): Deadline | undefined {
  const { paths, limits } = session;
  const { timeoutMs } = limits;
  if (timeoutMs === undefined) return undefined;
  return watchPoints({
    limitMs: timeoutMs,
    files: taskFiles(paths, task.index),
    task: { ...task, hasLayout: task.layout !== undefined },
    onLate: () => {
      host.kill();
    },
  });
}

async function hearTask(
  host: HostProcess,
  session: Session,
  deadline: Deadline | undefined,
): Promise<TaskEnding> {
  let isLoaded = false;
  let point: number | undefined;
  for (;;) {
    const report = await host.next();
    if (isDeath(report)) {
      const late = deadline?.late;
      if (late !== undefined) return { death: report, isLate: true, point: late };
      return { death: report, isLate: false, isLoaded, point };
    }
    switch (report.type) {
      case 'done':
        learnFiles(report.files, session);
        return 'done';
      case 'superseded':
        return 'superseded';
      case 'begin':
        deadline?.begin();
        isLoaded = true;
        break;
      case 'point':
        point = report.index;
        deadline?.point(point);
        break;
      case 'failed':
        for (const index of report.indices) session.onFailed(index);
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

/** How often each point of a task was tried before. */
function attemptsIn({ start, stop }: Task, session: Session): Record<number, number> {
  session.failures ??= readFailures(session.paths.failures);
  const own = [...session.failures.values()].filter(({ index }) => index >= start && index < stop);
  return Object.fromEntries(own.map(({ index, attempt }) => [index, attempt]));
}

async function openHost(session: Session): Promise<HostProcess> {
  const { crew, worker, work, paths } = session;
  const host = crew.take();
  if (!host.hasLoaded) host.send({ type: 'load', worker });
  session.hosts.add(host);
  await host.started;
  // Before it can write: a coordinator that comes after this one must know of it.
  if (host.pid !== 0)
    appendRecord(paths.events, {
      event: 'spawn',
      time: Date.now(),
      ...identify(host.pid),
    } satisfies RunEvent);
  host.send({ type: 'run', job: work.job });
  return host;
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
