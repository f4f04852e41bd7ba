import { statSync } from 'node:fs';
import type { Manifest } from './manifest.js';
import { runPaths } from './paths.js';
import { lastFailures, type FailureRecord } from './records.js';
import { readRetriedPart } from './retried.js';
import type { TaskState } from './task-state.js';

/** A point that has failed and has no result since. */
export interface FailedPoint {
  readonly index: number;
  readonly task: number;
}

/**
 * The points that have failed and have no result since, in order.
 * @throws an error of the system where the directory is gone
 */
export function failedPoints(
  directory: string,
  manifest: Manifest,
  states: readonly TaskState[],
): FailedPoint[] {
  const paths = runPaths(directory, manifest.spec.format);
  const points = states
    .filter(({ failed }) => failed > 0)
    .flatMap((state) => {
      // That the columns are on record is in the state already.
      const { failed } = readRetriedPart(paths, state.index, { ...state, hasLayout: true });
      return failed.map((index) => ({ index, task: state.index }));
    });
  // In a directory that was moved away meanwhile no point seemed to have failed.
  statSync(directory);
  return points;
}

/** The last record of each of some failed points, in their order. */
export function recordsOfFailed(
  directory: string,
  { spec }: Manifest,
  points: readonly FailedPoint[],
): FailureRecord[] {
  // Most runs have none, and there may be very many journals to look for.
  if (points.length === 0) return [];
  const records = lastFailures(
    runPaths(directory, spec.format),
    points.map(({ index }) => index),
  );
  return points.map((point) => records.get(point.index) ?? lostRecord(point));
}

// --- internal ---

/** A failed point whose record a crash of the machine has lost. */
function lostRecord({ index, task }: FailedPoint): FailureRecord {
  return { time: 0, index, task, parameters: {}, attempt: 1, error: 'The record of this failure was lost.' };
}
