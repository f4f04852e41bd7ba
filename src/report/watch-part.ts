import { existsSync, statSync } from 'node:fs';
import type { RunPaths } from '../run/paths.js';
import { countRetried } from '../run/retried.js';
import { countLines } from '../run/whole-lines.js';

/** How far a task is. */
export interface TaskProgress {
  /** Points that have come to an end, failed ones counted; in a retry those that failed before are not, until they do again. */
  readonly done: number;
  readonly failed: number;
}

/** How far a part is. */
export interface PartProgress extends TaskProgress {
  /** The number of its file; whoever begins to compute a task gives its part a new one. */
  readonly file: bigint | undefined;
}

export const NOTHING: TaskProgress = { done: 0, failed: 0 };

/** Follows a task by the new lines of its part; gives a function that looks again. */
export function watchPart(paths: RunPaths, task: number): () => PartProgress {
  const path = paths.part(task);
  let seen = { file: undefined as bigint | undefined, lines: 0, failed: 0, offset: 0 };
  return () => {
    const { ino, size = 0n } = statSync(path, { bigint: true, throwIfNoEntry: false }) ?? {};
    if (ino !== seen.file || size < seen.offset) seen = { file: ino, lines: 0, failed: 0, offset: 0 };
    if (Number(size) > seen.offset) {
      const { lines, failed, offset } = countLines(path, seen.offset);
      seen = { file: ino, lines: seen.lines + lines, failed: seen.failed + failed, offset };
    }
    return { file: seen.file, done: seen.lines, failed: seen.failed };
  };
}

/** Follows a task whose failed points are computed again, until they take their places in the part. */
export function watchRetried(paths: RunPaths, task: number): () => TaskProgress {
  const retried = paths.retried(task);
  const before = beforeRetry(watchPart(paths, task)());
  let last = before;
  return () => {
    if (existsSync(retried)) {
      const { points, failed } = countRetried(retried);
      last = { done: before.done + points, failed };
    }
    return last;
  };
}

/** What counts of a task whose failed points are to be computed again, before they are. */
export function beforeRetry({ done, failed }: TaskProgress): TaskProgress {
  return { done: done - failed, failed: 0 };
}
