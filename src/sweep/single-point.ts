import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Controls, Work } from '../engine/engine.js';
import type { Crew } from '../engine/local/crew.js';
import { localEngine } from '../engine/local/local-engine.js';
import { followLog } from '../run/log-file.js';
import { openCrew } from '../engine/local/open-crew.js';
import { temporaryPath } from '../engine/local/temporary-folder.js';
import { childEnvironment } from '../engine/local/threads.js';
import { FanfoldError } from '../errors.js';
import { changedFiles } from '../run/file-hashes.js';
import { layoutOfRun } from '../run/layouts.js';
import { withLearntFiles } from '../run/learnt-files.js';
import { withLimits, type Limits } from '../run/limits.js';
import type { Manifest } from '../run/manifest.js';
import { pointFolder, runPaths, type RunPaths } from '../run/paths.js';
import { lastFailures, readEvents, type FailureRecord } from '../run/records.js';
import { taskOf } from '../slicing.js';
import { certificateFacts } from './certificate-facts.js';
import { checkWorker, type CheckedWorker } from './check-worker.js';
import { planOf, requireManifest, workerBundle, type ResumeOptions } from './existing-run.js';
import { runJob } from './host-worker.js';
import type { Plan } from './plan.js';

/** How a single point is run. */
export interface PointOptions {
  readonly how: ResumeOptions;
  /** `OMP_NUM_THREADS` and its kin, whatever the environment has. */
  readonly threads: number | undefined;
  readonly controls: Controls;
  /** Takes what the worker prints, while it does. */
  readonly onOutput: (bytes: Buffer) => void;
  /** Called before the point starts, with the worker's files that are not as the run began with them. */
  readonly onChanged: (files: readonly string[]) => void;
}

/** What a single point came to. */
export interface PointOutcome {
  readonly index: number;
  readonly task: number;
  /** As it would stand in the task's file, with its newline; undefined where the point failed or was stopped. */
  readonly line?: string;
  /** Its last attempt, where it failed. */
  readonly failure?: FailureRecord;
  /** The folder `{out}` of a command, where it was left. */
  readonly scratch?: string;
}

/**
 * Computes one point of an existing run again, in a temporary run directory of its own: with the worker as it is now, and
 * the seed, index and limits that it has in the run, of which nothing is changed.
 * @throws FanfoldError where there is no such run or point, or the worker does not load or refuses the parameters
 */
export async function runPoint(
  directory: string,
  index: number,
  options: PointOptions,
): Promise<PointOutcome> {
  const manifest = withLearntFiles(runPaths(directory), await requireManifest(directory));
  if (index >= manifest.points) {
    throw new FanfoldError(
      'FANFOLD_USAGE',
      `Expected --point to be an index of this run, from 0 to ${String(manifest.points - 1)}, got ${String(index)}.`,
    );
  }
  const plan = await planOf(directory, options.how);
  const folder = temporaryPath();
  const { worker } = plan.request;
  const crew = openCrew(worker, { count: 1, env: environmentOf(plan, options), folder });
  // Not in the crew's folder, because a command's own one is left for its user where the point failed.
  const place = mkdtempSync(join(tmpdir(), 'fanfold-point-'));
  let outcome: PointOutcome | undefined;
  try {
    prepare(plan.directory, place);
    const checked = await checkWorker(planOfPoint(plan, index, place), {
      existing: inItsPlace(plan.directory, manifest),
      allowChangedWorker: true,
      crew,
      folder,
      bundling: workerBundle(plan, manifest),
    });
    options.onChanged(changedFiles(manifest.worker.files, checked.bundle.files));
    outcome = await compute(plan, manifest, { ...options, index, place, crew, checked });
    await crew.end();
    return outcome;
  } finally {
    crew.close();
    if (outcome?.scratch === undefined) rmSync(place, { recursive: true, force: true });
  }
}

// --- internal ---

/** As many threads as the points of the run had: the last digits of a sum may depend on them. */
function environmentOf({ directory, request }: Plan, { threads }: PointOptions): NodeJS.ProcessEnv {
  const events = readEvents(runPaths(directory));
  const last = events.findLast((event) => event.event === 'open');
  return childEnvironment(last?.jobs ?? request.jobs, threads);
}

function prepare(directory: string, place: string): void {
  mkdirSync(runPaths(place).logs);
  const { points } = runPaths(directory);
  if (existsSync(points)) copyFileSync(points, runPaths(place).points);
}

/** The plan as a worker is checked against it: of this point alone, for another may be refused that is none of ours. */
function planOfPoint(plan: Plan, index: number, place: string): Plan {
  const { request } = plan;
  const { space } = request;
  const point = (): ReturnType<typeof space.point> => space.point(index);
  return { ...plan, directory: place, request: { ...request, space: { ...space, groups: [], point } } };
}

/** The manifest as one of a run that lies elsewhere. */
function inItsPlace(directory: string, manifest: Manifest): Manifest {
  return { ...manifest, worker: { ...manifest.worker, path: resolve(directory, manifest.worker.path) } };
}

interface ComputeOptions extends PointOptions {
  readonly index: number;
  readonly place: string;
  readonly crew: Crew;
  readonly checked: CheckedWorker;
}

async function compute(plan: Plan, manifest: Manifest, options: ComputeOptions): Promise<PointOutcome> {
  const { index, place, crew, checked, controls } = options;
  const { request, directory } = plan;
  const paths = runPaths(place, manifest.spec.format);
  const task = taskOf(index, manifest.points, manifest.tasks, manifest.spec.slicing);
  const limits = limitsOfPoint(plan, options);
  const engine = localEngine({
    jobs: 1,
    isFresh: false,
    worker: checked.load,
    files: undefined,
    crew,
    learn: () => undefined,
    onFailed: () => undefined,
    limits,
  });
  const work: Work = {
    job: runJob(request.worker, manifest, {
      directory: place,
      limits,
      facts: certificateFacts(directory, undefined),
    }),
    tasks: [{ index: task, start: index, stop: index + 1 }],
    layout: layoutOfRun(readEvents(runPaths(directory)), manifest),
    retryFailed: false,
    parameters: request.space.point,
  };
  const endLog = followLog(paths.log(task), options.onOutput);
  try {
    await engine.run(work, controls);
  } finally {
    endLog();
  }
  return outcomeOf(index, task, paths);
}

/** Tried once, for who looks at it wants to see each attempt alone; what a run does with failed points is not asked. */
function limitsOfPoint({ request }: Plan, { how }: PointOptions): Limits {
  const { timeoutMs, maxMemoryBytes, retryDelayMs } = request.limits;
  const retries = how.limits?.retries ?? 0;
  return withLimits({ retries, retryDelayMs, onError: 'continue' }, { timeoutMs, maxMemoryBytes });
}

function outcomeOf(index: number, task: number, paths: RunPaths): PointOutcome {
  const scratch = pointFolder(paths.scratch, index);
  const failure = lastFailures(paths, [index]).get(index);
  return {
    index,
    task,
    ...(existsSync(paths.task(task)) ? { line: readFileSync(paths.task(task), 'utf8') } : {}),
    ...(failure === undefined ? {} : { failure }),
    ...(existsSync(scratch) ? { scratch } : {}),
  };
}
