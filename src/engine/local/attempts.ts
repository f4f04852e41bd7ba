import { scanAttempts } from '../../run/records.js';
import type { Slice } from '../../slicing.js';

/** How often attempts at points have failed, from `failures.jsonl`, to which hosts append too. */
export interface Attempts {
  readonly of: (index: number) => number;
  /** Those of a slice's points that have failed at all. */
  readonly within: (slice: Slice) => Record<number, number>;
}

/** @param journals paths of `failures.jsonl`; only what was appended since the last question is read */
export function attemptsIn(journals: readonly string[]): Attempts {
  const counts = new Map<number, number>();
  const offsets = new Map<string, number>();
  const readOn = (): void => {
    for (const path of journals) {
      const { offset } = scanAttempts(path, offsets.get(path) ?? 0, ({ index, attempt }) => {
        counts.set(index, Math.max(attempt, counts.get(index) ?? 0));
      });
      offsets.set(path, offset);
    }
  };
  return {
    of: (index) => {
      readOn();
      return counts.get(index) ?? 0;
    },
    within: ({ start, stop }) => {
      readOn();
      if (counts.size === 0) return {};
      const found: Record<number, number> = {};
      for (let index = start; index < stop; index++) {
        const count = counts.get(index);
        if (count !== undefined) found[index] = count;
      }
      return found;
    },
  };
}
