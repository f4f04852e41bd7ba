import { execFile } from 'node:child_process';
import { hostname } from 'node:os';
import { basename, dirname, relative } from 'node:path';
import type { WorkerBundle } from '../engine/worker-bundle.js';
import { FanfoldError } from '../errors.js';
import type { DeclaredColumns } from '../format/layout.js';
import { writeFileAtomic } from '../run/atomic-file.js';
import { readManifest, writeManifest, type Manifest } from '../run/manifest.js';
import { runPaths } from '../run/paths.js';
import { clearDirectory } from '../run/run-directory.js';
import { readTaskStates } from '../run/task-state.js';
import { needsPoints } from '../space/definition.js';
import { pointsColumns } from '../space/points-columns.js';
import { VERSION } from '../version.js';
import type { Plan, SweepRequest } from './plan.js';

export interface PrepareOptions {
  readonly isForced: boolean;
  readonly allowChangedWorker: boolean;
  readonly commit: string | undefined;
  readonly columns: DeclaredColumns | undefined;
}

/** Under the lock: writes the manifest of a new run, or reads that of one to go on with. */
export function prepareDirectory(plan: Plan, bundle: WorkerBundle, options: PrepareOptions): Manifest {
  const { directory, spec, request } = plan;
  const paths = runPaths(directory, spec.format);
  if (options.isForced) clearDirectory(paths);
  const existing = readManifest(paths.manifest);
  if (existing !== undefined) {
    checkSameRun(existing, plan, bundle, options);
    const isSameWorker = changedFiles(existing.worker.files, bundle.files).length === 0;
    if (isSameWorker || hasResults(directory, existing)) return updateManifest(existing, plan, bundle);
    // A worker was mended that did not load, or failed at every point: nothing of value is here.
    clearDirectory(paths);
  }
  writeFileAtomic(paths.workerModule, bundle.code);
  if (needsPoints(spec.space))
    writeFileAtomic(paths.points, `${JSON.stringify(pointsColumns(columnAxes(request)))}\n`);
  const manifest = newManifest(plan, bundle, options);
  writeManifest(paths, manifest);
  return manifest;
}

/** The commit of the worker's repository; undefined where it has none. */
export function gitCommit(file: string): Promise<string | undefined> {
  return new Promise((resolveCommit) => {
    execFile('git', ['rev-parse', 'HEAD'], { cwd: dirname(file) }, (error, stdout) => {
      resolveCommit(error === null ? stdout.trim() : undefined);
    });
  });
}

/**
 * Refuses a directory that holds another sweep, or this one begun with another version of the worker.
 * @throws FanfoldError naming both
 */
export function checkSameRun(
  existing: Manifest,
  plan: Plan,
  bundle: WorkerBundle,
  options: { allowChangedWorker: boolean },
): void {
  const { directory, hash, request } = plan;
  if (existing.hash !== hash) {
    throw new FanfoldError(
      'FANFOLD_OTHER_SPEC',
      `Expected ${directory} to hold this sweep (${runLabel(request.worker.file, hash)}), but it holds another (${runLabel(existing.spec.worker.file, existing.hash)}). Name another --out, or use --force to replace it.`,
    );
  }
  if (existing.points !== request.space.size) {
    throw new FanfoldError(
      'FANFOLD_MANIFEST',
      `Expected the manifest in ${directory} to count the ${String(request.space.size)} points of its space, got ${String(existing.points)}: it was changed. Restore it, or start anew with --force.`,
    );
  }
  const changed = changedFiles(existing.worker.files, bundle.files);
  if (changed.length === 0 || options.allowChangedWorker || !hasResults(directory, existing)) return;
  throw new FanfoldError(
    'FANFOLD_CHANGED_WORKER',
    `Expected the worker that ${directory} was begun with, but it was changed since: ${changed.join(', ')}. Put the old one back, keep what it computed with --allow-changed-worker, or start anew with --force or another --out.`,
  );
}

// --- internal ---

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

function hasResults(directory: string, manifest: Manifest): boolean {
  return readTaskStates(directory, manifest).some(({ lines, failed }) => lines > failed);
}

/** Records what may differ between two sessions of a run: whether the fold has a header, and an allowed new worker. */
function updateManifest(existing: Manifest, plan: Plan, bundle: WorkerBundle): Manifest {
  const { header } = plan;
  const isSameWorker = changedFiles(existing.worker.files, bundle.files).length === 0;
  if (isSameWorker && existing.header === header) return existing;
  const { worker, earlierWorkers = [] } = existing;
  const changed = {
    worker: { path: worker.path, files: { ...bundle.files } },
    earlierWorkers: [...earlierWorkers, { files: worker.files, until: new Date().toISOString() }],
  };
  const paths = runPaths(plan.directory, plan.spec.format);
  const manifest = { ...existing, header, ...(isSameWorker ? {} : changed) };
  if (!isSameWorker) writeFileAtomic(paths.workerModule, bundle.code);
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
