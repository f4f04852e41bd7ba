import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { basename, dirname, join, relative, resolve } from 'node:path';
import type { Controls } from './engine/engine.js';
import { startHost, type HostProcess } from './engine/local/host-process.js';
import { localEngine } from './engine/local/local-engine.js';
import { checkedPoints, probeWorker } from './engine/local/probe.js';
import { usableProcessors } from './engine/local/processors.js';
import { startReaper, type Reaper } from './engine/local/reaper.js';
import { threadVariables } from './engine/local/threads.js';
import { bundleWorker, type WorkerBundle } from './engine/worker-bundle.js';
import { FanfoldError } from './errors.js';
import { fold, isFolded, layoutOfRun } from './fold.js';
import type { DeclaredColumns } from './format/layout.js';
import { planSweep, type Plan, type SweepRequest } from './plan.js';
import { writeFileAtomic } from './run/atomic-file.js';
import { appendRecord } from './run/journal.js';
import { readManifest, writeManifest, type Manifest } from './run/manifest.js';
import { runPaths } from './run/paths.js';
import { readEvents, type RunEvent } from './run/records.js';
import { checkDirectory, clearDirectory, openDirectory, setForeignAside } from './run/run-directory.js';
import { isComputed, readTaskStates, type TaskState } from './run/task-state.js';
import { needsPoints, spaceFrom } from './space/definition.js';
import { pointsColumns, type PointsColumns } from './space/points-columns.js';
import { pointOf } from './space/space.js';
import { VERSION } from './version.js';

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
  checkDirectory(directory, { isForced: options.isForced === true });
  const [bundle, commit] = await Promise.all([bundleWorker(request.worker), gitCommit(request.worker.file)]);
  checkExport(bundle, request);
  const existing = options.isForced === true ? undefined : readManifest(runPaths(directory).manifest);
  if (existing !== undefined) checkSameRun(existing, plan, bundle);

  const reaper = startReaper();
  const env = childEnvironment(request.jobs);
  try {
    const probed = await probe(plan, bundle, { env, reaper });
    try {
      const release = openDirectory(directory);
      try {
        const manifest = prepareDirectory(plan, bundle, { ...options, commit, columns: probed.columns });
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

/**
 * The plan of the run in a directory, as its manifest has it.
 * @throws FanfoldError where there is no run, or its worker is gone
 */
export function planOf(directory: string, jobs: number): Plan {
  const manifest = requireManifest(directory);
  const { spec } = manifest;
  const file = resolve(directory, manifest.worker.path);
  if (!existsSync(file)) {
    throw new FanfoldError(
      'FANFOLD_WORKER',
      `Expected the run's worker at ${file}, but there is no such file: put it back to go on.`,
    );
  }
  const request: SweepRequest = {
    worker: { file, export: spec.worker.export },
    space: spaceFrom(spec.space, needsPoints(spec.space) ? readPoints(directory) : undefined),
    fixed: spaceFrom({ groups: spec.fixed.map((axis) => [axis]) }).axes,
    pointsFile: manifest.pointsFile,
    seed: BigInt(spec.seed),
    slicing: spec.slicing,
    tasks: spec.tasks === 'auto' ? undefined : spec.tasks,
    jobs,
    format: spec.format,
    header: manifest.header,
    out: directory,
  };
  return { ...planSweep(request), tasks: manifest.tasks };
}

/**
 * The manifest of a run directory.
 * @throws FanfoldError where there is none
 */
export function requireManifest(directory: string): Manifest {
  const manifest = readManifest(runPaths(directory).manifest);
  if (manifest !== undefined) return manifest;
  throw new FanfoldError(
    'FANFOLD_MANIFEST',
    `Expected ${resolve(directory)} to be a run directory, but it holds no sweep.json.`,
  );
}

// --- internal ---

function readPoints(directory: string): PointsColumns {
  return JSON.parse(readFileSync(runPaths(directory).points, 'utf8')) as PointsColumns;
}

function childEnvironment(jobs: number): NodeJS.ProcessEnv {
  return { ...process.env, ...threadVariables(process.env, usableProcessors(), jobs) };
}

/** The commit of the worker's repository; undefined where it has none. */
function gitCommit(file: string): Promise<string | undefined> {
  return new Promise((resolveCommit) => {
    execFile('git', ['rev-parse', 'HEAD'], { cwd: dirname(file) }, (error, stdout) => {
      resolveCommit(error === null ? stdout.trim() : undefined);
    });
  });
}

/** Fails early where the module's exports are known without running it; a CommonJS module shows only `default`. */
function checkExport({ exports }: WorkerBundle, { worker }: SweepRequest): void {
  const isCommonJs = exports.length === 1 && exports[0] === 'default';
  if (exports.includes(worker.export) || (isCommonJs && worker.export !== 'default')) return;
  throw new FanfoldError(
    'FANFOLD_WORKER',
    `Expected the worker ${worker.file} to export ${worker.export === 'default' ? 'a default function' : `a function "${worker.export}"`}, but it exports: ${exports.join(', ') || 'nothing'}. Name an export by FILE:name.`,
  );
}

function checkSameRun(existing: Manifest, plan: Plan, bundle: WorkerBundle): void {
  const { directory, hash, request } = plan;
  if (existing.hash !== hash) {
    throw new FanfoldError(
      'FANFOLD_OTHER_SPEC',
      `Expected ${directory} to hold this sweep (${runLabel(request.worker.file, hash)}), but it holds another (${runLabel(existing.spec.worker.file, existing.hash)}). Name another --out, or use --force to replace it.`,
    );
  }
  const changed = changedFiles(existing.worker.files, bundle.files);
  if (changed.length === 0 || !hasBegun(directory, existing)) return;
  throw new FanfoldError(
    'FANFOLD_CHANGED_WORKER',
    `Expected the worker that ${directory} was begun with, but it was changed since: ${changed.join(', ')}. Put the old one back, or start anew with --force or another --out.`,
  );
}

function runLabel(file: string, hash: string): string {
  return `${basename(file)}, spec ${hash}`;
}

function changedFiles(
  before: Readonly<Record<string, string>>,
  now: Readonly<Record<string, string>>,
): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(now)])].filter(
    (path) => before[path] !== now[path],
  );
}

