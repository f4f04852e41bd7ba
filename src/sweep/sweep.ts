import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { performance } from 'node:perf_hooks';
import type { Controls } from '../engine/engine.js';
import type { HostProcess } from '../engine/local/host-process.js';
import { localEngine } from '../engine/local/local-engine.js';
import { usableProcessors } from '../engine/local/processors.js';
import { startReaper, type Reaper } from '../engine/local/reaper.js';
import { threadVariables } from '../engine/local/threads.js';
import { bundleWorker } from '../engine/worker-bundle.js';
import { fold, isFolded, layoutOfRun } from '../fold.js';
import { appendRecord } from '../run/journal.js';
import { readManifest, type Manifest } from '../run/manifest.js';
import { runPaths } from '../run/paths.js';
import { readEvents, type RunEvent } from '../run/records.js';
import { checkDirectory, openDirectory, setForeignAside } from '../run/run-directory.js';
import { isComputed, readTaskStates, type TaskState } from '../run/task-state.js';
import { checkExport, checkInProcess } from './check-worker.js';
import { keptBundle } from './existing-run.js';
import type { Plan } from './plan.js';
import { checkSameRun, gitCommit, prepareDirectory } from './prepare.js';

/** How a sweep is run; none of it changes a byte of the result. */
export interface RunOptions {
  readonly isFresh?: boolean;
  readonly isForced?: boolean;
  /** Compute failed points again. */
  readonly retryFailed?: boolean;
  readonly controls: Controls;
  /** Called when the run directory is open and before its first process starts. */
  readonly onStart?: (manifest: Manifest) => void;
}

/** What a run came to. */
export interface Outcome {
  readonly directory: string;
  readonly manifest: Manifest;
  /** `complete`: the result is there; `failed`: all computed, but some points failed; `stopped`: some are missing. */
  readonly status: 'complete' | 'failed' | 'stopped';
  /** Points computed now. */
  readonly computed: number;
  /** Path of the result where the run is complete. */
  readonly result?: string;
  /** Files of tasks' names that are not this run's and were moved aside. */
  readonly setAside: readonly string[];
}

/**
 * Runs a planned sweep, or goes on with it where its directory holds it already.
 * @throws FanfoldError where the worker, its parameters or the directory are not as they must be; nothing is written then
 */
export async function runSweep(plan: Plan, options: RunOptions): Promise<Outcome> {
  const { directory, request } = plan;
  const isForced = options.isForced === true;
  checkDirectory(directory, { isForced });
  const existing = isForced ? undefined : readManifest(runPaths(directory).manifest);
  const { file } = request.worker;
  const isKept = existing !== undefined && !existsSync(file);
  const [bundle, commit] = await Promise.all([
    isKept ? keptBundle(directory, existing) : bundleWorker(request.worker),
    isKept ? undefined : gitCommit(file),
  ]);
  checkExport(bundle, request);
  if (existing !== undefined) checkSameRun(existing, plan, bundle);

  const reaper = startReaper();
  const env = childEnvironment(request.jobs);
  try {
    const probed = await checkInProcess(plan, bundle, { env, reaper });
    try {
      const release = openDirectory(directory);
      try {
        const manifest = prepareDirectory(plan, bundle, { isForced, commit, columns: probed.columns });
        return await computeAndFold(plan, manifest, { ...options, env, reaper, warm: probed.host });
      } finally {
        release();
      }
    } finally {
      probed.host?.kill();
    }
  } finally {
    reaper.close();
  }
}

// --- internal ---

function childEnvironment(jobs: number): NodeJS.ProcessEnv {
  return { ...process.env, ...threadVariables(process.env, usableProcessors(), jobs) };
}

interface ComputeOptions extends RunOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly reaper: Reaper;
  readonly warm: HostProcess | undefined;
}

async function computeAndFold(plan: Plan, manifest: Manifest, options: ComputeOptions): Promise<Outcome> {
  const { directory, request } = plan;
  const setAside = setForeignAside(
    runPaths(directory, manifest.spec.format),
    readTaskStates(directory, manifest),
  );
  const before = readTaskStates(directory, manifest);
  const open = before.filter((state) => isOpen(state, options.retryFailed === true));
  if (open.length > 0) {
    options.onStart?.(manifest);
    await compute(plan, manifest, { ...options, tasks: open });
  }
  const after = open.length > 0 ? readTaskStates(directory, manifest) : before;
  const isComplete = after.every(({ status }) => status === 'complete');
  if (isComplete && (open.length > 0 || !isFolded(directory, manifest))) fold(directory, manifest);
  return {
    directory,
    manifest,
    status: isComplete ? 'complete' : after.every(isComputed) ? 'failed' : 'stopped',
    computed: countComputed(after) - countComputed(before),
    ...(isComplete ? { result: runPaths(directory, request.format).result } : {}),
    setAside,
  };
}

/** A task with points to compute: missing ones, a file to put in place, or failed ones that are wanted again. */
function isOpen(state: TaskState, retryFailed: boolean): boolean {
  return state.status !== 'complete' && (!isComputed(state) || state.failed === 0 || retryFailed);
}

/** Points with a result. */
function countComputed(states: readonly TaskState[]): number {
  return states.reduce((sum, { lines, failed }) => sum + lines - failed, 0);
}

async function compute(
  { directory, request }: Plan,
  manifest: Manifest,
  options: ComputeOptions & { tasks: readonly TaskState[] },
): Promise<void> {
  const { spec, wholeNumbers } = manifest;
  const paths = runPaths(directory, spec.format);
  const started = performance.now();
  const stamp = { host: hostname(), pid: process.pid };
  const layout = layoutOfRun(readEvents(paths.events).records);
  appendRecord(paths.events, {
    event: 'open',
    time: Date.now(),
    ...stamp,
    jobs: request.jobs,
  } satisfies RunEvent);
  const engine = localEngine({
    jobs: request.jobs,
    isFresh: options.isFresh === true,
    worker: { file: paths.workerModule, export: request.worker.export },
    columns: manifest.columns,
    env: options.env,
    reaper: options.reaper,
    warm: options.warm,
  });
  const job = { directory, spec, wholeNumbers };
  const { space } = request;
  const work = {
    job,
    tasks: options.tasks,
    layout,
    retryFailed: options.retryFailed === true,
    parameters: space.point,
  };
  let reason = 'error';
  try {
    await engine.run(work, options.controls);
    reason = options.controls.stop.aborted ? 'stopped' : 'done';
  } finally {
    const seconds = (performance.now() - started) / 1000;
    appendRecord(paths.events, {
      event: 'close',
      time: Date.now(),
      ...stamp,
      seconds,
      reason,
    } satisfies RunEvent);
  }
}
