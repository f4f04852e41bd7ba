import { rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { performance } from 'node:perf_hooks';
import type { Controls } from '../engine/engine.js';
import type { Crew } from '../engine/local/crew.js';
import { localEngine } from '../engine/local/local-engine.js';
import { openCrew } from '../engine/local/open-crew.js';
import { temporaryPath } from '../engine/local/temporary-folder.js';
import { childEnvironment } from '../engine/local/threads.js';
import type { WorkerReference } from '../engine/worker-reference.js';
import { FanfoldError, systemCode } from '../errors.js';
import { foldIfNeeded } from '../fold.js';
import type { FileHashes } from '../run/file-hashes.js';
import { appendRecord } from '../run/journal.js';
import { layoutOfRun } from '../run/layouts.js';
import type { Lock } from '../run/lock.js';
import { readManifest, writeManifest, type Manifest } from '../run/manifest.js';
import { runPaths } from '../run/paths.js';
import { watchForStop } from '../run/stop-request.js';
import { readEvents, type RunEvent } from '../run/records.js';
import { checkDirectory, openDirectory, removeScratch } from '../run/run-directory.js';
import { isComputed, readTaskStates, type TaskState } from '../run/task-state.js';
import type { HostWorker } from '../host/protocol.js';
import { certificateFacts } from './certificate-facts.js';
import { checkWorker } from './check-worker.js';
import { workerBundle } from './existing-run.js';
import { runJob } from './host-worker.js';
import { brakes, type Brakes, type StopReason } from './brakes.js';
import { awaitTaskStates, withLateFiles, type LateOptions } from './late-files.js';
import { mendTasks } from './mend-tasks.js';
import type { Plan } from './plan.js';
import { gitCommit, prepareDirectory } from './prepare.js';

const STOPPING = 'Stopping, as fanfold stop asks: the points in hand are finished and kept.';

/** How a sweep is run; none of it changes a byte of the result. */
export interface RunOptions {
  readonly isFresh?: boolean;
  readonly isForced?: boolean;
  /** Compute failed points again. */
  readonly retryFailed?: boolean;
  /** Go on with another version of the worker than the run was begun with; the manifest then names both. */
  readonly allowChangedWorker?: boolean;
  /** `OMP_NUM_THREADS` and its kin for each process, whatever the environment has. */
  readonly threads?: number | undefined;
  /** How long this session may take, in ms; its points in hand are then finished, and it stops. */
  readonly timeLimitMs?: number | undefined;
  readonly controls: Controls;
  /** Called with what is mended, or is otherwise than it was, or is waited for, in words for the user. */
  readonly onNotice?: (text: string) => void;
  /** How long a file system may hide what another machine has done, in milliseconds. */
  readonly fsLatencyMs?: number | undefined;
  /** Called when the run directory is open and before its first process starts. */
  readonly onStart?: (manifest: Manifest) => void;
}

/** What a run came to. */
export interface Outcome {
  readonly directory: string;
  readonly manifest: Manifest;
  /** `complete`: the result is there; `failed`: all computed, but some points failed; `stopped`: some are missing. */
  readonly status: 'complete' | 'failed' | 'stopped';
  /** What stopped it, where something did. */
  readonly reason?: StopReason;
  /** Points computed now. */
  readonly computed: number;
  /** Path of the result where there is one: of a complete run, or with nan in the places of failed points. */
  readonly result?: string;
  /** Files of tasks' names that are not this run's and were moved aside. */
  readonly setAside: readonly string[];
}

/**
 * Runs a planned sweep, or goes on with it where its directory holds it already.
 * @throws FanfoldError where the worker, its parameters or the directory are not as they must be; nothing is written then
 */
export async function runSweep(plan: Plan, options: RunOptions): Promise<Outcome> {
  const startedMs = performance.now();
  const { directory, request } = plan;
  const isForced = options.isForced === true;
  const allowChangedWorker = options.allowChangedWorker === true;
  checkDirectory(directory, { isForced });
  const existing = isForced ? undefined : await readManifest(runPaths(directory).manifest, options.onNotice);
  // First, because it needs a processor for itself just while this one starts the others.
  const bundling = workerBundle(plan, existing);
  bundling?.catch(() => undefined);
  const folder = temporaryPath();
  const crew = openCrew(request.worker, {
    count: processesFor(plan, existing, options),
    env: childEnvironment(request.jobs, options.threads),
    folder,
  });
  const committing = commitOf(request.worker);
  const brake = brakes(options.controls, {
    limits: request.limits,
    points: request.space.size,
    timeLimitMs: options.timeLimitMs,
    startedMs,
  });
  const { controls } = brake;
  try {
    const checking = checkWorker(plan, { existing, allowChangedWorker, crew, folder, bundling });
    const checked = await untilStopped(checking, brake, crew);
    const commit = await committing;
    const lock = await openDirectory(directory, {
      latencyMs: options.fsLatencyMs,
      onWait: options.onNotice,
      signal: options.controls.stop,
    });
    const endWatch = watchForStop(runPaths(directory).stop, lock.id, (request) => {
      if (!controls.stop.aborted) options.onNotice?.(STOPPING);
      brake.request(request);
    });
    try {
      const manifest = await prepareDirectory(plan, checked.bundle, {
        ...checked,
        isForced,
        allowChangedWorker,
        commit,
        computes: crew.size > 0,
        onNotice: options.onNotice,
      });
      const { load, bundle } = checked;
      const outcome = await computeAndFold(plan, manifest, {
        ...options,
        controls,
        brake,
        crew,
        load,
        lock,
        // Its own copy of a module can't change under a run.
        files: bundle.code === undefined ? bundle.files : undefined,
        startedMs,
      });
      await crew.end();
      return outcome;
    } finally {
      endWatch();
      lock.release();
    }
  } finally {
    brake.release();
    crew.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

// --- internal ---

/** Waits for the checks before a run; a stop ends them at once, since nothing is computed yet that could be kept. */
async function untilStopped<T>(checks: Promise<T>, brake: Brakes, crew: Crew): Promise<T> {
  const { stop } = brake.controls;
  stop.addEventListener('abort', crew.close);
  try {
    const checked = await checks;
    if (!stop.aborted) return checked;
  } catch (error) {
    if (!stop.aborted) throw error;
  } finally {
    stop.removeEventListener('abort', crew.close);
  }
  const isLate = brake.reason() === 'time-limit';
  throw new FanfoldError(
    'FANFOLD_STOPPED',
    `The run was stopped ${isLate ? 'by --time-limit ' : ''}before it began; nothing was written.`,
    { exitCode: isLate ? 75 : 1 },
  );
}

/** How many processes there will be work for: none where the run is complete. */
function processesFor(
  { directory, tasks, request }: Plan,
  existing: Manifest | undefined,
  options: RunOptions,
): number {
  if (existing === undefined) return Math.min(request.jobs, tasks);
  const retryFailed = options.retryFailed === true;
  const open = readTaskStates(directory, existing).filter((state) => isOpen(state, retryFailed));
  return Math.min(request.jobs, open.length);
}

async function commitOf(worker: WorkerReference): Promise<string | undefined> {
  return worker.kind === 'command' ? undefined : gitCommit(worker.file);
}

interface ComputeOptions extends RunOptions {
  readonly load: HostWorker;
  readonly files: FileHashes | undefined;
  readonly crew: Crew;
  readonly brake: Brakes;
  readonly lock: Lock;
  /** When the run began to prepare, by performance.now. */
  readonly startedMs: number;
}

async function computeAndFold(plan: Plan, manifest: Manifest, options: ComputeOptions): Promise<Outcome> {
  const { directory, request } = plan;
  const { states: before, setAside } = mendTasks(directory, manifest, options.onNotice);
  const open = before.filter((state) => isOpen(state, options.retryFailed === true));
  let current = manifest;
  if (open.length > 0) {
    // An older result is not that of the tasks as they will be.
    rmSync(runPaths(directory, manifest.spec.format).result, { force: true });
    options.onStart?.(manifest);
    current = await compute(plan, manifest, { ...options, tasks: open });
    removeScratch(runPaths(directory));
  }
  const late = lateOptions(options);
  const after = open.length > 0 ? await awaitTaskStates(directory, manifest, late) : before;
  const isComplete = after.every(({ status }) => status === 'complete');
  options.lock.check();
  const fillsFailed = !isComplete && canFill(directory, current, after);
  if (isComplete || fillsFailed) {
    const how = { onNotice: options.onNotice, fillsFailed, beat: options.lock.beat };
    const folding = (): Manifest => foldIfNeeded(directory, current, how);
    current = await withLateFiles(directory, folding, late);
  }
  const reason = options.brake.reason();
  return {
    directory,
    manifest: current,
    ...(reason === undefined ? {} : { reason }),
    status: isComplete ? 'complete' : after.every(isComputed) ? 'failed' : 'stopped',
    computed: countComputed(after) - countComputed(before),
    ...(isComplete || fillsFailed ? { result: runPaths(directory, request.format).result } : {}),
    setAside,
  };
}

/** How files are waited for that must be there; not after a stop. */
function lateOptions({ fsLatencyMs, onNotice, controls }: ComputeOptions): LateOptions {
  return { latencyMs: fsLatencyMs, onNotice, signal: controls.stop };
}

/** True where the result is wanted with nan in the places of failed points, and can be made. */
function canFill(directory: string, manifest: Manifest, states: readonly TaskState[]): boolean {
  if (manifest.limits.onError !== 'nan' || !states.every(isComputed)) return false;
  return layoutOfRun(readEvents(runPaths(directory).events).records, manifest) !== undefined;
}

/** A task with points to compute: missing ones, a file to put in place, or failed ones that are wanted again. */
function isOpen(state: TaskState, retryFailed: boolean): boolean {
  return state.status !== 'complete' && (!isComputed(state) || state.failed === 0 || retryFailed);
}

/** Points with a result. */
function countComputed(states: readonly TaskState[]): number {
  return states.reduce((sum, { lines, failed }) => sum + lines - failed, 0);
}

/** @returns the manifest, with what was learnt of the worker's files */
async function compute(
  plan: Plan,
  manifest: Manifest,
  options: ComputeOptions & { tasks: readonly TaskState[] },
): Promise<Manifest> {
  const { directory, request } = plan;
  let current = manifest;
  const paths = runPaths(directory, manifest.spec.format);
  const { startedMs, brake } = options;
  const stamp = { host: hostname(), pid: process.pid };
  const layout = layoutOfRun(readEvents(paths.events).records, manifest);
  appendRecord(paths.events, {
    event: 'open',
    time: Date.now(),
    ...stamp,
    jobs: request.jobs,
  } satisfies RunEvent);
  const engine = localEngine({
    jobs: request.jobs,
    isFresh: options.isFresh === true,
    worker: options.load,
    files: options.files,
    crew: options.crew,
    onFailed: brake.countFailed,
    learn: (files) => {
      options.lock.check();
      current = { ...manifest, worker: { ...manifest.worker, files: { ...files } } };
      writeManifest(paths, current);
    },
    limits: request.limits,
  });
  const job = runJob(request.worker, manifest, {
    directory,
    limits: request.limits,
    facts: certificateFacts(directory, brake.endsAtMs),
  });
  const { space } = request;
  const work = {
    lock: options.lock,
    job,
    tasks: options.tasks,
    layout,
    retryFailed: options.retryFailed === true,
    parameters: space.point,
  };
  const close = (reason: string): void => {
    const seconds = (performance.now() - startedMs) / 1000;
    appendRecord(paths.events, {
      event: 'close',
      time: Date.now(),
      ...stamp,
      seconds,
      reason,
      ...stoppedBy(brake, options.controls.stop),
    } satisfies RunEvent);
  };
  try {
    await engine.run(work, options.controls);
    options.lock.check();
  } catch (error) {
    // What another coordinator writes is not to be mixed with words of this one.
    if (!options.lock.lost.aborted) closeQuietly(close);
    throw error;
  }
  close(options.controls.stop.aborted ? 'stopped' : 'done');
  return current;
}

/** What ended the run early: the name of a signal, where its user's program tells. */
function stoppedBy(brake: Brakes, stop: AbortSignal): { stoppedBy?: string } {
  const reason = brake.reason();
  if (reason === undefined) return {};
  return { stoppedBy: reason === 'signal' && typeof stop.reason === 'string' ? stop.reason : reason };
}

/** The record of the end must not hide why the run ended, such as a full disk. */
function closeQuietly(close: (reason: string) => void): void {
  try {
    close('error');
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
  }
}
