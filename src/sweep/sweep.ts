import { rmSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { openCrew } from '../engine/local/open-crew.js';
import { temporaryPath } from '../engine/local/temporary-folder.js';
import { childEnvironment } from '../engine/local/threads.js';
import { FanfoldError } from '../errors.js';
import { foldIfNeeded } from '../fold.js';
import { layoutOfRun } from '../run/layouts.js';
import { withLearntFiles } from '../run/learnt-files.js';
import { fileLatencyMs } from '../run/file-system.js';
import type { LateOptions } from '../run/look-again.js';
import type { Manifest } from '../run/manifest.js';
import { runPaths } from '../run/paths.js';
import { watchForStop } from '../run/stop-request.js';
import { readEvents } from '../run/records.js';
import { checkDirectory, openDirectory, removeScratch } from '../run/run-directory.js';
import {
  countResults,
  endingOf,
  isComputed,
  isOpen,
  readTaskStates,
  type Ending,
  type TaskState,
} from '../run/task-state.js';
import { checkWorker } from './check-worker.js';
import { askCluster, compute, failedInStopped, type ComputeOptions } from './compute.js';
import type { RunOptions } from './run-options.js';
import { wholeWorker, workerBundle } from './existing-run.js';
import { brakes, type Brakes, type StopReason } from './brakes.js';
import { awaitManifest, awaitTaskStates, withLateFiles } from './late-files.js';
import { describeLost, mendTasks } from './mend-tasks.js';
import type { Plan } from './plan.js';
import { isWorthless, prepareDirectory, workerCommit } from './prepare.js';

const STOPPING = 'Stopping, as fanfold stop asks: the points in hand are finished and kept.';
const ENDING =
  'Stopping at once, as fanfold stop --now asks: the points in hand are not waited for, what is done is kept.';

/** What a run came to. */
export interface Outcome {
  readonly directory: string;
  readonly manifest: Manifest;
  /**
   * `complete`: the result is there; `failed`: all computed, but some points failed; `stopped`: some are missing, or failed ones were
   * to be computed again.
   */
  readonly status: Ending;
  /** What stopped it, where something did. */
  readonly reason?: StopReason;
  /** The state of every task at its end. */
  readonly states: readonly TaskState[];
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
  const { limits, space } = plan.request;
  const { timeLimitMs } = options;
  const brake = brakes(options.controls, { limits, points: space.size, timeLimitMs, startedMs });
  try {
    return await runUnder(brake, plan, { ...options, startedMs });
  } finally {
    brake.release();
  }
}

// --- internal ---

async function runUnder(
  brake: Brakes,
  plan: Plan,
  options: RunOptions & { readonly startedMs: number },
): Promise<Outcome> {
  const { directory, request } = plan;
  const isForced = options.isForced === true;
  const allowChangedWorker = options.allowChangedWorker === true;
  const { controls } = brake;
  const late = lateOptions({ ...options, controls });
  const reading = isForced ? undefined : awaitManifest(directory, late, options.onNotice);
  const stored = await untilStopped(Promise.resolve(reading), brake);
  checkDirectory(directory, { isForced });
  const existing = stored && withLearntFiles(runPaths(directory), stored);
  // First, because it needs a processor for itself just while this one starts the others.
  const bundling = workerBundle(plan, existing);
  bundling?.catch(() => undefined);
  const folder = temporaryPath();
  const crew = openCrew(request.worker, {
    count: processesFor(plan, existing, options),
    env: childEnvironment(request.jobs, options.threads),
    folder,
  });
  const committing = workerCommit(request.worker);
  try {
    const checking = allEnded(
      checkWorker(plan, { existing, allowChangedWorker, crew, folder, bundling }),
      askCluster(plan, { crew, signal: controls.stop }),
    );
    const [checked, maxArraySize] = await untilStopped(checking, brake, crew.close);
    const commit = await committing;
    const lock = await openDirectory(directory, {
      ...late,
      signal: options.controls.stop,
      isBeside: request.slurm !== undefined,
      areElementsGone: options.areElementsGone,
    });
    const endWatch = watchForStop(runPaths(directory).stop, lock.id, (request) => {
      const said = request.isNow ? ENDING : STOPPING;
      const isHeard = request.isNow ? controls.kill.aborted : controls.stop.aborted;
      brake.request(request);
      if (!isHeard) options.onNotice?.(said);
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
        maxArraySize,
        // Its own copy of a module can't change under a run.
        files: bundle.code === undefined ? bundle.files : undefined,
      });
      await crew.end();
      return outcome;
    } finally {
      endWatch();
      lock.release();
    }
  } finally {
    crew.close();
  }
}

