/**
 * Which answers of a program are known to be of the points that they were taken for. One that has its point's index proves
 * itself and those before it; any other may be a line that came late for another point, until the program is seen to be silent.
 */
export interface Trust {
  /** An answer without an index was taken for a point, after so many ms. */
  add(index: number, ms: number): void;
  /** All answers so far are of their points, or there is nothing more to be learnt of them. */
  prove(): void;
  /** The program has printed what it was not asked for. */
  lose(printed: string): void;
  /** There are answers that are not to be believed. */
  readonly isLost: () => boolean;
  /** There are answers that are not proven. */
  readonly isOpen: () => boolean;
  /** How long a program must be silent before its answers are believed. */
  readonly watchMs: () => number;
  /** The end of a task: the points whose answers are not to be believed, what showed it, and a new beginning. */
  end(): { readonly indices: readonly number[]; readonly printed: string };
}

/** A program that answers late by one is busy with a point now, and as long as with others. */
const WATCH_FACTOR = 3;
const LEAST_WATCH_MS = 20;
const MOST_WATCH_MS = 1000;

export function trust(): Trust {
  let open: number[] = [];
  let lost: number[] = [];
  let printed = '';
  let slowestMs = 0;
  return {
    add: (index, ms) => {
      open.push(index);
      slowestMs = Math.max(slowestMs, ms);
    },
    prove: () => {
      open = [];
    },
    lose: (unasked) => {
      lost = lost.concat(open);
      printed = unasked;
      open = [];
    },
    isLost: () => lost.length > 0,
    isOpen: () => open.length > 0,
    watchMs: () => Math.min(MOST_WATCH_MS, Math.max(LEAST_WATCH_MS, WATCH_FACTOR * slowestMs)),
    end: () => {
      const found = { indices: lost, printed };
      open = [];
      lost = [];
      slowestMs = 0;
      return found;
    },
  };
}
