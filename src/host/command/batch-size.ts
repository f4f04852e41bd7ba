/** How many questions are asked together: one at first, more once answers come fast. */
export interface BatchSize {
  readonly current: () => number;
  /** Answers have come: `count` of them in `ms`. */
  note(count: number, ms: number): void;
  /** Something was wrong with an answer: one at a time again, for at least `count` answers. */
  reset(count?: number): void;
}

/** A question and its answer cost a pipe's round trip, which is more than a fast point takes. */
const FAST_MS = 5;
const FAST_ANSWERS = 32;
/** The time between two writes of a task's file: so much computing may be lost anyway. */
const BATCH_MS = 10;
const MOST_QUESTIONS = 256;

export function batchSize(): BatchSize {
  let size = 1;
  let fast = 0;
  return {
    current: () => size,
    note: (count, ms) => {
      fast = ms / count < FAST_MS ? fast + count : Math.min(fast, 0);
      const fitting = Math.floor((BATCH_MS * count) / Math.max(ms, 0.001));
      size = fast < FAST_ANSWERS ? 1 : Math.max(1, Math.min(2 * size, fitting, MOST_QUESTIONS));
    },
    reset: (count = 0) => {
      size = 1;
      fast = -count;
    },
  };
}
