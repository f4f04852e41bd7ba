import type { Certificate, OomKills, Verdict } from './certificate.js';

/** What is known when a verdict is wanted. */
export interface Evidence {
  readonly exitStatus: number | null;
  readonly signal: string | null;
  /** What the process wrote last, or the message of what was thrown. */
  readonly lastWords: string;
  readonly before: OomKills;
  readonly after: OomKills;
  readonly timeLeftSeconds?: number;
}

type Judgement = Pick<Certificate, 'verdict' | 'words'>;

/** What comes so shortly before a limit is taken for its coming: clocks differ. */
const GRACE_SECONDS = 2;
const SCHEDULERS_SIGNALS: readonly (string | null)[] = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGXCPU'];
const OUT_OF_MEMORY =
  /heap out of memory|out of memory|MemoryError|Cannot allocate memory|allocation failed|ENOMEM|bad_alloc/i;

/** What is said of SIGKILL where nothing more is known. */
export const OFTEN_MEMORY = ', often the out-of-memory killer';

const SIGNAL_NOTES: Readonly<Record<string, string>> = {
  SIGKILL: OFTEN_MEMORY,
  SIGSEGV: ', an invalid memory access',
  SIGABRT: ', which a program sends itself: a failed check, or no memory for the JavaScript heap',
};

/** A signal with what it likely means: `SIGKILL, often the out-of-memory killer`. */
export function describeSignal(signal: string): string {
  return `${signal}${SIGNAL_NOTES[signal] ?? ''}`;
}

/** True for a signal that a scheduler or a user sends to all processes of a job. */
export function isSchedulers(signal: string | null): boolean {
  return SCHEDULERS_SIGNALS.includes(signal);
}

/** The verdict on a process that died, in words. */
export function judgeDeath(evidence: Evidence): Judgement {
  const { exitStatus, signal, lastWords, timeLeftSeconds } = evidence;
  if (signal === 'SIGKILL') return judgeKill(evidence);
  if (isSchedulers(signal))
    return judgement('preempted', `ended by ${String(signal)}, as a scheduler or a user sends it`);
  if (OUT_OF_MEMORY.test(lastWords))
    return judgement('memory', `it ran out of memory (${nameOfEnd(evidence)})`);
  if (signal !== null) return judgement('your code', `it crashed by ${signal}`);
  if (exitStatus !== null)
    return judgement('your code', `it ended its process with exit status ${String(exitStatus)}`);
  const isOver = timeLeftSeconds !== undefined && timeLeftSeconds <= GRACE_SECONDS;
  return isOver
    ? judgement('preempted', 'its process ended as the time limit came')
    : judgement('node', 'its process ended, how is not known');
}

/**
 * The verdict on an error: only one that tells of memory is not the code's.
 * @param exitStatus of the point's own process, where it had one that ended by itself
 */
export function judgeError(
  { name, message }: Pick<Error, 'name' | 'message'>,
  exitStatus: number | null,
): Judgement {
  return OUT_OF_MEMORY.test(message)
    ? judgement('memory', 'it could not get the memory that it asked for')
    : judgement('your code', describeFault(name, exitStatus));
}

// --- internal ---

function judgeKill({ before, after, timeLeftSeconds }: Evidence): Judgement {
  if (rose(before.cgroup, after.cgroup) || rose(before.machine, after.machine))
    return judgement('memory', 'killed by the out-of-memory killer');
  if (timeLeftSeconds !== undefined && timeLeftSeconds <= GRACE_SECONDS)
    return judgement('preempted', 'killed by SIGKILL as the time limit came');
  if (after.machine === undefined && after.cgroup === undefined)
    return judgement('memory', 'killed by SIGKILL, often the out-of-memory killer');
  return judgement('node', 'killed by SIGKILL, though no out-of-memory counter rose');
}

function describeFault(name: string, exitStatus: number | null): string {
  if (exitStatus === 0) return 'its result could not be read';
  if (exitStatus !== null) return `it ended with exit status ${String(exitStatus)}`;
  if (name === 'CommandError') return 'it gave no result';
  return name === 'ResultError' ? 'its result could not be written' : 'it threw an error';
}

function judgement(verdict: Verdict, words: string): Judgement {
  return { verdict, words: `${verdict}: ${words}` };
}

function nameOfEnd({ exitStatus, signal }: Evidence): string {
  return signal ?? `exit status ${String(exitStatus)}`;
}

function rose(before: number | undefined, after: number | undefined): boolean {
  return after !== undefined && after > (before ?? 0);
}
