import { listElements } from './elements.js';
import { lockHolder } from './lock.js';
import type { LockHolder } from './lock-holder.js';
import { runPaths, type RunPaths } from './paths.js';

/** A living process that works on a run: its coordinator, or an element of its batch job. */
export function atWork(paths: RunPaths): LockHolder | undefined {
  const coordinator = lockHolder(paths.lock);
  if (coordinator !== undefined) return coordinator;
  for (const element of listElements(paths)) {
    const holder = lockHolder(runPaths(paths.directory, undefined, element).lock);
    if (holder !== undefined) return holder;
  }
  return undefined;
}
