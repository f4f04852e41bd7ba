import { existsSync } from 'node:fs';
import { SHORT_PATIENCE_MS, squeue, type Queue } from '../engine/slurm/commands.js';
import { describeLost, lostElements } from '../engine/slurm/lost-elements.js';
import { followJobs, watchQueue } from '../engine/slurm/follow-jobs.js';
import { cancelFolds, endJobs, submitFold } from '../engine/slurm/slurm-engine.js';
import { mayBeQueued, readSubmitted, type Submitted } from '../engine/slurm/submitted.js';
import { FanfoldError } from '../errors.js';
import { isFolded } from '../fold-state.js';
import { commandFor, shortPath } from '../report/command-line.js';
import { pathForStdout } from '../report/printable.js';
import { describeTrouble, summarize } from '../report/summary.js';
import type { Outcome } from '../sweep/sweep.js';
import { exitCodeOf } from './exit-code.js';
import { count } from '../report/duration.js';
import { showProgress } from '../report/progress.js';
import type { Manifest } from '../run/manifest.js';
import { lockAtWork } from '../run/at-work.js';
import { elementsOf } from '../run/elements.js';
import { whenReleased } from '../run/lock.js';
import { nameHolder, type LockHolder } from '../run/lock-holder.js';
import { runPaths, type RunPaths } from '../run/paths.js';
import { readEventsFrom } from '../run/records.js';
import { isComputed, isOver, readTaskStates, type TaskState } from '../run/task-state.js';
import { requireManifest } from '../sweep/existing-run.js';
import { foldWhenReleased } from './fold.js';
import { listenForSignals } from './signals.js';
import { tellEnd } from './tell-end.js';
import { tell } from '../report/tell.js';

// Runs whose tasks are computed by array jobs, with nobody who holds the run directory meanwhile.

/** A run that is computed by a batch job, or may be. */
export interface Batch {
  /** What is on record, with the jobs in the queue that are not: they were submitted by hand. */
  readonly submitted: Submitted;
  /** How much of it is in the queue; undefined where Slurm gives no answer. */
  readonly queue: Queue | undefined;
  /** An element that is at work on it, where Slurm does not know better. */
  readonly worker: LockHolder | undefined;
}

/** @returns undefined for a run that never was a batch job's */
export async function readBatch(
  directory: string,
  asking: { readonly patienceMs?: number } = {},
): Promise<Batch | undefined> {
  const paths = runPaths(directory);
  if (!mayBeQueued(paths)) return undefined;
  const known = readSubmitted(paths);
  const queue = await squeue(paths, known, asking);
  const byHand = (queue?.jobs ?? [])
    .filter((job) => !known.jobs.includes(job))
    .map((job) => ({ job, first: 0 }));
  const arrays = [...known.arrays, ...byHand];
  // What Slurm says of its own jobs counts more than a lock that a lost node has left.
  const isToldAll = queue !== undefined && known.jobs.length > 0;
  return {
    submitted: { ...known, arrays, jobs: arrays.map(({ job }) => job) },
    queue,
    worker: isToldAll ? undefined : elementAtWork(paths),
  };
}

/** True while elements wait or run. */
export function isQueued(queue: Queue | undefined): boolean {
  return queue !== undefined && queue.waiting + queue.running > 0;
}

/** True while elements wait or run, as far as that is known. */
export function isGoingOn({ queue, worker }: Batch): boolean {
  return isQueued(queue) || worker !== undefined;
}

/** What goes on in words; undefined where nothing is known of any job. */
export function describeBatch({ submitted: { jobs }, queue, worker }: Batch): string | undefined {
  if (jobs.length === 0)
    return worker && `${nameHolder(worker)} is at work, in a job that was not submitted from here`;
  const names = jobs.slice(-MOST_NAMED).join(', ');
  if (queue === undefined)
    return `slurm: array job ${names}; squeue gives no answer here, so the files alone are known`;
  const { waiting, running, reasons } = queue;
  const why = reasons.length > 0 ? ` (${reasons.slice(0, MOST_NAMED).join(', ')})` : '';
  return `slurm: array job ${names}: ${count(running, 'element')} running, ${String(waiting)} waiting${waiting > 0 ? why : ''}`;
}

/**
 * Shows the progress of a run whose elements wait or run, until they have ended and the result is made. Where they have ended
 * already, and nobody has made it yet, that is left to do.
 * @returns the exit code of the run; undefined where nothing of it goes on
 */
