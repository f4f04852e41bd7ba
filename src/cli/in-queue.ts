import { existsSync } from 'node:fs';
import { FanfoldError } from '../errors.js';
import { commandFor } from '../report/command-line.js';
import { runPaths } from '../run/paths.js';
import { requireManifest } from '../sweep/existing-run.js';
import type { Plan } from '../sweep/plan.js';
import { tell } from './tell.js';

/**
 * Looks whether a run that is to be gone on with has jobs in a scheduler's queue already, and follows those.
 * @returns the exit code of what was followed; undefined where the run is to be gone on with
 * @throws FanfoldError where it is to be computed on this machine meanwhile, or the scheduler does not tell
 */
export async function inQueue(
  { directory, request }: Pick<Plan, 'directory' | 'request'>,
  { detach }: { readonly detach?: true | undefined },
): Promise<number | undefined> {
  if (!existsSync(runPaths(directory).events)) return undefined;
  const { describeQueue, followBatch, isQueued, readBatch, refuseQueued } = await import('./batch.js');
  if (request.slurm === undefined) {
    await refuseQueued(directory);
    return undefined;
  }
  const batch = await readBatch(directory);
  if (batch === undefined) return undefined;
  if (batch.queue === undefined) {
    throw new FanfoldError(
      'FANFOLD_SLURM',
      `Expected Slurm to tell whether the jobs ${batch.submitted.jobs.join(', ')} are in the queue, but squeue gives no answer here. Do this on a login node of the cluster, or use --engine local where you know that they are not.`,
    );
  }
  if (!isQueued(batch.queue)) return undefined;
  tell(`The jobs of this run are in the queue already (${describeQueue(batch.submitted, batch.queue)}).`);
  if (detach !== true) return followBatch(directory, await requireManifest(directory, tell));
  tell(`Its progress: ${commandFor('attach', directory)}`);
  return 0;
}
