import { hasForm, isCount, isText } from '../checks.js';
import { appendRecord, scanRecords } from './journal.js';
import { readPart, type BelievedPart, type PartOf } from './part.js';
import { taskFiles, type RunPaths } from './paths.js';
import { isFailedLine } from './whole-lines.js';

// `task_index=N.txt.part.retried` holds the lines of failed points that a retry has computed again, until they take their
// places in the part. A point that has failed again is there too, by the line that keeps its place, so that it is seen how far
// the retry is. Whoever retries the task next begins the file anew.

/** A line of such a file. */
export interface RetriedLine {
  readonly index: number;
  readonly line: string;
}

/** Adds the line of a point that was computed again. */
export function appendRetried(path: string, retried: RetriedLine): void {
  appendRecord(path, retried);
}

/** Visits the lines from byte `offset` on; gives the offset after the last one. */
export function scanRetried(path: string, offset: number, visit: (retried: RetriedLine) => void): number {
  return scanRecords(path, offset, (record) => {
    if (RETRIED(record)) visit(record as RetriedLine);
  }).offset;
}

/** The lines that take the places of failed ones, by the indices of their points. */
export function readRetried(path: string): Map<number, string> {
  const lines = new Map<number, string>();
  scanRetried(path, 0, ({ index, line }) => {
    if (!isFailedLine(line)) lines.set(index, line);
  });
  return lines;
}

/** What of a task's part is believed; failed points that have a new line are not among its failed ones. */
export function readRetriedPart(paths: RunPaths, index: number, task: PartOf): BelievedPart {
  // First, for a host puts the lines into the part before it removes this.
  const mended = new Set<number>();
  scanRetried(paths.retried(index), 0, ({ index: point, line }) => {
    if (!isFailedLine(line)) mended.add(point);
  });
  const part = readPart(taskFiles(paths, index), task);
  if (mended.size === 0 || !task.hasLayout) return part;
  return { ...part, failed: part.failed.filter((point) => !mended.has(point)) };
}

// --- internal ---

const RETRIED = hasForm({ index: isCount, line: isText });
