import { listElements } from './elements.js';
import { lockHolder } from './lock.js';
import type { LockHolder } from './lock-holder.js';
import { runPaths, type RunPaths } from './paths.js';

/** A living process that works on a run: its coordinator, or an element of its batch job. */
export function atWork(paths: RunPaths): LockHolder | undefined {
  return lockAtWork(paths)?.holder;
}

/** The same, with the path of its lock. */
export function lockAtWork(
  paths: RunPaths,
): { readonly holder: LockHolder; readonly lock: string } | undefined {
  const locks = [
    paths.lock,
    ...listElements(paths).map((element) => runPaths(paths.directory, undefined, element).lock),
  ];
  for (const lock of locks) {
    const holder = lockHolder(lock);
    if (holder !== undefined) return { holder, lock };
  }
  return undefined;
}
