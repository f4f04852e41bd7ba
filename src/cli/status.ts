import { escapeJson } from '../format/quote.js';
import { printable } from '../report/printable.js';
import { describeStatus, readStatus } from '../report/status.js';
import { SHORT_PATIENCE_MS } from '../engine/slurm/commands.js';
import { requireManifest } from '../sweep/existing-run.js';
import { describeBatch, isGoingOn, readBatch } from './batch.js';
import { tell } from './tell.js';

/** `fanfold status`: gives the exit code. */
export async function status(directory: string, options: { json?: true | undefined }): Promise<number> {
  const batch = await readBatch(directory, { patienceMs: SHORT_PATIENCE_MS });
  const isInQueue = batch !== undefined && isGoingOn(batch);
  const found = readStatus(directory, await requireManifest(directory, tell), { isQueued: isInQueue });
  if (options.json === true) {
    const { submitted, queue } = batch ?? {};
    const isKnown = submitted !== undefined && submitted.jobs.length > 0;
    const slurm = isKnown ? { jobs: submitted.jobs, ...queue } : undefined;
    const all = { ...found, ...(slurm === undefined ? {} : { slurm }) };
    process.stdout.write(`${escapeJson(JSON.stringify(all, undefined, 2))}\n`);
    return 0;
  }
  const told = batch !== undefined && found.state !== 'complete' ? describeBatch(batch) : undefined;
  const lines = [describeStatus(found), ...(told === undefined ? [] : [told])];
  process.stdout.write(`${printable(lines.join('\n'))}\n`);
  return 0;
}
