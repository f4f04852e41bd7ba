import { existsSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import type { TaskJob } from '../../host/protocol.js';
import { journalsOf } from '../../run/elements.js';
import { appendRecord } from '../../run/journal.js';
import { folderId } from '../../run/lock-holder.js';
import { runPaths, taskFiles, type RunPaths } from '../../run/paths.js';
import { identify } from '../../run/process-identity.js';
import type { RunEvent } from '../../run/records.js';
import { removeDrafts } from '../../run/run-directory.js';
import type { Controls, Engine, Task, Work } from '../engine.js';
import { attemptsIn } from './attempts.js';
import { blame, recordDeath, withLastWords, type TaskEnding, type Watch } from './deaths.js';
import { LAST_WORDS_CHARACTERS } from '../../host/last-words.js';
import type { HostProcess } from './host-process.js';
import { hearTask } from './hear-task.js';
import { watchPoints, type Deadline } from './deadline.js';
import { recentOomKills } from '../../run/oom-kills.js';
import { appendToLog, endOfLog, sizeOf } from '../../run/log-file.js';
import { watchMemory } from './memory-watch.js';
import type { LocalEngineOptions, Session } from './session.js';
import { isCompleteNow } from './superseded.js';

/** Computes tasks in processes of this machine, at most `jobs` at once. */
export function localEngine(options: LocalEngineOptions): Engine {
  return { run: (work, controls) => runLocally(work, controls, options) };
}

// --- internal ---

async function runLocally(work: Work, controls: Controls, options: LocalEngineOptions): Promise<void> {
  const ending = new AbortController();
  const { directory, spec, element } = work.job;
  const paths = runPaths(directory, spec.format, element);
  const failed = new Set<number>();
  const session: Session = {
    ...options,
    // A process that follows a dead one tells of the same points again.
    onFailed: (index) => {
      if (!failed.has(index)) options.onFailed(index);
      failed.add(index);
    },
    failed,
    work,
    paths,
    next: 0,
    hosts: new Set(),
    layout: work.layout,
    isStopping: controls.stop.aborted,
    isKilled: false,
    attempts: attemptsIn(journalsOf(paths).map(({ failures }) => failures)),
    memory: watchMemory(options.limits.maxMemoryBytes),
    ending: ending.signal,
  };
  const stop = (): void => {
    session.isStopping = true;
    ending.abort();
    for (const host of session.hosts) host.send({ type: 'stop' });
  };
  const kill = (): void => {
    session.isStopping = true;
    session.isKilled = true;
    ending.abort();
    for (const host of session.hosts) host.kill();
  };
  controls.stop.addEventListener('abort', stop);
  controls.kill.addEventListener('abort', kill);
  work.lock?.lost.addEventListener('abort', kill);
  try {
    const slots = Array.from({ length: Math.min(options.jobs, work.tasks.length) }, () => runSlot(session));
    // The first error ends the run; the points in hand are finished and kept.
    slots.forEach((slot) => void slot.catch(stop));
    const ended = await Promise.allSettled(slots);
    const failed = ended.find((slot) => slot.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  } finally {
    session.memory.close();
    controls.stop.removeEventListener('abort', stop);
    controls.kill.removeEventListener('abort', kill);
    work.lock?.lost.removeEventListener('abort', kill);
  }
}

/** One job slot: one process after another, each for as many tasks as it lives. */
async function runSlot(session: Session): Promise<void> {
  let host: HostProcess | undefined;
  try {
    for (;;) {
      const task = session.isStopping ? undefined : session.work.tasks[session.next++];
      if (task === undefined) return;
      session.work.lock?.check();
      host = await finishTask(task, host, session);
      if (session.isFresh) {
        await host?.exit();
        host = undefined;
      }
    }
  } finally {
    // It ends while the result is folded; the crew waits for it.
    void host?.exit();
    if (host !== undefined) dismiss(host, session);
  }
}

/** Computes one task, in as many processes as it takes. Gives back the one that lives. */
async function finishTask(
  task: Task,
  living: HostProcess | undefined,
  session: Session,
): Promise<HostProcess | undefined> {
  const watch: Watch = {
    isCareful: false,
    tries: new Map(),
    doomed: [],
    outside: 0,
    superseded: 0,
  };
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
      doomed: work.retryFailed ? [...watch.doomed, ...failedOf(task, session)] : watch.doomed,
      attempts: session.attempts.within(task),
      tries: Object.fromEntries(watch.tries),
      // Counters this old are good enough: they rise when the system kills, which is rare.
      oomKills: recentOomKills(COUNTER_AGE_MS),
      logStart: written,
    });
    if (end === 'done') return host;
    if (end === 'superseded') {
      // Whoever has removed the directory and begun another run there has the task's files too.
      work.lock?.check();
      watch.superseded++;
      if (session.isStopping || isCompleteNow(task, session.paths, watch.superseded)) return host;
      continue;
    }
    dismiss(host, session);
    work.lock?.check();
    removeDrafts(session.paths, [task.index]);
    const death = withLastWords(end.death, endOfLog(log, written, LAST_WORDS_CHARACTERS));
    recordDeath(task, host, { ...end, death }, session);
    host = undefined;
    // It may have died right after its file was in place. A death while the run is being stopped is no point's.
    if (session.isStopping || existsSync(session.paths.task(task.index))) return undefined;
    await pause(blame(task, { ...end, death }, watch, session), session.ending);
    if (session.ending.aborted) return undefined;
  }
}

