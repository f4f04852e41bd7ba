/** The Slurm job in which this process runs. */
export interface ThisJob {
  /** As Slurm's commands know it: `12_3` for an element of an array. */
  readonly id: string;
  /** The whole array, or the same again. */
  readonly array: string;
  /** How often it was put back into the queue. */
  readonly restarts: number;
  /** When Slurm ends it, in milliseconds since 1970; undefined where that is not told or there is no end. */
  readonly endsAtMs: number | undefined;
}

/** @returns undefined outside of Slurm */
export function thisJob(env: NodeJS.ProcessEnv): ThisJob | undefined {
  const { SLURM_JOB_ID: job, SLURM_ARRAY_JOB_ID: array, SLURM_ARRAY_TASK_ID: index } = env;
  if (job === undefined) return undefined;
  const endsAtMs = Number(env['SLURM_JOB_END_TIME']) * 1000;
  return {
    id: array === undefined || index === undefined ? job : `${array}_${index}`,
    array: array ?? job,
    restarts: Number(env['SLURM_RESTART_COUNT'] ?? 0),
    endsAtMs: Number.isFinite(endsAtMs) && endsAtMs > 0 ? endsAtMs : undefined,
  };
}

/**
 * How long an element may begin new points: it needs time to finish those in hand, to write, and to be put back into the
 * queue.
 * @param endsAtMs when it is ended, in milliseconds since 1970
 * @returns milliseconds from now on, at least 1
 */
export function usableTimeMs(endsAtMs: number): number {
  const leftMs = endsAtMs - Date.now();
  return Math.max(1, leftMs - Math.min(MOST_MARGIN_MS, MARGIN_SHARE * leftMs));
}

// --- internal ---

const MOST_MARGIN_MS = 60_000;
const MARGIN_SHARE = 0.15;
