import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { hostname } from 'node:os';
import { isDeepStrictEqual } from 'node:util';
import { dirname, isAbsolute, relative, resolve } from 'node:path';
import type { WorkerBundle } from '../engine/worker-bundle.js';
import type { WorkerReference } from '../engine/worker-reference.js';
import { FanfoldError } from '../errors.js';
import type { DeclaredColumns } from '../format/layout.js';
import { writeFileAtomic } from '../run/atomic-file.js';
import { listElements } from '../run/elements.js';
import { changedFiles } from '../run/file-hashes.js';
import { mixedFiles, withLearntFiles } from '../run/learnt-files.js';
import { readManifest, writeManifest, type Manifest } from '../run/manifest.js';
import { runPaths } from '../run/paths.js';
import { clearDirectory } from '../run/run-directory.js';
import { shortHash, workerLabel, type SweepSpec } from '../run/spec.js';
import { readTaskStates } from '../run/task-state.js';
import { sha256 } from '../sha256.js';
import { needsPoints } from '../space/definition.js';
import { pointsColumns, pointsText } from '../space/points-columns.js';
import type { Plan, SweepRequest } from './plan.js';
import { changedVersions, versionsNow } from './versions.js';

export interface PrepareOptions {
  readonly isForced: boolean;
  readonly allowChangedWorker: boolean;
  readonly commit: string | undefined;
  readonly columns?: DeclaredColumns | undefined;
  readonly python?: string | undefined;
  /** Whether there are points to compute. */
  readonly computes: boolean;
  /** Called with what is otherwise than it was, in words for the user. */
  readonly onNotice?: ((text: string) => void) | undefined;
}

/** Under the lock: writes the manifest of a new run, or reads that of one to go on with. */
export async function prepareDirectory(
  plan: Plan,
  bundle: WorkerBundle,
  options: PrepareOptions,
): Promise<Manifest> {
  const { directory, spec } = plan;
  const paths = runPaths(directory, spec.format);
  if (options.isForced) clearDirectory(paths);
  const stored = await readManifest(paths.manifest);
  if (stored !== undefined) {
    const existing = withLearntFiles(paths, stored);
    checkSameRun(existing, plan, bundle, options);
    const isSameWorker = changedFiles(existing.worker.files, bundle.files).length === 0;
    if (isSameWorker || !isWorthless(directory, existing)) {
      const updated = updateManifest(existing, plan, bundle, options);
      if (isDeepStrictEqual(updated, stored)) return stored;
      writeManifest(paths, updated);
      return updated;
    }
    // A worker was mended that did not load, or failed at every point: nothing of value is here.
    clearDirectory(paths);
  }
  writeCopies(plan, bundle);
  const manifest = newManifest(plan, bundle, options);
  writeManifest(paths, manifest);
  return manifest;
}

/** The commit of the worker's repository; undefined where it has none, and for a command. */
export async function workerCommit(worker: WorkerReference): Promise<string | undefined> {
  return worker.kind === 'command' ? undefined : gitCommit(worker.file);
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
      `Expected ${directory} to hold this sweep (${runLabel(plan.spec, hash)}), but it holds another (${runLabel(existing.spec, existing.hash)}). Name another --out, or use --force to replace it.`,
    );
  }
  const begun = resolve(directory, existing.worker.path);
  if (existsSync(begun) && realpathSync(begun) !== realpathIfThere(workerFile(request))) {
    throw new FanfoldError(
      'FANFOLD_OTHER_SPEC',
      `Expected ${directory} to hold a run of ${workerFile(request)}, but it holds one of ${begun}. Name another --out, or use --force to replace it.`,
    );
  }
  if (existing.points !== request.space.size) {
    throw new FanfoldError(
      'FANFOLD_MANIFEST',
      `Expected the manifest in ${directory} to count the ${String(request.space.size)} points of its space, got ${String(existing.points)}: it was changed. Restore it, or start anew with fanfold run --force.`,
    );
  }
  const isOtherPack =
    existing.pack !== undefined && request.pack !== undefined && request.pack !== existing.pack;
  if (isOtherPack && listElements(runPaths(directory)).length > 0) {
    throw new FanfoldError(
      'FANFOLD_USAGE',
      `Expected --pack ${String(existing.pack)}, as ${directory} was begun with, got ${String(request.pack)}: its journals go by elements of so many tasks.`,
    );
  }
  const mixed = mixedFiles(existing.worker.files);
  const changed = changedFiles(existing.worker.files, bundle.files)
    .filter((name) => !isFoundElsewhere(name, existing))
    .map((name) => (mixed.includes(name) ? `${name} (several versions of it have computed)` : name));
  if (changed.length === 0 || options.allowChangedWorker || isWorthless(directory, existing)) return;
  throw new FanfoldError(
    'FANFOLD_CHANGED_WORKER',
    `Expected the worker that ${directory} was begun with, but it was changed since: ${changed.join(', ')}. Put the old one back, keep what it computed with --allow-changed-worker, or start anew with fanfold run --force or another --out.`,
  );
}

/** True for a file outside the worker's folder of which a run knows nothing: other machines may find other ones. */
function isFoundElsewhere(name: string, { worker }: Manifest): boolean {
  return !Object.hasOwn(worker.files, name) && (name.startsWith('../') || isAbsolute(name));
}

