import { escapeJson } from '../format/quote.js';
import { printable } from '../report/printable.js';
import { describeStatus, readStatus } from '../report/status.js';
import { atWork } from '../run/at-work.js';
import { runPaths } from '../run/paths.js';
import { requireManifest } from '../sweep/existing-run.js';
import { describeQueue, isQueued, readBatch } from './batch.js';
import { tell } from './tell.js';

/** `fanfold status`: gives the exit code. */
export async function status(directory: string, options: { json?: true | undefined }): Promise<number> {
  const batch = await readBatch(directory);
  const isSeen =
    batch !== undefined && batch.queue === undefined && atWork(runPaths(directory)) !== undefined;
  const isInQueue = isSeen || (batch !== undefined && isQueued(batch.queue));
  const found = readStatus(directory, await requireManifest(directory, tell), { isQueued: isInQueue });
  if (options.json === true) {
    const { submitted, queue } = batch ?? {};
    const slurm = submitted && { jobs: submitted.jobs, ...queue };
    const all = { ...found, ...(slurm === undefined ? {} : { slurm }) };
    process.stdout.write(`${escapeJson(JSON.stringify(all, undefined, 2))}\n`);
    return 0;
  }
  const isTold = batch !== undefined && found.state !== 'complete';
  const lines = [describeStatus(found), ...(isTold ? [describeQueue(batch.submitted, batch.queue)] : [])];
  process.stdout.write(`${printable(lines.join('\n'))}\n`);
  return 0;
}
