// How elements become arrays. Slurm bounds the index of an array's element, not their count, so elements beyond
// that bound go into further arrays, whose indices begin at 0 again.

/** One array job. */
export interface ArrayJob {
  /** What is added to an array's index to get the element. */
  readonly first: number;
  /** The indices, as `--array` has them: `0-3,7%2`. */
  readonly spec: string;
  /** How many elements it has. */
  readonly count: number;
}

/** Some schedulers cut longer ones off. */
const LONGEST_SPEC = 8000;

/**
 * Cuts elements into arrays.
 * @param elements in rising order
 * @param maxArraySize Slurm's `MaxArraySize`: the largest index is one less
 * @param maxRunning how many elements of an array may run at once
 */
export function cutIntoArrays(
  elements: readonly number[],
  { maxArraySize, maxRunning }: { maxArraySize: number; maxRunning?: number | undefined },
): ArrayJob[] {
  const limit = maxRunning === undefined ? '' : `%${String(maxRunning)}`;
  const jobs: ArrayJob[] = [];
  let current: { block: number; ranges: string[]; length: number; count: number } | undefined;
  const close = (): void => {
    if (current === undefined) return;
    const { block, ranges, count } = current;
    jobs.push({ first: block * maxArraySize, spec: `${ranges.join(',')}${limit}`, count });
    current = undefined;
  };
  for (const { start, stop } of rangesOf(elements, maxArraySize)) {
    const block = Math.floor(start / maxArraySize);
    const text = rangeText(start - block * maxArraySize, stop - block * maxArraySize);
    if (current !== undefined && (current.block !== block || current.length + text.length > LONGEST_SPEC))
      close();
    current ??= { block, ranges: [], length: 0, count: 0 };
    current.ranges.push(text);
    current.length += text.length + 1;
    current.count += stop - start;
  }
  close();
  return jobs;
}

// --- internal ---

interface Range {
  readonly start: number;
  readonly stop: number;
}

/** Runs of numbers that follow each other, cut where a new array has to begin. */
function* rangesOf(elements: readonly number[], size: number): Generator<Range> {
  let range: Range | undefined;
  for (const element of elements) {
    if (range !== undefined && element === range.stop && element % size !== 0) {
      range = { start: range.start, stop: element + 1 };
      continue;
    }
    if (range !== undefined) yield range;
    range = { start: element, stop: element + 1 };
  }
  if (range !== undefined) yield range;
}

function rangeText(start: number, stop: number): string {
  return stop - start === 1 ? String(start) : `${String(start)}-${String(stop - 1)}`;
}
