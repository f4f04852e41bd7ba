import { shortPath } from '../report/command-line.js';
import { describeStatus, readStatus } from '../report/status.js';
import { endedRun } from '../report/ended-run.js';
import { summarize } from '../report/summary.js';
import { requireManifest } from '../sweep/existing-run.js';
import { exitCodeOf } from './exit-code.js';
import { exitCodeOfSignal } from './signals.js';
import { tell } from '../report/tell.js';

/**
 * Says what a run came to; gives its exit code.
 * @param how.isOfElements whether elements of a batch job have computed it last, and no coordinator, where that is known
 */
export async function tellEnd(
  directory: string,
  how: { readonly isOfElements?: boolean } = {},
): Promise<number> {
  const manifest = await requireManifest(directory, tell);
  const { outcome, session, hasDied, stoppedBy } = endedRun(directory, manifest, how);
  if (hasDied) {
    tell('The process that was at work has died; what is done is kept.');
    process.stdout.write(`${describeStatus(readStatus(directory, manifest))}\n`);
    return 1;
  }
  tell(summarize(outcome, session));
  if (outcome.result !== undefined) process.stdout.write(`${shortPath(outcome.result)}\n`);
  return exitCodeOf(outcome, exitCodeOfSignal(stoppedBy));
}
