import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { mountDisk, unmountDisk } from './fault-disk.mjs';
import { killAll } from './processes.mjs';
import { randomFrom } from './random.mjs';
import { REACH } from './reach.mjs';
import { verify } from './verify.mjs';
import { complete, dropFault, endSession, newRun, noteFault, outcomesOf } from './run.mjs';

/** A fault that finds nothing to do is tried so often, each time at another moment. */
const TRIES = 6;

/**
 * One sweep, or several of one kind, under faults, one after another.
 * @param round `number`, `sweep`, `faults`, `format` and what `newRun` wants
 * @returns what became of each fault, and the error of the first promise that was not kept
 */
export async function runRound(round, { seed, folder, models, reference }) {
  const place = join(folder, `round-${String(round.number)}`);
  mkdirSync(place, { recursive: true });
  const disk = round.faults.some(({ needsDisk }) => needsDisk) ? mountDisk(join(place, 'disk')) : undefined;
  const random = randomFrom(seed, 'round', round.number);
  const runs = [];
  const renew = () => {
    const id = `r${String(process.pid)}-${String(round.number)}-${String(runs.length)}`;
    runs.push(newRun({ ...round, random, folder: place, models, disk, reference }, id));
    return runs.at(-1);
  };
  let error;
  try {
    for (const fault of round.faults) await meet(fault, runs, renew);
    if (runs.length > 0) await complete(runs.at(-1));
  } catch (caught) {
    error = caught;
  } finally {
    for (const { id } of runs) for (const each of [id, `${id}-copy`]) killAll(each);
    if (disk !== undefined && error === undefined) unmountDisk(disk);
  }
  return { ...round, place, error, outcomes: runs.flatMap((run) => outcomesOf(run)) };
}

// --- internal ---

async function meet(fault, runs, renew) {
  for (let tries = 0; tries < TRIES; tries++) {
    let run = runs.at(-1);
    const isUsedUp = run === undefined || (run.isComplete && fault.state !== 'complete');
    if (fault.state === 'new' && !isUsedUp) await complete(run);
    if (isUsedUp || fault.state === 'new') run = renew();
    if (!(await REACH[fault.state](run))) continue;
    noteFault(run, fault);
    if (await fault.act(run)) return after(run, fault);
    dropFault(run);
  }
}

async function after(run, { state }) {
  // A complete run looks complete to the next session, so damage is looked for first.
  if (state === 'complete') run.next = await verify(run, run.damaged);
  // Some faults come together, others once the session has got over the last one.
  await sleep(run.random.pick([0, 50, 300]));
  if (run.session?.end !== undefined) await endSession(run);
}