function hasBegun(directory: string, manifest: Manifest): boolean {
  return readTaskStates(directory, manifest).some(({ lines }) => lines > 0);
}

/** Loads the worker in a first process where its exports say that it declares columns or a schema. */
async function probe(
  { request }: Plan,
  bundle: WorkerBundle,
  { env, reaper }: { env: NodeJS.ProcessEnv; reaper: Reaper },
): Promise<{ host?: HostProcess; columns?: DeclaredColumns }> {
  const isPlain = bundle.exports.length > 1 || request.worker.export === 'default';
  const declares = ['schema', 'columns'].some((name) => bundle.exports.includes(name));
  const isCommonJs = bundle.exports.length === 1 && bundle.code.includes('__commonJS');
  if (!declares && isPlain && !isCommonJs) return {};
  const folder = mkdtempSync(join(tmpdir(), 'fanfold-'));
  const host = startHost({ env, reaper, onOutput: (bytes) => process.stderr.write(bytes) });
  try {
    const file = join(folder, 'worker.mjs');
    writeFileSync(file, bundle.code);
    const fixed = pointOf(
      request.fixed,
      request.fixed.map(({ values }) => values.at(0)),
    );
    const module = { file, export: request.worker.export };
    const columns = await probeWorker(host, module, checkedPoints(request.space, fixed));
    return { host, ...(columns === undefined ? {} : { columns }) };
  } catch (error) {
    host.kill();
    throw error;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

interface PrepareOptions extends RunOptions {
  readonly commit: string | undefined;
  readonly columns: DeclaredColumns | undefined;
}

/** Under the lock: writes the manifest of a new run, or reads that of one to go on with. */
function prepareDirectory(plan: Plan, bundle: WorkerBundle, options: PrepareOptions): Manifest {
  const { directory, spec, request } = plan;
  const paths = runPaths(directory, spec.format);
  if (options.isForced === true) clearDirectory(paths);
  const existing = readManifest(paths.manifest);
  if (existing !== undefined) checkSameRun(existing, plan, bundle);
  const isSame = existing !== undefined && changedFiles(existing.worker.files, bundle.files).length === 0;
  if (isSame && existing.header === plan.header) return existing;
  if (isSame) {
    // Whether there is a header concerns the fold alone.
    const withHeader = { ...existing, header: plan.header };
    writeManifest(paths, withHeader);
    return withHeader;
  }
  writeFileAtomic(paths.workerModule, bundle.code);
  if (needsPoints(spec.space))
    writeFileAtomic(paths.points, `${JSON.stringify(pointsColumns(columnAxes(request)))}\n`);
  const manifest = newManifest(plan, bundle, options);
  writeManifest(paths, manifest);
  return manifest;
}

function columnAxes({ space }: SweepRequest): SweepRequest['space']['axes'] {
  return space.axes.filter(({ values }) => values.definition.kind === 'column');
}

function newManifest(plan: Plan, bundle: WorkerBundle, { commit, columns }: PrepareOptions): Manifest {
  const { spec, request, directory } = plan;
  const isFloat = [...request.space.axes, ...request.fixed].some(({ values }) => values.dtype === 'float64');
  return {
    version: 1,
    spec,
    hash: plan.hash,
    points: request.space.size,
    tasks: plan.tasks,
    wholeNumbers: isFloat ? 'float64' : 'int64',
    ...(columns === undefined ? {} : { columns: { ...columns } }),
    header: plan.header,
    worker: { path: relative(directory, request.worker.file), files: { ...bundle.files } },
    ...(request.pointsFile === undefined ? {} : { pointsFile: request.pointsFile }),
    versions: { fanfold: VERSION, node: process.versions.node },
    ...(commit === undefined ? {} : { commit }),
    host: hostname(),
    created: new Date().toISOString(),
  };
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
