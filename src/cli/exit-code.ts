import type { Outcome } from '../sweep/sweep.js';

/** `EX_TEMPFAIL` of sysexits.h: to be tried again. */
const OUT_OF_TIME = 75;
/** `fanfold stop` ends a run as Ctrl-C does. */
const INTERRUPTED = 130;

/** What the command exits with: 0 complete, 75 the time was over, a signal's own code, 1 for everything else. */
export function exitCodeOf({ status, reason }: Outcome, signalExitCode: number | undefined): number {
  if (status === 'complete') return 0;
  if (status === 'failed') return 1;
  if (signalExitCode !== undefined) return signalExitCode;
  return { 'time-limit': OUT_OF_TIME, request: INTERRUPTED }[reason as string] ?? 1;
}
