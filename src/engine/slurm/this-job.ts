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
 * What an element may do with the time that it has: it needs some to finish the points in hand, to write, and to be put
 * back into the queue.
 * @param leftMs until Slurm ends it
 * @returns for how long points may be begun, and when those in hand are given up, both in milliseconds, at least 1
 */
export function shareOf(leftMs: number): { beginMs: number; finishMs: number } {
  const before = (most: number, share: number): number =>
    Math.max(1, Math.round(leftMs - Math.min(most, share * leftMs)));
  return { beginMs: before(MOST_MARGIN_MS, 0.15), finishMs: before(LEAST_END_MS, 0.05) };
}

// --- internal ---

const MOST_MARGIN_MS = 60_000;
const LEAST_END_MS = 10_000;
