import { listElements } from './elements.js';
import { lockHolder } from './lock.js';
import type { LockHolder } from './lock-holder.js';
import { runPaths, type RunPaths } from './paths.js';

/** A living process that works on a run: its coordinator, or an element of its batch job. */
export function atWork(paths: RunPaths): LockHolder | undefined {
  return lockAtWork(paths)?.holder;
}

/** A lock of a run that somebody holds. */
export interface HeldLock {
  readonly holder: LockHolder;
  /** Its path. */
  readonly lock: string;
}

/**
 * The same, with its lock.
 * @param isLeftOut whom not to count
 */
export function lockAtWork(
  paths: RunPaths,
  isLeftOut: (holder: LockHolder) => boolean = () => false,
): HeldLock | undefined {
  const locks = [
    paths.lock,
    ...listElements(paths).map((element) => runPaths(paths.directory, undefined, element).lock),
  ];
  for (const lock of locks) {
    const holder = lockHolder(lock);
    if (holder !== undefined && !isLeftOut(holder)) return { holder, lock };
  }
  return undefined;
}
