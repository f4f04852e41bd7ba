import { performance } from 'node:perf_hooks';
import { readPart, type PartOf, type TaskFiles } from '../../run/part.js';
import { countLines } from '../../run/whole-lines.js';

/** A finished point's line may wait so long before it is in the file. */
const HELD_BACK_MS = 250;
/** How often the file is looked at: often enough to be near the limit, seldom enough to cost nothing. */
const LOOKS = 10;
const [SHORTEST_MS, LONGEST_MS] = [20, 1000];

/** Ends the wait for a point that takes too long. */
export interface Deadline {
  /** The task is being computed: its first point has begun. */
  begin(): void;
  /** A point has begun, as its process says. */
  point(index: number): void;
  /** A point is tried again after so many milliseconds, which are not its own. */
  again(afterMs: number): void;
  /** No point is in hand any more. */
  end(): void;
  /** The point that took too long, once one has. */
  readonly late: number | undefined;
  close(): void;
}

export interface DeadlineOptions {
  /** The longest that a point may take, in milliseconds. */
  readonly limitMs: number;
  /** The files of the task under way; the part holds a line for each point that is finished. */
  readonly files: TaskFiles;
  readonly task: PartOf;
  readonly onLate: () => void;
}

/**
 * Watches the points of one task from outside their process, which may be unable to do anything: a point has taken too
 * long when neither the file nor the process has told of a new one for that time.
 */
export function watchPoints({ limitMs, files, task, onLate }: DeadlineOptions): Deadline {
  let announced: number | undefined;
  let read = { lines: 0, offset: 0 };
  let sinceMs = NaN;
  let late: number | undefined;
  const look = (): void => {
    if (Number.isNaN(sinceMs) || late !== undefined) return;
    const now = performance.now();
    const more =
      announced === undefined ? countLines(files.part, read.offset) : { lines: 0, offset: read.offset };
    if (more.lines > 0) {
      read = { lines: read.lines + more.lines, offset: more.offset };
      sinceMs = now;
    }
    if (now - sinceMs < limitMs + HELD_BACK_MS) return;
    const point = announced ?? task.start + read.lines;
    // Whoever has computed all of them is at the end of the task.
    if (point >= task.stop) return;
    late = point;
    onLate();
  };
  const timer = setInterval(look, Math.min(LONGEST_MS, Math.max(SHORTEST_MS, limitMs / LOOKS)));
  return {
    begin: () => {
      // What an earlier process had finished is read before the clock starts; what isn't believed is computed again.
      const { lines, bytes } = readPart(files, task);
      read = { lines, offset: bytes };
      sinceMs = performance.now();
    },
    point: (index) => {
      announced = index;
      sinceMs = performance.now();
    },
    again: (afterMs) => {
      sinceMs = performance.now() + afterMs;
    },
    end: () => {
      sinceMs = NaN;
    },
    get late() {
      return late;
    },
    close: () => {
      clearInterval(timer);
    },
  };
}
