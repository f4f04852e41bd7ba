import { isFolded } from '../fold-state.js';
import type { Manifest } from '../run/manifest.js';
import { runPaths } from '../run/paths.js';
import { readEventsFrom } from '../run/records.js';
import { endingOf, readTaskStates } from '../run/task-state.js';
import type { Outcome } from '../sweep/sweep.js';
import { lastSession, type Session } from './session.js';

/**
 * What the last session of a run came to, for one who only sees its directory.
 * @param how.isOfElements whether it was computed by elements, so that a coordinator before them says nothing of the end
 */
export function endedRun(
  directory: string,
  manifest: Manifest,
  { isOfElements }: { readonly isOfElements: boolean },
): { outcome: Outcome; session: Session | undefined; stoppedBy?: string } {
  const paths = runPaths(directory, manifest.spec.format);
  const states = readTaskStates(directory, manifest);
  const hasResult = isFolded(directory, manifest);
  const isComplete = hasResult && states.every(({ status }) => status === 'complete');
  const events = readEventsFrom(paths.events).records;
  const close = events.findLast(({ event }) => event === 'close' || event === 'open');
  const stoppedBy = close?.event === 'close' && !isOfElements ? close.stoppedBy : undefined;
  const reason = REASONS.find((each) => each === stoppedBy);
  const session = lastSession(directory, manifest);
  return {
    session,
    outcome: {
      directory,
      manifest,
      status: isComplete ? 'complete' : endingOf(states),
      states,
      computed: session?.points ?? 0,
      ...(hasResult ? { result: paths.result } : {}),
      ...(reason === undefined ? {} : { reason }),
      setAside: [],
    },
    ...(stoppedBy === undefined ? {} : { stoppedBy }),
  };
}

// --- internal ---

/** What ends a run but a signal. */
const REASONS = ['request', 'max-failures', 'on-error', 'time-limit'] as const;
