/** Indices of points as people and `--only` lists write them: `3-7,12`. */
export interface IndexRanges {
  /** How many indices there are, also those of ranges that were left out. */
  readonly count: number;
  readonly ranges: string;
  /** True where there are more ranges than are listed. */
  readonly isCut?: boolean | undefined;
}

/** A list of more ranges is of no use to people, and would make every reader of the manifest slow. */
const MOST_RANGES = 4096;

/** `3-7`, or `3` for a single index. */
export function rangeText(first: number, last: number): string {
  return first === last ? String(first) : `${String(first)}-${String(last)}`;
}

/** Collects indices, which must come in ascending order, into ranges; in constant memory. */
export function collectRanges(most = MOST_RANGES): { add(index: number): void; list(): IndexRanges } {
  const ranges: string[] = [];
  let first = 0;
  let last = -1;
  let count = 0;
  let isCut = false;
  const close = (): void => {
    if (count === 0) return;
    if (ranges.length < most) ranges.push(rangeText(first, last));
    else isCut = true;
  };
  return {
    add: (index) => {
      if (count === 0 || index !== last + 1) {
        close();
        first = index;
      }
      last = index;
      count++;
    },
    list: () => {
      close();
      return { count, ranges: ranges.join(','), ...(isCut ? { isCut } : {}) };
    },
  };
}
