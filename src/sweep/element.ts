import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { performance } from 'node:perf_hooks';
import { isDeepStrictEqual } from 'node:util';
import type { Controls, Work } from '../engine/engine.js';
import type { Crew } from '../engine/local/crew.js';
import { localEngine } from '../engine/local/local-engine.js';
import { openCrew } from '../engine/local/open-crew.js';
import { usableProcessors } from '../engine/local/processors.js';
import { temporaryPath } from '../engine/local/temporary-folder.js';
import { childEnvironment } from '../engine/local/threads.js';
import { FanfoldError } from '../errors.js';
import type { HostWorker } from '../host/protocol.js';
import { refuseChanged } from '../run/changed-task.js';
import { countElements, tasksOf } from '../run/elements.js';
import { appendRecord } from '../run/journal.js';
import { layoutOfRun } from '../run/layouts.js';
import { withLearntFiles } from '../run/learnt-files.js';
import { lockHolder, takeLock, whenReleased, type Lock } from '../run/lock.js';
import { nameHolder } from '../run/lock-holder.js';
import type { LateOptions } from '../run/look-again.js';
import type { Manifest } from '../run/manifest.js';
import { runPaths, type RunPaths } from '../run/paths.js';
import { readEvents, type RunEvent } from '../run/records.js';
import { openElement, setForeignAside } from '../run/run-directory.js';
import { endingOf, isOpen, readElementStates, type Ending, type TaskState } from '../run/task-state.js';
import { brakes, type Brakes, type StopReason } from './brakes.js';
import { certificateFacts } from './certificate-facts.js';
import { checkWorker } from './check-worker.js';
import { keptBundle, planOf, requireManifest } from './existing-run.js';
import { runJob } from './host-worker.js';
import { awaitTaskStates } from './late-files.js';
import type { Plan } from './plan.js';
import { recordSession } from './record-session.js';

/** How an element of a batch job is computed. */
export interface ElementOptions {
  /** The most processes at once; as many as tasks where it is undefined. */
  readonly jobs: number | undefined;
  readonly retryFailed: boolean;
  /** The scheduler's id of its job. */
  readonly job?: string | undefined;
  readonly threads: number | undefined;
  /** How long it may take, in ms; its points in hand are then finished. */
  readonly timeLimitMs: number | undefined;
  readonly controls: Controls;
  readonly late: LateOptions;
}

/** What an element came to. */
export interface ElementOutcome {
  readonly tasks: readonly number[];
  readonly status: Ending;
  readonly reason?: StopReason;
  /** Points with a result that were computed now. */
  readonly computed: number;
  /** Points with a line now that had none, failed ones counted. */
  readonly gained: number;
  /** Failed points of its tasks. */
  readonly failed: number;
  /** Points without a line. */
  readonly missing: number;
}

/**
 * Computes the tasks of one element of a batch job, beside other elements on other machines. What is finished is not
 * computed again; it writes the files of its own tasks and those in its own folder only.
 * @throws FanfoldError where there is no such run or element, or the worker is not as it was, or not there
 */
export async function runElement(
  directory: string,
  element: number,
  options: ElementOptions,
): Promise<ElementOutcome> {
  const startedMs = performance.now();
  for (;;) {
    const outcome = await computeElement(directory, element, { ...options, startedMs });
    if (outcome !== undefined) return outcome;
  }
}

// --- internal ---

/** The same; undefined where the run was changed before its lock was taken, so that all is to be read anew. */
async function computeElement(
  directory: string,
  element: number,
  { startedMs, ...options }: ElementOptions & { readonly startedMs: number },
): Promise<ElementOutcome | undefined> {
  const manifest = await requireManifest(directory, undefined, options.late);
  const { pack = 1 } = manifest;
  const tasks = tasksOf(element, pack, manifest.tasks);
  if (tasks.length === 0) throw noElement(element, manifest, pack);
  const jobs = options.jobs ?? Math.min(pack, usableProcessors());
  const paths = runPaths(directory, manifest.spec.format, element);
  const isToDo = (state: TaskState): boolean => isOpen(state, options.retryFailed);
  const before = readElementStates(paths, manifest, tasks);
  const todo = before.filter(isToDo).length;
  if (todo === 0) return outcomeOf(before, before, undefined);
  checkInterpreter(manifest);
  const plan = await planOf(directory, { jobs, late: options.late });
  const folder = temporaryPath();
  // They boot while the lock is taken.
  const crew = openCrew(plan.request.worker, {
    count: Math.min(jobs, todo),
    env: childEnvironment(jobs, options.threads),
    folder,
  });
  const { limits } = manifest;
  const { timeLimitMs, controls } = options;
  const brake = brakes(controls, { limits, points: manifest.points, timeLimitMs, startedMs });
  try {
    const lock = await openAfterOthers(paths, tasks, brake.controls.stop, options.late);
    try {
      // Whoever was at work on the run until now may have gone on with it in another way, or replaced it.
      const now = await requireManifest(directory, undefined, options.late);
      if (!isDeepStrictEqual(now, manifest)) return undefined;
      const look = (): TaskState[] => readElementStates(paths, manifest, tasks);
      const found = await awaitTaskStates(paths, look, { ...options.late, signal: brake.controls.stop });
      refuseChanged(paths, found);
      const isMended = setForeignAside(paths, found).length > 0;
      const open = (isMended ? readElementStates(paths, manifest, tasks) : found).filter(isToDo);
      // Only now: who had the lock before may have learnt more.
      const existing = withLearntFiles(paths, manifest);
      const { load } = await checkWorker(plan, {
        existing,
        allowChangedWorker: false,
        crew,
        folder,
        // The run's own copy, whatever became of the source meanwhile.
        bundling:
          plan.request.worker.kind === 'module'
            ? Promise.resolve(keptBundle(plan.directory, manifest))
            : undefined,
      });
      await compute(plan, existing, { ...options, jobs, paths, lock, crew, brake, load, open });
      await crew.end();
    } finally {
      lock.release();
    }
  } finally {
    brake.release();
    crew.close();
  }
  return outcomeOf(before, readElementStates(paths, manifest, tasks), brake.reason());
}