/** The points of a task that have failed in this session. */
function failedOf({ start, stop }: Task, { failed }: Session): number[] {
  if (failed.size === 0) return [];
  const found: number[] = [];
  for (let index = start; index < stop; index++) if (failed.has(index)) found.push(index);
  return found;
}

async function computeTask(host: HostProcess, session: Session, task: TaskJob): Promise<TaskEnding> {
  const deadline = deadlineOf(host, session, task);
  host.send({ type: 'task', task });
  try {
    const end = await hearTask(host, session, { task, deadline });
    return typeof end === 'string'
      ? end
      : { ...end, oomKills: { before: task.oomKills, after: recentOomKills(0) }, logStart: task.logStart };
  } finally {
    deadline?.close();
  }
}

function deadlineOf(
  host: HostProcess,
  { limits, paths, memory }: Session,
  task: TaskJob,
): Deadline | undefined {
  const { timeoutMs } = limits;
  if (timeoutMs === undefined) return undefined;
  return watchPoints({
    limitMs: timeoutMs,
    files: taskFiles(paths, task.index),
    task: { ...task, hasLayout: task.layout !== undefined },
    onLate: () => {
      memory.look();
      host.kill();
    },
  });
}

const COUNTER_AGE_MS = 1000;

/** Waits, but not longer than the run. */
async function pause(ms: number, ending: AbortSignal): Promise<void> {
  if (ms > 0) await wait(ms, undefined, { signal: ending }).catch(() => undefined);
}

function dismiss(host: HostProcess, session: Session): void {
  session.hosts.delete(host);
  session.memory.remove(host);
}

async function openHost(session: Session): Promise<HostProcess> {
  const { crew, worker, work, paths } = session;
  const host = crew.take(worker);
  session.hosts.add(host);
  await host.started;
  work.lock?.check();
  // Before it can write: a coordinator that comes after this one must know of it.
  if (host.pid !== 0) recordSpawn(host, paths);
  session.memory.add(host);
  host.send({ type: 'run', job: { ...work.job, ...(work.lock && { holding: work.lock.id }) } });
  return host;
}

function recordSpawn({ pid, mark }: HostProcess, paths: RunPaths): void {
  const record = { time: Date.now(), folder: folderId(paths.directory), mark, ...identify(pid) };
  appendRecord(paths.events, { event: 'spawn', ...record } satisfies RunEvent);
}
