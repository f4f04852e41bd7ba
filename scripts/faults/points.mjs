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

/** The points computed after a fault whose lines were safe before it. `offset`: how many marks there were at it. */
export function lostPoints(marks, { offset, finished }) {
  return new Set(
    readMarks(marks)
      .slice(offset)
      .filter((x) => finished.has(x)),
  );
}

/**
 * What each fault of a run cost: the points whose lines it lost, and how often points were computed once more because of it.
 * A line that was safe was lost by the last fault that met it; one that never was, by the first after its point was computed.
 * What damage costs may come to light only after a fault that follows it, whose `damage` it is.
 */
export function costsOf(marks, faults) {
  const costs = new Map(faults.map((noted) => [noted, { lost: new Set(), repeated: 0 }]));
  const computed = new Map();
  for (const [at, x] of readMarks(marks).entries()) {
    const before = computed.get(x) ?? at;
    const between = faults.filter(({ offset }) => before < offset && offset <= at);
    const loser = between.findLast(({ finished }) => finished.has(x));
    const owner = loser?.damage ?? loser ?? between[0];
    if (loser !== undefined) costs.get(owner).lost.add(x);
    if (owner !== undefined) costs.get(owner).repeated++;
    computed.set(x, at);
  }
  return faults.map((noted) => {
    const { lost, repeated } = costs.get(noted);
    return { lost: lost.size, repeated };
  });
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
