import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { commandReference } from '../engine/command-reference.js';
import { bundleWorker, type WorkerBundle } from '../engine/worker-bundle.js';
import { parseWorkerReference, type StartMethod, type WorkerReference } from '../engine/worker-reference.js';
import { FanfoldError } from '../errors.js';
import { fold, foldIfNeeded, isFoldable } from '../fold.js';
import { lockAtWork } from '../run/at-work.js';
import { fileLatencyMs } from '../run/file-system.js';
import { held } from '../run/lock.js';
import type { LockHolder } from '../run/lock-holder.js';
import { withLimits, type GivenLimits, type OnError } from '../run/limits.js';
import { mixedFiles, withLearntFiles } from '../run/learnt-files.js';
import type { LateOptions } from '../run/look-again.js';
import type { Manifest } from '../run/manifest.js';
import { runPaths } from '../run/paths.js';
import { openDirectory } from '../run/run-directory.js';
import type { SlurmSettings } from '../run/slurm-settings.js';
import { isComputed, readTaskStates, type TaskState } from '../run/task-state.js';
import { sha256 } from '../sha256.js';
import { needsPoints, spaceFrom } from '../space/definition.js';
import {
  columnsFrom,
  damagedPoints,
  parsePoints,
  pointsColumns,
  type PointsColumns,
} from '../space/points-columns.js';
import { readPointsFile } from '../space/points-file.js';
import type { Space } from '../space/space.js';
import { awaitManifest, awaitTaskStates, withLateFiles } from './late-files.js';
import { planSweep, withPack, type Plan, type SweepRequest } from './plan.js';

/** How a run is gone on with, where that is to be otherwise than it was begun. */
export interface ResumeOptions {
  /** Processes at once. */
  readonly jobs: number;
  /** Those that are to change. */
  readonly limits?: GivenLimits;
  /** The interpreter of a Python worker. */
  readonly python?: string | undefined;
  readonly startMethod?: StartMethod | undefined;
  /** How it is submitted; undefined for processes of this machine. */
  readonly slurm?: SlurmSettings | undefined;
  /** Tasks of an element, where that is to be otherwise. */
  readonly pack?: number | undefined;
  /** How the manifest is waited for. */
  readonly late?: LateOptions;
}

/**
 * The plan of the run in a directory, as its manifest has it.
 * @throws FanfoldError where there is no run
 */
export async function planOf(directory: string, how: ResumeOptions): Promise<Plan> {
  const manifest = await requireManifest(directory, undefined, how.late);
  const { spec } = manifest;
  const request: SweepRequest = {
    worker: workerOf(directory, manifest, how),
    space: await runSpace(directory, manifest),
    fixed: spaceFrom({ groups: spec.fixed.map((axis) => [axis]) }).axes,
    pointsFile: manifest.pointsFile,
    seed: BigInt(spec.seed),
    slicing: spec.slicing,
    tasks: spec.tasks === 'auto' ? undefined : spec.tasks,
    jobs: how.jobs,
    slurm: how.slurm,
    pack: how.slurm === undefined ? manifest.pack : (how.pack ?? manifest.pack ?? 1),
    limits: withLimits(manifest.limits, how.limits ?? {}),
    format: spec.format,
    header: manifest.header,
    out: directory,
  };
  const { tasks } = manifest;
  return { ...planSweep(request), request: withPack(request, tasks), tasks };
}

export interface FoldOptions extends LateOptions {
  /** Whether the result begins with the names of its columns, where that is to change. */
  readonly header?: boolean | undefined;
  /** What is done about failed points, where that is to be otherwise than in the run. */
  readonly onError?: OnError | undefined;
  /** Leave a result alone that is there and as it should be. */
  readonly isNeeded?: boolean;
  /** Whom not to count as at work, where it is only needed so. */
  readonly isLeftOut?: (holder: LockHolder) => boolean;
}

/**
 * Makes the result of a complete run anew from its task files.
 * @param options.onNotice called with what was damaged, or is waited for
 * @returns the path of the result
 * @throws FanfoldError where there is no run, somebody works on it, or a task is not complete
 */
export async function refold(
  directory: string,
  { header, onNotice, onError, isNeeded = false, isLeftOut, ...late }: FoldOptions = {},
): Promise<string> {
  const waiting = { ...late, onNotice };
  const before = await requireManifest(directory, onNotice, waiting);
  const paths = runPaths(directory, before.spec.format);
  const fillsFailed = (onError ?? before.limits.onError) === 'nan';
  const look = (): TaskState[] => readTaskStates(directory, before);
  const mayBeLate = fileLatencyMs(directory, late.latencyMs) > 0;
  // A task that was finished elsewhere, and is seen late, is one of those to be folded.
  if (mayBeLate) await awaitTaskStates(paths, look, waiting);
  // One who has nothing to fold is not in the way of who goes on with the run, nor first when that ends.
  if (isNeeded) {
    const other = lockAtWork(paths, isLeftOut);
    if (other?.lock === paths.lock) throw held(other.holder);
    const wanted = { ...before, header: header ?? before.header };
    if (!canFold(directory, wanted, fillsFailed, other?.holder)) return paths.result;
  }
  const lock = await openDirectory(directory, waiting);
  try {
    const manifest = wholeWorker(directory, await requireManifest(directory, undefined, waiting));
    const wanted = { ...manifest, header: header ?? manifest.header };
    const make = isNeeded ? foldIfNeeded : fold;
    const folding = (): Manifest => make(directory, wanted, { onNotice, fillsFailed, beat: lock.beat });
    // What is not computed is not waited for.
    const isThere = (state: TaskState): boolean =>
      state.status === 'complete' || (fillsFailed && isComputed(state));
    if (mayBeLate && look().every(isThere)) await withLateFiles(directory, folding, waiting);
    else folding();
    return paths.result;
  } finally {
    lock.release();
  }
}

