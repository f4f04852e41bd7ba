import type { TaskJob } from '../../host/protocol.js';
import { readPart, type TaskFiles } from '../../run/part.js';

/** What a host has told of its place in a task. */
export interface Place {
  /** Its first point has begun. */
  hasBegun: boolean;
  /** Lines may be in its memory only. */
  isFast: boolean;
  /** The point that it has announced, in a careful task. */
  announced: number | undefined;
}

/**
 * The point that a process was at when it died, or undefined where that can't be known for sure: no point is ever blamed on a
 * guess. Where each line is written at once it is the point after the last line; where points are so fast that lines are
 * written together, nobody knows.
 */
export function pointInHand(place: Place, task: TaskJob, files: TaskFiles): number | undefined {
  const { hasBegun, isFast, announced } = place;
  // A retry goes through points that have lines already.
  if (task.retryFailed) return announced;
  if (!hasBegun || isFast) return undefined;
  // What this process has written fits what is on record of the columns.
  const next = task.start + readPart(files, { ...task, hasLayout: true }).lines;
  if (next >= task.stop) return undefined;
  return announced === undefined || announced === next ? next : undefined;
}
