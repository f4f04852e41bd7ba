import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { FanfoldError, messageOf, remedyFor, systemCode } from '../errors.js';
import { listElements } from './elements.js';
import { isTorn, repairJournal } from './journal.js';
import { endLeftovers } from './leftovers.js';
import {
  held,
  isLeftDraft,
  lockHolder,
  stoppedError,
  takeLock,
  type Lock,
  type LockOptions,
} from './lock.js';
import { lookAgain } from './look-again.js';
import { isManifestWhole, mendManifest } from './manifest.js';
import { isPointFolder, isRunFile, runPaths, type RunPaths } from './paths.js';
import type { TaskState } from './task-state.js';

/**
 * Checks, without writing, that a run can be made or gone on with in a directory.
 * @throws FanfoldError where it is a file, can't be written, or holds files of a run without a manifest
 */
export function checkDirectory(directory: string, options: { isForced: boolean }): void {
  const place = nearestExisting(directory);
  try {
    if (!statSync(place).isDirectory()) {
      throw new FanfoldError('FANFOLD_OUT', `Expected --out to be a directory, got a file: ${place}.`);
    }
    accessSync(place, constants.W_OK | constants.X_OK);
  } catch (error) {
    if (error instanceof FanfoldError) throw error;
    throw unwritable(directory, error);
  }
  if (place !== directory || options.isForced) return;
  const { manifest, manifestCopy } = runPaths(directory);
  if (existsSync(manifest) || existsSync(manifestCopy)) return;
  const stray = readdirSync(directory).find((name) => isRunFile(name));
  if (stray === undefined) return;
  throw new FanfoldError(
    'FANFOLD_OUT',
    `Expected ${directory} to be empty or to hold a run, but it holds "${stray}" without a sweep.json. Move it away, name another --out, or use --force to remove a run's files there.`,
  );
}

/**
 * Makes this process the coordinator of a run directory, ends the processes of a coordinator that was killed, and removes
 * what it left half-made.
 * @returns the lock, to be given back at the end
 * @throws FanfoldError where another coordinator or an element is at work, or the directory can't be made
 */
export async function openDirectory(
  directory: string,
  options: LockOptions & { readonly areElementsGone?: boolean | undefined } = {},
): Promise<Lock> {
  const paths = runPaths(directory);
  let lock: Lock;
  try {
    makeFolders(paths.logs);
    lock = await takeLock(paths.lock, options);
  } catch (error) {
    if (error instanceof FanfoldError || systemCode(error) === undefined) throw error;
    throw unwritable(directory, error);
  }
  try {
    await awaitElements(paths, options.areElementsGone === true ? { ...options, latencyMs: 0 } : options);
    await endLeftovers(paths);
    const names = new Set(readdirSync(directory));
    for (const name of names) {
      const path = join(directory, name);
      if (isLeftover(name, names) || (name.startsWith('lock.') && isLeftDraft(path)))
        rmSync(path, { force: true });
    }
    await awaitWhole(paths, options);
    mendManifest(paths);
    repairJournal(paths.events);
    repairJournal(paths.failures);
  } catch (error) {
    lock.release();
    throw error;
  }
  return lock;
}

/**
 * Makes this process the only one that computes the tasks of an element, beside other elements; as `openDirectory` for what
 * is the element's own.
 * @returns the element's lock
 * @throws FanfoldError where another process computes that element, or a coordinator is at work on the run
 */
export async function openElement(
  paths: RunPaths,
  tasks: readonly number[],
  options: LockOptions = {},
): Promise<Lock> {
  makeFolders(dirname(paths.lock));
  const lock = await takeLock(paths.lock, { ...options, root: paths.directory });
  try {
    // Only now: a coordinator takes its own lock first and then looks at those of the elements, so one sees the other.
    const holder = lockHolder(runPaths(paths.directory).lock);
    if (holder !== undefined && holder.isBeside !== true) throw held(holder);
    await endLeftovers(paths);
    // The listing is long where there are many tasks; an element that begins has left nothing in it.
    if (existsSync(paths.events)) removeDrafts(paths, tasks);
    await awaitWhole(paths, options);
    repairJournal(paths.events);
    repairJournal(paths.failures);
  } catch (error) {
    lock.release();
    throw error;
  }
  return lock;
}

/** Removes the temporary copies of some tasks' parts, which a process leaves that dies while it opens one. */
export function removeDrafts(paths: RunPaths, tasks: readonly number[]): void {
  const own = new Set(tasks.map((task) => basename(paths.part(task))));
  for (const name of readdirSync(paths.directory)) {
    const part = /^(?<part>.*\.part)(?:\.check)?\.\d+$/.exec(name)?.groups?.['part'];
    if (part !== undefined && own.has(part)) rmSync(join(paths.directory, name), { force: true });
  }
}