/**
 * The manifest of a run directory.
 * @param onNotice called where it is damaged, and its copy was read, or it is waited for
 * @throws FanfoldError where there is none
 */
export async function requireManifest(
  directory: string,
  onNotice?: (text: string) => void,
  late: LateOptions = { onNotice },
): Promise<Manifest> {
  const manifest = await awaitManifest(directory, late, onNotice);
  if (manifest !== undefined) return manifest;
  throw new FanfoldError(
    'FANFOLD_MANIFEST',
    `Expected ${resolve(directory)} to be a run directory, but it holds no sweep.json.`,
  );
}

/**
 * The manifest with what elements have learnt of the worker's files, for a result that is to be made of what they computed.
 * @throws FanfoldError where they computed with several versions of one
 */
export function wholeWorker(directory: string, manifest: Manifest): Manifest {
  const known = withLearntFiles(runPaths(directory), manifest);
  const mixed = mixedFiles(known.worker.files);
  if (mixed.length === 0) return known;
  throw new FanfoldError(
    'FANFOLD_CHANGED_WORKER',
    `Expected the elements of ${resolve(directory)} to have computed with the same files, but several versions have computed of: ${mixed.join(', ')}. No result is made; what was finished is kept. Take it as it is by fanfold resume --allow-changed-worker, or start anew with fanfold run --force or another --out.`,
    { exitCode: 1 },
  );
}

/** The worker of a plan as one module, from the run's own copy where the source is gone; undefined where it is no module. */
export function workerBundle(
  { directory, request }: Plan,
  existing: Manifest | undefined,
): Promise<WorkerBundle> | undefined {
  const { worker } = request;
  if (worker.kind !== 'module') return undefined;
  if (existing === undefined || existsSync(worker.file)) return bundleWorker(worker);
  return Promise.resolve(keptBundle(directory, existing));
}

/**
 * The worker that a run was begun with, from its own copy: for a run whose directory came without the worker's source, and
 * for elements of a batch job.
 * @throws FanfoldError where the copy was changed
 */
export function keptBundle(directory: string, manifest: Manifest): WorkerBundle {
  const path = runPaths(directory).workerModule;
  const code = readFileSync(path, 'utf8');
  if (sha256(code) !== manifest.worker.module) {
    throw new FanfoldError(
      'FANFOLD_DAMAGED',
      `Expected ${path} to be the copy of the worker that the run was begun with, but it was changed. Put the worker back to ${resolve(directory, manifest.worker.path)}, from which the copy is made anew.`,
    );
  }
  const { worker } = manifest.spec;
  const names = 'file' in worker ? [worker.export] : [];
  return { code, files: manifest.worker.files, exports: [...names, 'schema'] };
}

// --- internal ---

/**
 * Whether there is something to fold.
 * @param element that is at work, and has to end before there is nothing to fold, or something is missing
 */
function canFold(
  directory: string,
  manifest: Manifest,
  fillsFailed: boolean,
  element: LockHolder | undefined,
): boolean {
  try {
    if (isFoldable(directory, manifest, { fillsFailed })) return true;
  } catch (error) {
    const isIncomplete = error instanceof FanfoldError && error.code === 'FANFOLD_INCOMPLETE';
    if (!isIncomplete || element === undefined) throw error;
  }
  if (element !== undefined) throw held(element);
  return false;
}

function workerOf(directory: string, { spec, worker }: Manifest, how: ResumeOptions): WorkerReference {
  if ('file' in spec.worker) {
    const { export: name } = spec.worker;
    const file = resolve(directory, worker.path);
    if (worker.interpreter === undefined) return { kind: 'module', file, export: name };
    // On another machine it may lie elsewhere.
    const begun = existsSync(worker.interpreter) ? worker.interpreter : undefined;
    return parseWorkerReference(`${file}:${name}`, {
      python: how.python ?? begun,
      startMethod: how.startMethod ?? worker.startMethod,
    });
  }
  const { folder = '.', keepScratch = false } = worker;
  return commandReference(spec.worker, { folder: resolve(directory, folder), keepScratch });
}

/** From the run's copy of the points file or, where that is damaged, from the file itself, if that is still as it was. */
async function runSpace(directory: string, { spec, pointsFile }: Manifest): Promise<Space> {
  if (!needsPoints(spec.space)) return spaceFrom(spec.space);
  try {
    return spaceFrom(spec.space, readPoints(directory));
  } catch (error) {
    const isDamaged = error instanceof FanfoldError && error.code === 'FANFOLD_DAMAGED';
    if (!isDamaged || pointsFile === undefined || !existsSync(pointsFile)) throw error;
    return spaceFrom(spec.space, pointsColumns(columnsFrom(pointsColumns(await readPointsFile(pointsFile)))));
  }
}

function readPoints(directory: string): PointsColumns {
  const { points } = runPaths(directory);
  if (!existsSync(points)) throw damagedPoints('it is not there');
  return parsePoints(readFileSync(points, 'utf8'));
}
