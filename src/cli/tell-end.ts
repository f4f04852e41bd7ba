import { shortPath } from '../report/command-line.js';
import { endedRun } from '../report/ended-run.js';
import { summarize } from '../report/summary.js';
import { requireManifest } from '../sweep/existing-run.js';
import { exitCodeOf } from './exit-code.js';
import { exitCodeOfSignal } from './signals.js';
import { tell } from './tell.js';

/**
 * Says what a run came to; gives its exit code.
 * @param how.isOfElements whether elements of a batch job have computed it last, and no coordinator, where that is known
 */
export async function tellEnd(
  directory: string,
  how: { readonly isOfElements?: boolean } = {},
): Promise<number> {
  const manifest = await requireManifest(directory, tell);
  const { outcome, session, stoppedBy } = endedRun(directory, manifest, how);
  tell(summarize(outcome, session));
  if (outcome.result !== undefined) process.stdout.write(`${shortPath(outcome.result)}\n`);
  return exitCodeOf(outcome, exitCodeOfSignal(stoppedBy));
}
