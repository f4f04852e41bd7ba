import { FanfoldError } from './errors.js';

/** One contiguous part `[start, stop)` of a space. */
export interface Slice {
  readonly start: number;
  readonly stop: number;
}

export type Slicing = 'guan' | 'balanced';

/** Each task is a file, and a folder of more is of no use to anybody. */
const MOST_TASKS = 1_000_000;

/**
 * Cuts `size` points into `tasks` contiguous slices that are ordered and complete.
 * @param size number of points, 0 or more
 * @param tasks number of slices, 1 or more
 * @param slicing `guan`, the port of guan's `preprocess_for_parallel_calculations`, or `balanced`, whose sizes differ by at most one
 * @throws FanfoldError where `tasks` or `size` is not such a number
 */
export function slice(size: number, tasks: number, slicing: Slicing = 'guan'): Slice[] {
  return Array.from({ length: checkTasks(size, tasks) }, (_, index) => sliceOf(size, tasks, slicing, index));
}

/**
 * A number of tasks that a space can be cut into.
 * @throws FanfoldError where `tasks` is not from 1 to a million, or `size` is no number of points
 */
export function checkTasks(size: number, tasks: number): number {
  if (!Number.isSafeInteger(size) || size < 0) {
    throw new FanfoldError(
      'FANFOLD_USAGE',
      `Expected the number of points to be a whole number, 0 or more, got ${String(size)}.`,
    );
  }
  if (!Number.isSafeInteger(tasks) || tasks < 1 || tasks > MOST_TASKS) {
    throw new FanfoldError(
      'FANFOLD_USAGE',
      `Expected the number of tasks to be a positive integer, 1,000,000 at most, got ${String(tasks)}.`,
    );
  }
  return tasks;
}

/** The slice of one task, without making the others. */
export function sliceOf(size: number, tasks: number, slicing: Slicing, index: number): Slice {
  return slicing === 'guan' ? guanSlice(size, tasks, index) : balancedSlice(size, tasks, index);
}

/** The task that computes a point. */
export function taskOf(index: number, size: number, tasks: number, slicing: Slicing): number {
  let [low, high] = [0, tasks - 1];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (sliceOf(size, tasks, slicing, middle).stop > index) high = middle;
    else low = middle + 1;
  }
  return low;
}

/**
 * A line of advice where a slicing leaves processes idle: an empty task, or a largest one of over 1.5 times the mean.
 * @returns undefined where the slicing is fine
 */
export function slicingAdvice(size: number, tasks: number, slicing: Slicing): string | undefined {
  // Only the first and the last slice differ under either rule.
  const first = lengthOf(sliceOf(size, tasks, slicing, 0));
  const last = lengthOf(sliceOf(size, tasks, slicing, tasks - 1));
  const largest = Math.max(first, last);
  const smallest = Math.min(first, last);
  if (slicing === 'balanced' || (smallest > 0 && largest <= (1.5 * size) / tasks)) return undefined;
  const balanced = Math.ceil(size / tasks);
  const found =
    smallest === 0
      ? `${String(countEmpty(size, tasks))} of ${String(tasks)} tasks empty`
      : `the largest task ${(largest / (size / tasks)).toFixed(2)} times the mean`;
  return `The slicing "guan" leaves ${found} (${String(largest)} points in the largest); --slicing balanced would give at most ${String(balanced)} a task.`;
}

// --- internal ---

/** guan 0.1.201: an exact division when it can, otherwise trunc(n / (t - 1)) each and the rest to the last. */
function guanSlice(size: number, tasks: number, index: number): Slice {
  if (size % tasks === 0) {
    const length = size / tasks;
    return { start: index * length, stop: (index + 1) * length };
  }
  const length = Math.trunc(size / (tasks - 1));
  return { start: index * length, stop: index < tasks - 1 ? (index + 1) * length : size };
}

/** The first `size % tasks` tasks take one point more. */
function balancedSlice(size: number, tasks: number, index: number): Slice {
  const length = Math.floor(size / tasks);
  const longer = size % tasks;
  const start = index * length + Math.min(index, longer);
  return { start, stop: start + length + (index < longer ? 1 : 0) };
}

function lengthOf({ start, stop }: Slice): number {
  return stop - start;
}

function countEmpty(size: number, tasks: number): number {
  const firstIsEmpty = lengthOf(guanSlice(size, tasks, 0)) === 0;
  const lastIsEmpty = lengthOf(guanSlice(size, tasks, tasks - 1)) === 0;
  return (firstIsEmpty ? tasks - 1 : 0) + (lastIsEmpty ? 1 : 0);
}