/** Both values; where one fails only once the other is over too, which must not start anything after the end of the crew. */
async function allEnded<One, Other>(one: Promise<One>, other: Promise<Other>): Promise<[One, Other]> {
  await Promise.allSettled([one, other]);
  return Promise.all([one, other]);
}

/** Waits for what comes before a run; a stop ends it at once, since nothing is computed yet that could be kept. */
async function untilStopped<T>(
  checks: Promise<T>,
  brake: Brakes,
  end: () => void = () => undefined,
): Promise<T> {
  const { stop } = brake.controls;
  stop.addEventListener('abort', end);
  try {
    const checked = await checks;
    if (!stop.aborted) return checked;
  } catch (error) {
    if (!stop.aborted) throw error;
  } finally {
    stop.removeEventListener('abort', end);
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
  // Elsewhere the worker is only checked here.
  const most = request.slurm === undefined ? request.jobs : 1;
  if (existing === undefined) return Math.min(most, tasks);
  const retryFailed = options.retryFailed === true;
  const open = readTaskStates(directory, existing).filter((state) => isOpen(state, retryFailed));
  // A mended worker may have it begin anew.
  const count = open.length === 0 && isWorthless(directory, existing) ? tasks : open.length;
  return Math.min(most, count);
}

async function computeAndFold(plan: Plan, manifest: Manifest, options: ComputeOptions): Promise<Outcome> {
  const { directory, request } = plan;
  const late = lateOptions(options);
  const look = (): TaskState[] => readTaskStates(directory, manifest);
  const paths = runPaths(directory, manifest.spec.format);
  // What another machine has finished is not computed again because it shows late.
  if (fileLatencyMs(directory, options.fsLatencyMs) > 0) await awaitTaskStates(paths, look, late);
  const { states: before, setAside } = mendTasks(directory, manifest, {
    onNotice: options.onNotice,
    beat: options.lock.beat,
  });
  const open = before.filter((state) => isOpen(state, options.retryFailed === true));
  let current = manifest;
  if (open.length > 0) {
    // An older result is not that of the tasks as they will be.
    rmSync(paths.result, { force: true });
    const lost = describeLost(directory, manifest, open);
    if (lost !== undefined) options.onNotice?.(lost);
    options.onStart?.(manifest);
    current = await compute(plan, manifest, { ...options, tasks: open, done: countResults(before) });
    if (request.slurm === undefined) removeScratch(runPaths(directory));
  }
  const isLeft =
    request.slurm !== undefined &&
    open.length > 0 &&
    (options.isDetached === true || options.brake.reason() === 'signal');
  const after = open.length > 0 ? await awaitTaskStates(paths, look, late) : before;
  // What is computed elsewhere meanwhile is not to be judged by what is there now.
  const isComplete = !isLeft && after.every(({ status }) => status === 'complete');
  options.lock.check();
  const fillsFailed = !isLeft && !isComplete && canFill(directory, current, after);
  if (isComplete || fillsFailed) {
    current = wholeWorker(directory, current);
    const how = { onNotice: options.onNotice, fillsFailed, beat: options.lock.beat };
    const folding = (): Manifest => foldIfNeeded(directory, current, how);
    current = await withLateFiles(directory, folding, late);
  }
  const reason = options.brake.reason();
  return {
    directory,
    manifest: current,
    ...(reason === undefined ? {} : { reason }),
    status: isLeft ? 'stopped' : endingOf(after, failedInStopped(options)),
    states: after,
    computed: countResults(after) - countResults(before),
    ...(isComplete || fillsFailed ? { result: runPaths(directory, request.format).result } : {}),
    setAside,
  };
}

/** How files are waited for that must be there; not after a stop. */
function lateOptions({ fsLatencyMs, onNotice, controls }: RunOptions): LateOptions {
  return { latencyMs: fsLatencyMs, onNotice, signal: controls.stop };
}

/** True where the result is wanted with nan in the places of failed points, and can be made. */
function canFill(directory: string, manifest: Manifest, states: readonly TaskState[]): boolean {
  if (manifest.limits.onError !== 'nan' || !states.every(isComputed)) return false;
  return layoutOfRun(readEvents(runPaths(directory)), manifest) !== undefined;
}
