import type { Point } from '../space/space.js';
import type { WorkerContext } from './context.js';

/** A worker for which several points at once are cheaper than one after another. */
export interface AheadWorker {
  /** How many of the next points it would best be given together. */
  readonly count: () => number;
  /** The results in order. Fewer may come, but one at least. */
  readonly compute: (
    points: readonly (readonly [Point, WorkerContext])[],
  ) => Promise<readonly PromiseSettledResult<unknown>[]>;
}

/** The results of a task's points, some of which are there before they are wanted. */
export interface Lookahead {
  /** The last point but one that may be computed before it is wanted. */
  allow(stop: number): void;
  isKnown(index: number): boolean;
  /** The result, at once where it is known. Throws or rejects with what the worker fails the point with. */
  result(index: number): unknown;
}

/** @param given a point as the worker gets it */
export function lookahead(
  { count, compute }: AheadWorker,
  given: (index: number) => readonly [Point, WorkerContext],
): Lookahead {
  let stop = 0;
  let known: { from: number; results: readonly PromiseSettledResult<unknown>[] } = { from: 0, results: [] };
  const isKnown = (index: number): boolean =>
    index >= known.from && index < known.from + known.results.length;
  const take = (index: number): unknown => {
    const found = known.results[index - known.from];
    if (found?.status === 'fulfilled') return found.value;
    // Who asks for it again wants it computed again.
    known = { from: index + 1, results: known.results.slice(index + 1 - known.from) };
    throw found?.reason;
  };
  return {
    allow: (limit) => {
      stop = limit;
    },
    isKnown,
    result: (index) => {
      if (isKnown(index)) return take(index);
      const length = Math.max(1, Math.min(count(), stop - index));
      const points = Array.from({ length }, (_, position) => given(index + position));
      return compute(points).then((results) => {
        known = { from: index, results };
        return take(index);
      });
    },
  };
}
