import { resolve } from 'node:path';
import { performance } from 'node:perf_hooks';
import { quoteForShell } from '../format/shell.js';
import type { CertificateFacts } from '../run/certificate.js';

/**
 * What certificates of failed attempts say beside how they ended.
 * @param endsAtMs when the session's own time limit ends it, in ms by performance.now
 */
export function certificateFacts(directory: string, endsAtMs: number | undefined): CertificateFacts {
  const ownEnd = endsAtMs === undefined ? undefined : Date.now() + endsAtMs - performance.now();
  const ends = [ownEnd, jobEndMs(process.env)].filter((time) => time !== undefined);
  return {
    ...(ends.length === 0 ? {} : { endsAtMs: Math.min(...ends) }),
    again: `fanfold run ${quoteForShell(resolve(directory))} --point `,
  };
}

// --- internal ---

/** When Slurm ends the job in which this runs. */
function jobEndMs({ SLURM_JOB_END_TIME: seconds }: NodeJS.ProcessEnv): number | undefined {
  const ms = Number(seconds) * 1000;
  return Number.isFinite(ms) && ms > 0 ? ms : undefined;
}
