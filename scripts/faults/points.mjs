import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Bytes of a mark: eight digits and a newline. */
const MARK_BYTES = 9;
const TASK_FILE = /^task_index=\d+\.(?:txt|csv|jsonl)(?:\.part)?$/;

/** How many points were computed since a marks file was begun; those computed twice count twice. */
export function countMarks(marks) {
  return Math.floor((statSync(marks, { throwIfNoEntry: false })?.size ?? 0) / MARK_BYTES);
}

/** The points that were computed, in the order in which they were finished. */
export function readMarks(marks) {
  return readOrNothing(marks).split('\n').slice(0, -1).map(Number);
}

/** The points whose lines are in the files of a run, of finished tasks or of those under way; each has its x in front. */
export function finishedPoints(directory) {
  const finished = new Set();
  for (const name of listOf(directory).filter((file) => TASK_FILE.test(file))) {
    for (const line of readOrNothing(join(directory, name)).split('\n').slice(0, -1)) {
      const x = /^(?:\{"x":)?(\d+)[ ,]/.exec(line)?.[1];
      if (x !== undefined) finished.add(Number(x));
    }
  }
  return finished;
}

/** The names in a folder; none where there is no folder. */
export function listOf(directory) {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    return [];
  }
}

/**
 * What a fault cost: points computed once more after it, and those of them whose lines were safe before it.
 * @param offset how many marks there were at the fault
 */
export function costOf(marks, { offset, finished }) {
  const all = readMarks(marks);
  const before = new Set(all.slice(0, offset));
  const after = all.slice(offset);
  return {
    repeated: after.filter((x) => before.has(x)).length,
    lost: new Set(after.filter((x) => finished.has(x))).size,
  };
}

// --- internal ---

function readOrNothing(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    // A part is renamed as its task is finished.
    if (error.code !== 'ENOENT') throw error;
    return '';
  }
}