export async function followBatch(directory: string, manifest: Manifest): Promise<number | undefined> {
  const batch = await readBatch(directory);
  if (batch === undefined) return undefined;
  const paths = runPaths(directory, manifest.spec.format);
  if (!isGoingOn(batch)) {
    const states = readTaskStates(directory, manifest);
    const isLeft = isAllComputed(manifest, states) && !isFolded(directory, manifest);
    if (isLeft) return conclude(directory, manifest, batch);
    await tellLostOf(directory, manifest, batch, states);
    return undefined;
  }
  const signals = listenForSignals('The jobs go on; only the view of them ends.');
  tell(`fanfold: ${describeBatch(batch) ?? ''}; Ctrl-C ends this view of it, not the jobs.`);
  const endProgress = showProgress(directory, manifest, process.stderr, {
    isElsewhere: true,
    isUnderWay: true,
  });
  const open = readTaskStates(directory, manifest).filter(({ status }) => status !== 'complete');
  const tasks = open.map(({ index }) => index);
  const isOver = batch.submitted.jobs.length > 0 ? watchQueue(paths, tell) : isNobodyLeft(paths);
  const end = await followJobs(paths, tasks, { isOver, signal: signals.controls.stop });
  endProgress();
  signals.close();
  if (end === 'left') return signals.exitCode() ?? 1;
  return conclude(directory, manifest, batch);
}

/** Makes the result of a run whose elements have ended, or says which of them were lost. */
async function conclude(directory: string, manifest: Manifest, batch: Batch): Promise<number> {
  const paths = runPaths(directory, manifest.spec.format);
  const states = readTaskStates(directory, manifest);
  if (isAllComputed(manifest, states)) {
    await foldWhenReleased(directory);
    // The job that would do it need not start any more.
    if (batch.queue !== undefined) await cancelFolds(paths);
  } else {
    await tellLost(manifest, states, { paths, submitted: batch.submitted });
  }
  return tellEnd(directory, { isOfElements: true });
}

/** Whether there is all that a result is made of. */
function isAllComputed({ limits }: Manifest, states: readonly TaskState[]): boolean {
  return states.every(
    (state) => state.status === 'complete' || (limits.onError === 'nan' && isComputed(state)),
  );
}

/**
 * Ends the jobs of a run; a signal ends the wait for that alone.
 * @returns the exit code; undefined where nothing of it goes on
 */
export async function stopBatch(
  directory: string,
  { isNow }: { isNow: boolean },
): Promise<number | undefined> {
  const batch = await readBatch(directory);
  if (batch === undefined) return undefined;
  const { submitted, queue, worker } = batch;
  if (submitted.jobs.length === 0 && worker !== undefined) throw notOurs(worker);
  if (queue === undefined && submitted.jobs.length > 0) {
    // Jobs of a complete run have nothing to do, if there are any.
    if (await isComplete(directory)) return undefined;
    throw new FanfoldError(
      'FANFOLD_SLURM',
      `Expected Slurm to tell of the jobs ${submitted.jobs.join(', ')}, but squeue gives no answer here. Do this on a login node of the cluster.`,
      { exitCode: 1 },
    );
  }
  if (!isQueued(queue)) return undefined;
  tell(
    `Ending ${(describeBatch(batch) ?? '').replace('slurm: ', '')}${isNow ? '' : '; the points in hand are finished (--now ends them at once)'}.`,
  );
  const signals = listenForSignals('Only the wait ends; they are told to end all the same.');
  const kill = isNow ? AbortSignal.abort() : new AbortController().signal;
  const end = await endJobs(runPaths(directory), { kill, leave: signals.controls.stop });
  signals.close();
  if (end === 'left') return signals.exitCode() ?? 1;
  tell(`They have ended; what is done is kept. Go on with: ${commandFor('resume', directory)}`);
  return 0;
}

/**
 * Refuses to compute a run here whose jobs are in the queue.
 * @returns whether the scheduler says that none of those on record is
 * @throws FanfoldError
 */
export async function refuseQueued(directory: string, { isForced = false } = {}): Promise<boolean> {
  const batch = await readBatch(directory);
  if (batch === undefined) return false;
  const { submitted, queue } = batch;
  const isRecorded = submitted.jobs.length > 0;
  if (isForced && isRecorded && queue === undefined) throw noAnswer(submitted);
  if (!isQueued(queue)) return isRecorded && queue !== undefined;
  throw new FanfoldError(
    'FANFOLD_LOCKED',
    `Expected nobody at work on ${directory}, but its jobs are in the queue (${describeBatch(batch) ?? ''}). Watch them with ${commandFor('attach', directory)}, or end them first with ${commandFor('stop', directory)}.`,
  );
}

/**
 * Says what became of a run that was submitted and is not complete.
 * @returns the exit code
 */
