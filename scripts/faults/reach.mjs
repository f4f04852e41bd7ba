import { setTimeout as sleep } from 'node:timers/promises';
import { countMarks } from './points.mjs';
import { signal } from './processes.mjs';
import { complete, endSession, start } from './run.mjs';
import { until } from './session.mjs';

/** Of the faults of a session under way, so many come while it starts. */
const EARLY = 0.25;
const START_MS = 500;

/**
 * Brings a run into the state that a fault needs: `new`, `running`, `partial` (no session, not complete) or `complete`.
 * @returns false where it was complete before that
 */
export const REACH = {
  new: async () => true,
  running: async (run) => {
    if (run.session?.end !== undefined) await endSession(run);
    if (run.isComplete) return false;
    run.session ??= start(run);
    if (run.random.chance(EARLY)) await sleep(run.random.between(0, START_MS));
    else await progress(run);
    return run.session.end === undefined;
  },
  partial: async (run) => {
    if (!(await REACH.running(run))) return false;
    signal(run.session.pid, run.random.chance(0.7) ? 'SIGKILL' : 'SIGINT');
    await endSession(run);
    return !run.isComplete;
  },
  complete: async (run) => {
    await complete(run);
    return true;
  },
};

// --- internal ---

/** Waits until some more points are computed, or the session ends. */
async function progress(run) {
  const done = countMarks(run.marks);
  const wanted = done + 1 + (run.sweep.points - done) * run.random.between(0, 0.7);
  await until('more points', () => countMarks(run.marks) >= wanted || run.session.end !== undefined);
}
