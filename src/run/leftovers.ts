import { setTimeout } from 'node:timers/promises';
import { performance } from 'node:perf_hooks';
import { FanfoldError } from '../errors.js';
import { killMarked } from '../host-mark.js';
import { killGroup } from '../process-group.js';
import { folderId } from './lock-holder.js';
import type { RunPaths } from './paths.js';
import { lifeOf, type ProcessIdentity } from './process-identity.js';
import { readEventsFrom, type RunEvent } from './records.js';

/** A killed process may take so long to end, on a disk that doesn't answer say. */
const DYING_MS = 10_000;
/** Where nobody can tell a process from another one of its number, it has so long to end by itself. */
const LEAVING_MS = 3_000;
const LOOK_EVERY_MS = 5;

/**
 * Ends the processes that earlier coordinators left on this machine, so that nobody else writes into the run directory.
 * They end by themselves within 2 s of their coordinator, but the next one may be here sooner. Only under the run's lock.
 * @throws FanfoldError where one can't be ended
 */
export async function endLeftovers({ directory, events }: RunPaths): Promise<void> {
  const spawned = unclosed(readEventsFrom(events).records, folderId(directory));
  const left = spawned.filter((one) => lifeOf(one) === 'alive');
  // Without a start time it may be any process by now.
  const certain = left.filter(({ started }) => started !== '');
  for (const { pid } of certain) killGroup(pid);
  if (!(await haveEnded(certain, DYING_MS))) throw stillThere(certain);
  await haveEnded(left, LEAVING_MS);
  // Also of hosts that have died, what had left their groups.
  const seen = spawned.filter((one) => lifeOf(one) !== 'unseen');
  killMarked(seen.flatMap(({ mark }) => (mark === undefined ? [] : [mark])));
}

// --- internal ---

/** The processes of the sessions whose coordinators did not live to close them. */
function unclosed(events: readonly RunEvent[], folder: string): (ProcessIdentity & { mark?: string })[] {
  return (
    events
      .slice(events.findLastIndex(({ event }) => event === 'close') + 1)
      .filter((event) => event.event === 'spawn')
      // In a copy of the directory they are the processes of a run that goes on elsewhere.
      .filter((event) => event.folder === folder)
  );
}

async function haveEnded(processes: readonly ProcessIdentity[], waitMs: number): Promise<boolean> {
  const deadline = performance.now() + waitMs;
  while (processes.some((one) => lifeOf(one) === 'alive')) {
    if (performance.now() > deadline) return false;
    await setTimeout(LOOK_EVERY_MS);
  }
  return true;
}

function stillThere(processes: readonly ProcessIdentity[]): FanfoldError {
  const pids = processes.filter((one) => lifeOf(one) === 'alive').map(({ pid }) => String(pid));
  return new FanfoldError(
    'FANFOLD_LOCKED',
    `Expected the processes of the last session to be gone, but ${pids.join(', ')} can't be ended, being another user's or held up by a disk. End them, then run this again.`,
    { exitCode: 1 },
  );
}