export async function tellSubmitted(
  directory: string,
  outcome: Outcome,
  how: {
    readonly isDetached?: boolean;
    readonly isQuiet: boolean;
    readonly signalExitCode: number | undefined;
  },
): Promise<number> {
  const isLeft = how.isDetached === true || outcome.reason === 'signal';
  if (isLeft) {
    tell(
      `The jobs go on, in ${shortPath(directory)}.\nTheir progress: ${commandFor('attach', directory)}\nTo end them: ${commandFor('stop', directory)}`,
    );
    if (how.isDetached === true) process.stdout.write(`${pathForStdout(shortPath(directory))}\n`);
    return how.signalExitCode ?? 0;
  }
  const paths = runPaths(directory);
  await tellLost(outcome.manifest, outcome.states, { paths, submitted: readSubmitted(paths) });
  tell(how.isQuiet ? describeTrouble(outcome) : summarize(outcome));
  return exitCodeOf(outcome, how.signalExitCode);
}

/**
 * Says what is known of elements that ended too early, of a run at which nobody is at work any more, where Slurm knows that
 * none of its jobs is.
 */
export async function tellLostOf(
  directory: string,
  manifest: Manifest,
  batch: Batch,
  states = readTaskStates(directory, manifest),
): Promise<void> {
  const { submitted, queue } = batch;
  if (queue === undefined || isGoingOn(batch) || submitted.jobs.length === 0) return;
  const paths = runPaths(directory, manifest.spec.format);
  // Of a run that was gone on with here since, they are old news.
  const last = readEventsFrom(paths.events).records.findLast(
    ({ event }) => event === 'open' || event === 'submit',
  );
  if (last?.event !== 'submit') return;
  await tellLost(manifest, states, { paths, submitted, patienceMs: SHORT_PATIENCE_MS });
}

/** The error of a question that only Slurm can answer. */
export function noAnswer({ jobs }: Submitted): FanfoldError {
  return new FanfoldError(
    'FANFOLD_SLURM',
    `Expected Slurm to tell whether the jobs ${jobs.join(', ')} are in the queue, but squeue gives no answer here. Do this on a login node of the cluster, or use --engine local where you know that they are not.`,
  );
}

/** Has the result be made behind arrays in the queue, where the job for that is lost: whoever submitted them may have died. */
export async function foldBehind(directory: string, { slurm }: Manifest, { queue }: Batch): Promise<void> {
  const paths = runPaths(directory);
  if (slurm === undefined || queue === undefined || queue.folds.length > 0 || !existsSync(paths.foldScript))
    return;
  try {
    const fold = await submitFold(paths, queue.jobs, slurm);
    tell(`Submitted to Slurm: job ${fold}, which makes the result afterwards; it was not in the queue.`);
  } catch (error) {
    // The elements go on all the same.
    if (!(error instanceof FanfoldError)) throw error;
    tell(
      `No job is in the queue that makes the result afterwards. ${error.message} Make it by: ${commandFor('fold', directory)}`,
    );
  }
}

/** Whether there is nothing left to do of a run. */
export async function isComplete(directory: string): Promise<boolean> {
  const manifest = await requireManifest(directory, tell);
  const isDone = readTaskStates(directory, manifest).every(({ status }) => status === 'complete');
  return isDone && isFolded(directory, manifest);
}

// --- internal ---

const MOST_NAMED = 3;

/** A coordinator has no element for itself, and is seen by its own lock. */
function elementAtWork(paths: RunPaths): LockHolder | undefined {
  const held = lockAtWork(paths);
  return held?.lock === paths.lock ? undefined : held?.holder;
}

/** A question for one who follows a run of which only the locks tell: whether nobody gives a sign of life any more. */
function isNobodyLeft(paths: RunPaths): (signal: AbortSignal) => Promise<boolean> {
  const silent = new Set<LockHolder['id']>();
  return async (signal) => {
    const other = lockAtWork(paths, ({ id }) => silent.has(id));
    if (other === undefined) return true;
    if ((await whenReleased(other.lock, other.holder, signal)) === 'silent') silent.add(other.holder.id);
    return false;
  };
}

function notOurs(worker: LockHolder): FanfoldError {
  return new FanfoldError(
    'FANFOLD_SLURM',
    `Expected jobs of Slurm that can be ended from here, but ${nameHolder(worker)} computes in another one. End it with the commands of its scheduler; what is done is kept.`,
    { exitCode: 1 },
  );
}

interface LostOptions {
  readonly paths: RunPaths;
  readonly submitted: Submitted;
  /** How long the accounting may take to answer. */
  readonly patienceMs?: number;
}

/** Says what is known of elements that ended before their tasks were finished. */
async function tellLost(
  { pack = 1 }: Manifest,
  states: readonly TaskState[],
  { paths, submitted, ...asking }: LostOptions,
): Promise<void> {
  const unfinished = states.filter((state) => !isOver(state)).map(({ index }) => index);
  const lost = await lostElements(paths, elementsOf(unfinished, pack), submitted, asking);
  if (lost.length > 0) tell(describeLost(lost));
}