/** True where a run has computed nothing but failures: no task is finished, and every line stands for a failed point. */
export function isWorthless(directory: string, manifest: Manifest): boolean {
  const isKept = (name: string): boolean =>
    /^result\./.test(name) ||
    /^task_index=(?!\d+\.\w+\.part(?:(?:\.check)?(?:\.\d+)?|\.retried)$)/.test(name);
  if (readdirSync(directory).some(isKept)) return false;
  return readTaskStates(directory, manifest).every(({ lines, failed }) => lines === failed);
}

// --- internal ---

/** The commit of a file's repository; undefined where it has none. */
function gitCommit(file: string): Promise<string | undefined> {
  return new Promise((resolveCommit) => {
    execFile('git', ['rev-parse', 'HEAD'], { cwd: dirname(file) }, (error, stdout) => {
      resolveCommit(error === null ? stdout.trim() : undefined);
    });
  });
}

function realpathIfThere(path: string): string {
  return existsSync(path) ? realpathSync(path) : path;
}

function runLabel({ worker }: SweepSpec, hash: string): string {
  return `${workerLabel(worker)}, spec ${shortHash(hash)}`;
}

/** The file that a worker is. */
function workerFile({ worker }: SweepRequest): string {
  return worker.kind === 'command' ? worker.program : worker.file;
}

/** The manifest with what may differ between two sessions of a run: how it is computed and folded, and an allowed new worker. */
function updateManifest(
  existing: Manifest,
  plan: Plan,
  bundle: WorkerBundle,
  { computes, python, onNotice }: PrepareOptions,
): Manifest {
  const { header, request } = plan;
  const { worker, earlierWorkers = [] } = existing;
  const isSameWorker = changedFiles(worker.files, bundle.files).length === 0;
  writeCopies(plan, bundle);
  return {
    ...existing,
    header,
    worker: { ...worker, ...howRun(request.worker), files: { ...bundle.files }, ...copyOf(bundle) },
    limits: request.limits,
    ...batchOf(request),
    ...(computes ? changedVersions(existing, versionsNow(python), onNotice) : {}),
    ...(isSameWorker
      ? {}
      : { earlierWorkers: [...earlierWorkers, { files: worker.files, until: new Date().toISOString() }] }),
  };
}

/** Writes the run's own copies of the worker and the points, also over ones that somebody changed. */
function writeCopies({ directory, spec, request }: Plan, bundle: WorkerBundle): void {
  const paths = runPaths(directory, spec.format);
  if (bundle.code !== undefined) writeIfDifferent(paths.workerModule, bundle.code);
  if (needsPoints(spec.space)) {
    writeIfDifferent(paths.points, pointsText(pointsColumns(columnAxes(request))));
  }
}

function writeIfDifferent(path: string, text: string): void {
  // A copy that a power cut spoils is told by its hash, and written again.
  if (!existsSync(path) || readFileSync(path, 'utf8') !== text)
    writeFileAtomic(path, text, { isDurable: false });
}

function columnAxes({ space }: SweepRequest): SweepRequest['space']['axes'] {
  return space.axes.filter(({ values }) => values.definition.kind === 'column');
}

/** The hash of the run's own copy of a module. */
function copyOf({ code }: WorkerBundle): { module?: string } {
  return code === undefined ? {} : { module: sha256(code) };
}

/** A system's program stays where it is when a project moves, the folder of a command moves with it. */
function whereIs(worker: WorkerReference, directory: string): { path: string; folder?: string } {
  if (worker.kind !== 'command') return { path: relative(directory, worker.file) };
  const { program, folder } = worker;
  const isOwn = !relative(folder, program).startsWith('..');
  return { path: isOwn ? relative(directory, program) : program, folder: relative(directory, folder) };
}

/** What a run is gone on with unless it is said otherwise. */
function howRun(
  worker: WorkerReference,
): Pick<Manifest['worker'], 'interpreter' | 'startMethod' | 'keepScratch'> {
  switch (worker.kind) {
    case 'module':
      return {};
    case 'python':
      return { interpreter: worker.interpreter, startMethod: worker.startMethod };
    case 'command':
      return worker.keepScratch ? { keepScratch: true } : {};
  }
}

/** True where the worker's own results tell an integer from a float, as the text of a command does: `3` and `3.0`. */
function tellsIntegers(worker: SweepSpec['worker']): boolean {
  return 'command' in worker;
}

/** How a batch job computes the run, where one does. */
function batchOf({ slurm, pack }: SweepRequest): Pick<Manifest, 'slurm' | 'pack'> {
  return {
    ...(pack === undefined ? {} : { pack }),
    ...(slurm === undefined ? {} : { slurm: { ...slurm, options: { ...slurm.options } } }),
  };
}

function newManifest(
  plan: Plan,
  bundle: WorkerBundle,
  { commit, columns, python }: PrepareOptions,
): Manifest {
  const { spec, request, directory } = plan;
  const isFloat = [...request.space.axes, ...request.fixed].some(({ values }) => values.dtype === 'float64');
  return {
    version: 1,
    spec,
    hash: plan.hash,
    points: request.space.size,
    tasks: plan.tasks,
    wholeNumbers: isFloat || tellsIntegers(spec.worker) ? 'float64' : 'int64',
    ...(columns === undefined ? {} : { columns: { ...columns } }),
    header: plan.header,
    limits: request.limits,
    ...batchOf(request),
    worker: {
      ...whereIs(request.worker, directory),
      ...howRun(request.worker),
      files: { ...bundle.files },
      ...copyOf(bundle),
    },
    ...(request.pointsFile === undefined ? {} : { pointsFile: request.pointsFile }),
    versions: versionsNow(python),
    ...(commit === undefined ? {} : { commit }),
    host: hostname(),
    created: new Date().toISOString(),
  };
}