/** Removes the files that a run writes, and nothing else; under the lock. */
export function clearDirectory(paths: RunPaths): void {
  const files = [
    paths.manifestCopy,
    paths.manifest,
    paths.points,
    paths.workerModule,
    paths.jobScript,
    paths.foldScript,
  ];
  const results = readdirSync(paths.directory).filter(isRunFile);
  const logs = readdirSync(paths.logs).filter((name) =>
    /^(?:task_index=\d+|coordinator|(?:slurm|sge|pbs|lsf)-[\w.[\]-]+)\.log$/.test(name),
  );
  for (const path of [
    ...files,
    ...results.map((name) => join(paths.directory, name)),
    ...logs.map((name) => join(paths.logs, name)),
  ]) {
    rmSync(path, { force: true });
  }
  for (const element of listElements(paths))
    rmSync(join(paths.elements, String(element)), { recursive: true, force: true });
  removeEmpty(paths.elements);
  for (const name of readNames(paths.scratch).filter(isPointFolder))
    rmSync(join(paths.scratch, name), { recursive: true, force: true });
  removeScratch(paths);
}

/** Removes the points' scratch folder where nothing is left in it. */
export function removeScratch({ scratch }: RunPaths): void {
  removeEmpty(scratch);
}

/**
 * Moves files aside that bear a task's name but were not finished by this run, so that they never reach the result.
 * @returns their new names
 */
export function setForeignAside(
  paths: RunPaths,
  tasks: readonly Pick<TaskState, 'index' | 'status'>[],
): string[] {
  return tasks
    .filter(({ status }) => status === 'foreign')
    .map(({ index }) => setAside(paths.task(index), 'foreign'));
}

/**
 * Gives a file a name under which nobody looks for it.
 * @returns that name, with a number that is not taken
 */
export function setAside(path: string, why: 'foreign' | 'damaged'): string {
  let number = 1;
  while (existsSync(`${path}.${why}-${String(number)}`)) number++;
  const aside = `${path}.${why}-${String(number)}`;
  renameSync(path, aside);
  return aside;
}

// --- internal ---

/** What looks cut off may only be seen late, and is not to be taken for damage. */
async function awaitWhole(paths: RunPaths, { latencyMs, onNotice, signal }: LockOptions): Promise<void> {
  const look = (): boolean => isManifestWhole(paths) && !isTorn(paths.events) && !isTorn(paths.failures);
  const isSeen = (isWhole: boolean): boolean => isWhole;
  const what = 'the ends of its records';
  const isWhole = await lookAgain(paths.directory, {
    latencyMs,
    onNotice,
    signal,
    look,
    isSeen,
    what,
  });
  // What was not waited for is not to be repaired.
  if (!isWhole && signal?.aborted === true) throw stoppedError();
}

/**
 * Takes the locks of elements that have ended without giving them back; they may be of machines that nobody sees.
 * @throws FanfoldError where one is at work
 */
async function awaitElements(paths: RunPaths, options: LockOptions): Promise<void> {
  const locks = listElements(paths)
    .map((element) => runPaths(paths.directory, undefined, element).lock)
    .filter((lock) => existsSync(lock));
  const taken = await Promise.allSettled(locks.map((lock) => takeLock(lock, options)));
  for (const one of taken) if (one.status === 'fulfilled') one.value.release();
  const failed = taken.find((one) => one.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

function removeEmpty(folder: string): void {
  if (existsSync(folder) && readNames(folder).length === 0) rmdirSync(folder);
}

function readNames(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

/** Step by step, because node's own recursive mkdir never returns where a file system such as /proc answers ENOENT. */
function makeFolders(path: string): void {
  if (existsSync(path)) return;
  makeFolders(dirname(path));
  try {
    mkdirSync(path);
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
  }
}

/**
 * Temporary files: the copy of a part in the making, a file before its rename, the guard of a takeover that was killed; and
 * what is to check a part that is gone.
 */
function isLeftover(name: string, others: ReadonlySet<string>): boolean {
  const checked = /^(?<part>task_index=\d+\.\w+\.part)\.check$/.exec(name)?.groups?.['part'];
  return (
    (checked !== undefined && !others.has(checked)) ||
    /^task_index=\d+\.\w+\.part(?:\.check)?\.\d+$/.test(name) ||
    /^(?:result|sweep|points|worker|job|fold|events|failures)\.\w+(?:\.copy)?\.tmp-\d+$/.test(name) ||
    /^task_index=\d+\.\w+(?:\.part\.retried)?\.tmp-\d+$/.test(name) ||
    /^lock(?:\.[0-9a-f]{8})+$/.test(name)
  );
}

function nearestExisting(path: string): string {
  let place = path;
  while (!existsSync(place) && dirname(place) !== place) place = dirname(place);
  return place;
}

/** What is the disk's, and not the directory's. */
const DISK_CODES: readonly (string | undefined)[] = ['ENOSPC', 'EDQUOT', 'EROFS'];

function unwritable(directory: string, error: unknown): FanfoldError {
  if (DISK_CODES.includes(systemCode(error)) && existsSync(runPaths(directory).manifest)) {
    return new FanfoldError(
      'FANFOLD_IO',
      `Expected the run directory ${directory} to take what is computed, but the system refuses: ${messageOf(error)}. ${remedyFor(messageOf(error))}, then run the same command again.`,
      { exitCode: 1 },
    );
  }
  return new FanfoldError(
    'FANFOLD_OUT',
    `Expected a run directory that can be written, got ${directory} (${systemCode(error) ?? String(error)}). Name another with --out.`,
  );
}
