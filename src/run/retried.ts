import { hasForm, isCount, isText } from '../checks.js';
import { appendRecord, readRecords } from './journal.js';
import type { BelievedPart } from './part.js';
import { isFailedLine } from './whole-lines.js';

// `task_index=N.txt.part.retried` holds the new lines of failed points that a retry has computed again, until they take their
// places in the part. A point that has failed again is there too, by the line that keeps its place, so that it is seen how
// far the retry is.

/** Adds the line of a point that was computed again. */
export function appendRetried(path: string, index: number, line: string): void {
  appendRecord(path, { index, line });
}

/** The lines that take the places of failed ones, by the indices of their points. */
export function readRetried(path: string): Map<number, string> {
  return new Map(retriedLines(path).filter(([, line]) => !isFailedLine(line)));
}

/** Of how many points a retry has come to an end in a task, and how many of them failed again. */
export function countRetried(path: string): { points: number; failed: number } {
  const last = [...new Map(retriedLines(path)).values()];
  return { points: last.length, failed: last.filter(isFailedLine).length };
}

/** What of a part is believed, without the failed points that have a new line which waits for its place. */
export function withoutRetried(part: BelievedPart, path: string): BelievedPart {
  const retried = readRetried(path);
  return { ...part, failed: part.failed.filter((index) => !retried.has(index)) };
}

// --- internal ---

const RETRIED = hasForm({ index: isCount, line: isText });

function retriedLines(path: string): (readonly [number, string])[] {
  const records = readRecords(path).records.filter(RETRIED) as { index: number; line: string }[];
  return records.map(({ index, line }) => [index, line]);
}
