import { escapeJson } from '../format/quote.js';
import { printable } from '../report/printable.js';
import { describeStatus, readStatus } from '../report/status.js';
import { SHORT_PATIENCE_MS } from '../engine/slurm/commands.js';
import { isOnNetwork } from '../run/file-system.js';
import { lookAgain } from '../run/look-again.js';
import { requireManifest } from '../sweep/existing-run.js';
import { describeBatch, isGoingOn, readBatch, tellLostOf } from './batch.js';
import { tell } from '../report/tell.js';

const MAY_BE_LATE =
  'This is on a network file system, which may show what another machine has done up to a minute late.';

/** `fanfold status`: gives the exit code. */
export async function status(directory: string, options: { json?: true | undefined }): Promise<number> {
  const batch = await readBatch(directory, { patienceMs: SHORT_PATIENCE_MS });
  const isInQueue = batch !== undefined && isGoingOn(batch);
  const manifest = await requireManifest(directory, tell);
  const found = await lookAgain(directory, {
    look: () => readStatus(directory, manifest, { isQueued: isInQueue }),
    isSeen: ({ state, changed, foreign }) => state === 'running' || changed.length + foreign.length === 0,
    what: 'the records of what is there',
    onNotice: tell,
  });
  if (options.json === true) {
    const { submitted, queue } = batch ?? {};
    const isKnown = submitted !== undefined && submitted.jobs.length > 0;
    const slurm = isKnown ? { jobs: submitted.jobs, ...queue } : undefined;
    const all = { ...found, ...(slurm === undefined ? {} : { slurm }) };
    process.stdout.write(`${escapeJson(JSON.stringify(all, undefined, 2))}\n`);
    return 0;
  }
  const told = batch !== undefined && found.state !== 'complete' ? describeBatch(batch) : undefined;
  const isLate = found.state === 'incomplete' && isOnNetwork(directory);
  const lines = [
    describeStatus(found),
    ...(told === undefined ? [] : [told]),
    ...(isLate ? [MAY_BE_LATE] : []),
  ];
  process.stdout.write(`${printable(lines.join('\n'))}\n`);
  if (batch !== undefined && found.state === 'incomplete' && found.running === undefined)
    await tellLostOf(directory, manifest, batch);
  return 0;
}
