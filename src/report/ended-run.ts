import { isFolded } from '../fold-state.js';
import type { Manifest } from '../run/manifest.js';
import { listElements } from '../run/elements.js';
import { runPaths, type RunPaths } from '../run/paths.js';
import { readEventsFrom, type RunEvent } from '../run/records.js';
import { countResults, endingOf, readTaskStates, type Ending, type TaskState } from '../run/task-state.js';
import type { Outcome } from '../sweep/sweep.js';
import { lastSession, type Session } from './session.js';

/**
 * What the last session of a run came to, for one who only sees its directory.
 * @param how.isOfElements whether it was computed by elements, so that a coordinator before them says nothing of the end; told
 * by the times in the journals where it is not known
 */
export function endedRun(
  directory: string,
  manifest: Manifest,
  how: { readonly isOfElements?: boolean } = {},
): { outcome: Outcome; session: Session | undefined; hasDied: boolean; stoppedBy?: string } {
  const paths = runPaths(directory, manifest.spec.format);
  const states = readTaskStates(directory, manifest);
  const hasResult = isFolded(directory, manifest);
  const isComplete = hasResult && states.every(({ status }) => status === 'complete');
  const events = readEventsFrom(paths.events).records;
  const close = events.findLast(({ event }) => event === 'close' || event === 'open');
  const isOfElements = how.isOfElements ?? isSinceByElements(paths, close);
  const { stoppedBy, failedAgain } = close?.event === 'close' && !isOfElements ? close : {};
  const reason = REASONS.find((each) => each === stoppedBy);
  const session = lastSession(directory, manifest);
  return {
    session,
    // A coordinator that ends by itself says so.
    hasDied: close?.event === 'open' && !isOfElements,
    outcome: {
      directory,
      manifest,
      status: isComplete ? 'complete' : endingWithout(states, failedAgain),
      states,
      computed: session === undefined ? 0 : computedIn(session, states),
      ...(hasResult ? { result: paths.result } : {}),
      ...(reason === undefined ? {} : { reason }),
      setAside: [],
    },
    ...(stoppedBy === undefined ? {} : { stoppedBy }),
  };
}

// --- internal ---

/** Points with a result that it has computed; those of processes that died or were ended at once are on no record of it. */
function computedIn({ done, points }: Session, states: readonly TaskState[]): number {
  return done === undefined ? points : Math.max(0, countResults(states) - done);
}

/** How a run has ended that has no result. */
function endingWithout(states: readonly TaskState[], failedAgain: number | undefined): Ending {
  const ending = endingOf(states, failedAgain);
  return ending === 'complete' ? 'stopped' : ending;
}

/** Whether an element began to compute after that. */
function isSinceByElements(paths: RunPaths, last: RunEvent | undefined): boolean {
  return listElements(paths).some((element) => {
    const { events } = runPaths(paths.directory, undefined, element);
    return readEventsFrom(events).records.some(
      ({ event, time }) => event === 'open' && time > (last?.time ?? 0),
    );
  });
}

/** What ends a run but a signal. */
const REASONS = ['request', 'max-failures', 'on-error', 'time-limit'] as const;
