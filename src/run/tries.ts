import type { Certificate } from './certificate.js';
import type { Limits } from './limits.js';

/** The attempts at a point that failed before in this session. */
export interface Tries {
  /** As far as they count against its retries. */
  readonly charged: number;
  /** Those of which the point had no part, such as a preemption. */
  readonly spared: number;
}

export const NO_TRIES: Tries = { charged: 0, spared: 0 };

/** Ends that are nobody's fault are the point's after all where it meets so many of them in one session. */
const SPARED = 3;

/**
 * What follows an attempt that ended its process. A preemption and an end of which nothing is known cost none of the point's
 * retries, but for a point that goes on meeting them. SIGKILL does, because most often it is the system's answer to what the
 * point took.
 * @param before the attempts at the point without this one
 * @returns the attempts with this one, and how long to wait before the next, in milliseconds; undefined where none is left
 */
export function nextTry(
  { verdict, signal }: Pick<Certificate, 'verdict' | 'signal'>,
  before: Tries,
  { retries, retryDelayMs }: Pick<Limits, 'retries' | 'retryDelayMs'>,
): { readonly tries: Tries; readonly afterMs: number | undefined } {
  const { charged, spared } = before;
  const isOwn = verdict !== 'preempted' && (verdict !== 'node' || signal === 'SIGKILL');
  return isOwn || spared >= SPARED
    ? {
        tries: { charged: charged + 1, spared },
        afterMs: charged < retries ? retryDelayMs * 2 ** charged : undefined,
      }
    : { tries: { charged, spared: spared + 1 }, afterMs: retryDelayMs * 2 ** spared };
}
