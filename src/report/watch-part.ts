import { statSync } from 'node:fs';
import type { RunPaths } from '../run/paths.js';
import { scanRetried } from '../run/retried.js';
import { countLines, isFailedLine } from '../run/whole-lines.js';

/** How far a task is. */
export interface TaskProgress {
  /** Points that have come to an end, failed ones counted; while failed points are computed again, only those that have been. */
  readonly done: number;
  readonly failed: number;
}

export const NOTHING: TaskProgress = { done: 0, failed: 0 };

/** Follows a task by the new lines of its part; gives a function that looks again. */
export function watchPart(paths: RunPaths, task: number): () => TaskProgress {
  const look = watchLines(paths.part(task));
  return () => {
    const { lines, failed } = look();
    return { done: lines, failed };
  };
}

/** Follows a task whose failed points are computed again, until they take their places in the part. */
export function watchRetried(paths: RunPaths, task: number): () => TaskProgress {
  const before = beforeRetry(watchPart(paths, task)());
  const lookAtRetried = watchRetriedLines(paths.retried(task));
  let last = before;
  return () => {
    const retried = lookAtRetried();
    // Where it is not there any more the lines take their places just now.
    if (retried !== undefined) last = { done: before.done + retried.points, failed: retried.failed };
    return last;
  };
}

/** The same, and then what is missing of the task, by its files alone. */
export function watchRetry(paths: RunPaths, task: number): () => TaskProgress {
  const lookAtPart = watchLines(paths.part(task));
  const lookAtRetried = watchRetriedLines(paths.retried(task));
  const { file } = lookAtPart();
  return () => {
    const retried = lookAtRetried();
    const part = lookAtPart();
    const found = { done: part.lines, failed: part.failed };
    if (retried !== undefined)
      return { done: beforeRetry(found).done + retried.points, failed: retried.failed };
    // Whoever puts the lines into their places gives the part a new file.
    return part.file === file ? beforeRetry(found) : found;
  };
}

/** What counts of a task whose failed points are to be computed again, before they are. */
export function beforeRetry({ done, failed }: TaskProgress): TaskProgress {
  return { done: done - failed, failed: 0 };
}

// --- internal ---

interface Lines {
  /** The number of the file. */
  readonly file: bigint | undefined;
  readonly lines: number;
  readonly failed: number;
  readonly offset: number;
}

function watchLines(path: string): () => Lines {
  let seen: Lines = { file: undefined, lines: 0, failed: 0, offset: 0 };
  return () => {
    const { ino, size = 0n } = statSync(path, { bigint: true, throwIfNoEntry: false }) ?? {};
    if (ino !== seen.file || size < seen.offset) seen = { file: ino, lines: 0, failed: 0, offset: 0 };
    if (Number(size) > seen.offset) {
      const { lines, failed, offset } = countLines(path, seen.offset);
      seen = { file: ino, lines: seen.lines + lines, failed: seen.failed + failed, offset };
    }
    return seen;
  };
}

/** Counts the points of a file of retried lines, and those that failed again; undefined while there is none. */
function watchRetriedLines(path: string): () => { points: number; failed: number } | undefined {
  let file: bigint | undefined;
  let offset = 0;
  const points = new Set<number>();
  const failed = new Set<number>();
  return () => {
    const found = statSync(path, { bigint: true, throwIfNoEntry: false });
    if (found?.ino !== file) {
      file = found?.ino;
      offset = 0;
      points.clear();
      failed.clear();
    }
    if (found === undefined) return undefined;
    offset = scanRetried(path, offset, ({ index, line }) => {
      points.add(index);
      if (isFailedLine(line)) failed.add(index);
      else failed.delete(index);
    });
    return { points: points.size, failed: failed.size };
  };
}