/**
 * Opens the element; waits for one who computes it already: on a node that the scheduler has lost, say, and which goes on.
 */
async function openAfterOthers(
  paths: RunPaths,
  tasks: readonly number[],
  signal: AbortSignal,
  { latencyMs, onNotice }: LateOptions,
): Promise<Lock> {
  for (;;) {
    try {
      return await openElement(paths, tasks, { latencyMs, onNotice, signal });
    } catch (error) {
      const { lock } = runPaths(paths.directory);
      const own = lockHolder(paths.lock);
      const coordinator = lockHolder(lock);
      const holder = own ?? (coordinator?.isBeside === true ? undefined : coordinator);
      const isHeld = error instanceof FanfoldError && error.code === 'FANFOLD_LOCKED' && holder !== undefined;
      if (!isHeld || signal.aborted) throw error;
      const what = own === undefined ? 'is at work on the whole run' : 'computes this element already';
      onNotice?.(`${nameHolder(holder)} ${what}: waiting for its end.`);
      const end = await whenReleased(own === undefined ? lock : paths.lock, holder, signal);
      // One that is dead is only found out by who takes its lock.
      if (end === 'silent' && own === undefined) (await takeLock(lock, { latencyMs, signal })).release();
    }
  }
}

interface ComputeOptions extends ElementOptions {
  readonly jobs: number;
  readonly paths: RunPaths;
  readonly lock: Lock;
  readonly crew: Crew;
  readonly brake: Brakes;
  readonly load: HostWorker;
  readonly open: readonly TaskState[];
}

async function compute(plan: Plan, manifest: Manifest, options: ComputeOptions): Promise<void> {
  const { paths, lock, crew, brake, load, open, jobs } = options;
  const { limits } = manifest;
  const { worker, space } = plan.request;
  const layout = layoutOfRun(readEvents(paths), manifest);
  const close = recordSession(paths, {
    jobs,
    job: options.job,
    isRetry: options.retryFailed,
    startedMs: performance.now(),
  });
  const engine = localEngine({
    jobs,
    isFresh: false,
    worker: load,
    files: worker.kind === 'python' ? manifest.worker.files : undefined,
    crew,
    // The manifest is the coordinator's to write.
    learn: (files) => {
      const stamp = { time: Date.now(), host: hostname(), pid: process.pid };
      appendRecord(paths.events, { event: 'learn', ...stamp, files } satisfies RunEvent);
    },
    onFailed: brake.countFailed,
    limits,
  });
  const work: Work = {
    lock,
    job: runJob(worker, manifest, {
      directory: paths.directory,
      element: paths.element,
      limits,
      facts: certificateFacts(paths.directory, brake.endsAtMs),
    }),
    tasks: open,
    layout,
    retryFailed: options.retryFailed,
    parameters: space.point,
  };
  await engine.run(work, brake.controls);
  lock.check();
  close(brake.controls.stop.aborted ? 'stopped' : 'done');
}

function outcomeOf(
  before: readonly TaskState[],
  after: readonly TaskState[],
  reason: StopReason | undefined,
): ElementOutcome {
  const sum = (states: readonly TaskState[], value: (state: TaskState) => number): number =>
    states.reduce((total, state) => total + value(state), 0);
  const results = ({ lines, failed }: TaskState): number => lines - failed;
  return {
    tasks: after.map(({ index }) => index),
    status: endingOf(after),
    ...(reason === undefined ? {} : { reason }),
    computed: sum(after, results) - sum(before, results),
    gained: sum(after, ({ lines }) => lines) - sum(before, ({ lines }) => lines),
    failed: sum(after, ({ failed }) => failed),
    missing: sum(after, ({ start, stop, lines }) => stop - start - lines),
  };
}

/**
 * Another interpreter than the run was begun with may have other packages, or none of them.
 * @throws FanfoldError where this machine does not have it
 */
function checkInterpreter({ worker: { interpreter } }: Manifest): void {
  if (interpreter === undefined || existsSync(interpreter)) return;
  throw new FanfoldError(
    'FANFOLD_PYTHON',
    `Expected the Python interpreter ${interpreter}, with which the run was begun, on ${hostname()} too, but it is not there. Install it on a file system that all nodes see, load its module by --slurm-setup, or name another by fanfold resume --python.`,
  );
}

function noElement(element: number, { tasks }: Manifest, pack: number): FanfoldError {
  const last = countElements(tasks, pack) - 1;
  return new FanfoldError(
    'FANFOLD_USAGE',
    `Expected the number of an element, 0 to ${String(last)} (${String(tasks)} tasks, ${String(pack)} an element), got ${String(element)}.`,
  );
}
