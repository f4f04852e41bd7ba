import { performance } from 'node:perf_hooks';
import { setTimeout } from 'node:timers/promises';
import { fileLatencyMs } from './file-system.js';

const FIRST_GAP_MS = 20;
const LONGEST_GAP_MS = 5_000;

export interface LateOptions {
  /** How long is waited, in milliseconds; what the file system's kind suggests where it is undefined. */
  readonly latencyMs?: number | undefined;
  readonly onNotice?: ((text: string) => void) | undefined;
  /** Ends the wait. */
  readonly signal?: AbortSignal | undefined;
}

export interface LookOptions<T> extends LateOptions {
  readonly look: () => T | Promise<T>;
  readonly isSeen: (found: T) => boolean;
  /** What is waited for, in words. */
  readonly what: string;
}

/**
 * Looks with growing gaps until what must be there is seen, or the time is over: on a file system of the network, what
 * another machine has done may show up late.
 * @returns what was found last
 */
export async function lookAgain<T>(
  directory: string,
  { latencyMs, onNotice, signal, look, isSeen, what }: LookOptions<T>,
): Promise<T> {
  const startMs = performance.now();
  let gapMs = FIRST_GAP_MS;
  for (let tries = 0; ; tries++) {
    const beganMs = performance.now();
    const found = await look();
    if (isSeen(found) || signal?.aborted === true) return found;
    const leftMs = fileLatencyMs(directory, latencyMs) - (performance.now() - startMs);
    if (leftMs <= 0) return found;
    if (tries === 0)
      onNotice?.(
        `Waiting up to ${String(Math.ceil(leftMs / 1000))} s for ${what} to show up in ${directory} (--fs-latency).`,
      );
    // A look that takes long, through many files, is made less often.
    const waitMs = Math.min(Math.max(gapMs, performance.now() - beganMs), leftMs);
    await setTimeout(waitMs, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
    gapMs = Math.min(gapMs * 2, LONGEST_GAP_MS);
  }
}
