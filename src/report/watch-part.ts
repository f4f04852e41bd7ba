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

/**
 * Follows a task by its files alone.
 * @param retriesSinceMs of a retry: when it began, in milliseconds since 1970
 */
export function watchFilesOf(paths: RunPaths, task: number, retriesSinceMs?: number): () => TaskProgress {
  const lookAtPart = watchLines(paths.part(task));
  const lookAtRetried = watchRetriedLines(paths.retried(task));
  return () => {
    const retried = lookAtRetried();
    const { lines, failed, changedMs } = lookAtPart();
    if (retriesSinceMs === undefined) {
      // What a killed retry has left counts.
      const mended = retried === undefined ? 0 : retried.points - retried.failed;
      return { done: lines, failed: failed - mended };
    }
    // It is there as long as failed points are computed; then the part is written anew.
    if (retried !== undefined) return { done: lines - failed + retried.points, failed: retried.failed };
    const found = { done: lines, failed };
    return changedMs < retriesSinceMs ? beforeRetry(found) : found;
  };
}

/** What counts of a task whose failed points are to be computed again, before they are. */
export function beforeRetry({ done, failed }: TaskProgress): TaskProgress {
  return { done: done - failed, failed: 0 };
}

// --- internal ---

interface Lines {
  readonly lines: number;
  readonly failed: number;
  /** When they were last written to, in milliseconds since 1970. */
  readonly changedMs: number;
}

function watchLines(path: string): () => Lines {
  let file: bigint | undefined;
  let seen = { lines: 0, failed: 0, offset: 0 };
  return () => {
    const { ino, size = 0n, mtimeMs = 0n } = statSync(path, { bigint: true, throwIfNoEntry: false }) ?? {};
    // Whoever begins to compute a task gives its part a new file.
    if (ino !== file || size < seen.offset) seen = { lines: 0, failed: 0, offset: 0 };
    file = ino;
    if (size > seen.offset) {
      const { lines, failed, offset } = countLines(path, seen.offset);
      seen = { lines: seen.lines + lines, failed: seen.failed + failed, offset };
    }
    return { lines: seen.lines, failed: seen.failed, changedMs: Number(mtimeMs) };
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
    // It may be begun anew under the same number.
    if (found?.ino !== file || (found !== undefined && found.size < offset)) {
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
