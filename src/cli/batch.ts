import { cancelWaiting, squeue, type Queue } from '../engine/slurm/commands.js';
import { describeLost, lostElements } from '../engine/slurm/lost-elements.js';
import { endJobs, followJobs } from '../engine/slurm/slurm-engine.js';
import { readSubmitted, type Submitted } from '../engine/slurm/submitted.js';
import { FanfoldError } from '../errors.js';
import { commandFor, shortPath } from '../report/command-line.js';
import { pathForStdout } from '../report/printable.js';
import { describeTrouble, summarize } from '../report/summary.js';
import type { Outcome } from '../sweep/sweep.js';
import { exitCodeOf } from './exit-code.js';
import { count } from '../report/duration.js';
import { showProgress } from '../report/progress.js';
import type { Manifest } from '../run/manifest.js';
import { atWork } from '../run/at-work.js';
import { elementsOf } from '../run/elements.js';
import { runPaths, type RunPaths } from '../run/paths.js';
import { isComputed, readTaskStates, type TaskState } from '../run/task-state.js';
import { foldWhenReleased } from './fold.js';
import { listenForSignals } from './signals.js';
import { tellEnd } from './tell-end.js';
import { tell } from './tell.js';

// Runs whose tasks are computed by array jobs, with nobody who holds the run directory meanwhile.

/** What was submitted for a run, and how much of it is in the queue; undefined for a run that never was. */
export async function readBatch(
  directory: string,
): Promise<{ readonly submitted: Submitted; readonly queue: Queue | undefined } | undefined> {
  const submitted = readSubmitted(runPaths(directory));
  return submitted && { submitted, queue: await squeue(submitted.jobs, runPaths(directory).directory) };
}

/** True while elements wait or run. */
export function isQueued(queue: Queue | undefined): boolean {
  return queue !== undefined && queue.waiting + queue.running > 0;
}

/** The queue in words. */
export function describeQueue({ jobs }: Submitted, queue: Queue | undefined): string {
  const names = jobs.slice(-MOST_NAMED).join(', ');
  if (queue === undefined)
    return `slurm: array job ${names}; squeue gives no answer here, so the files alone are known`;
  const { waiting, running, reasons } = queue;
  const why = reasons.length > 0 ? ` (${reasons.slice(0, MOST_NAMED).join(', ')})` : '';
  return `slurm: array job ${names}: ${count(running, 'element')} running, ${String(waiting)} waiting${waiting > 0 ? why : ''}`;
}

/**
 * Shows the progress of a run whose jobs are in the queue, until they have ended and the result is made.
 * @returns the exit code of the run; undefined where none of its jobs is in the queue
 */
export async function followBatch(directory: string, manifest: Manifest): Promise<number | undefined> {
  const batch = await readBatch(directory);
  const isSeen = batch?.queue === undefined && atWork(runPaths(directory)) !== undefined;
  if (batch === undefined || (!isQueued(batch.queue) && !isSeen)) return undefined;
  const { submitted, queue } = batch;
  const paths = runPaths(directory, manifest.spec.format);
  const signals = listenForSignals('The jobs go on; only the view of them ends.');
  tell(`fanfold: ${describeQueue(submitted, queue)}; Ctrl-C ends this view of it, not the jobs.`);
  const endProgress = showProgress(directory, manifest, process.stderr, { isElsewhere: true });
  const open = readTaskStates(directory, manifest).filter(({ status }) => status !== 'complete');
  const tasks = open.map(({ index }) => index);
  const end = await followJobs(paths, tasks, { jobs: submitted.jobs, signal: signals.controls.stop });
  endProgress();
  signals.close();
  if (end === 'left') return signals.exitCode() ?? 1;
  const states = readTaskStates(directory, manifest);
  const isFilled = manifest.limits.onError === 'nan' && states.every(isComputed);
  if (end === 'complete' || isFilled) {
    await foldWhenReleased(directory);
    // The job that would do it need not start any more.
    if (queue !== undefined) await cancelWaiting(submitted.folds, paths.directory);
  } else {
    await tellLost(manifest, states, { paths, submitted });
  }
  return tellEnd(directory);
}

/**
 * Ends the jobs of a run.
 * @returns the exit code; undefined where none of its jobs is in the queue
 */
export async function stopBatch(
  directory: string,
  { isNow }: { isNow: boolean },
): Promise<number | undefined> {
  const batch = await readBatch(directory);
  if (batch === undefined) return undefined;
  const { submitted, queue } = batch;
  if (queue === undefined) {
    throw new FanfoldError(
      'FANFOLD_SLURM',
      `Expected Slurm to tell of the jobs ${submitted.jobs.join(', ')}, but squeue gives no answer here. Do this on a login node of the cluster.`,
      { exitCode: 1 },
    );
  }
  if (!isQueued(queue)) return undefined;
  tell(
    `Ending ${describeQueue(submitted, queue).replace('slurm: ', '')}${isNow ? '' : '; the points in hand are finished (--now ends them at once)'}.`,
  );
  const signals = listenForSignals('They are ended at once.');
  const kill = isNow ? AbortSignal.abort() : signals.controls.stop;
  await endJobs(runPaths(directory), [...submitted.jobs, ...submitted.folds], kill);
  signals.close();
  tell(`They have ended; what is done is kept. Go on with: ${commandFor('resume', directory)}`);
  return 0;
}

/**
 * Refuses to compute a run here whose jobs are in the queue.
 * @returns whether the scheduler says that none is
 * @throws FanfoldError
 */
export async function refuseQueued(directory: string, { isForced = false } = {}): Promise<boolean> {
  const batch = await readBatch(directory);
  if (isForced && batch !== undefined && batch.queue === undefined) throw noAnswer(batch.submitted);
  if (batch === undefined || !isQueued(batch.queue)) return batch?.queue !== undefined;
  throw new FanfoldError(
    'FANFOLD_LOCKED',
    `Expected nobody at work on ${directory}, but its jobs are in the queue (${describeQueue(batch.submitted, batch.queue)}). Watch them with ${commandFor('attach', directory)}, or end them first with ${commandFor('stop', directory)}.`,
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
  const submitted = readSubmitted(runPaths(directory));
  if (submitted !== undefined) {
    await tellLost(outcome.manifest, outcome.states, { paths: runPaths(directory), submitted });
  }
  tell(how.isQuiet ? describeTrouble(outcome) : summarize(outcome));
  return exitCodeOf(outcome, how.signalExitCode);
}

/** The error of a question that only Slurm can answer. */
export function noAnswer({ jobs }: Submitted): FanfoldError {
  return new FanfoldError(
    'FANFOLD_SLURM',
    `Expected Slurm to tell whether the jobs ${jobs.join(', ')} are in the queue, but squeue gives no answer here. Do this on a login node of the cluster, or use --engine local where you know that they are not.`,
  );
}

// --- internal ---

const MOST_NAMED = 3;

/** Says what is known of elements that ended before their tasks were finished. */
async function tellLost(
  { pack = 1 }: Manifest,
  states: readonly TaskState[],
  { paths, submitted }: { readonly paths: RunPaths; readonly submitted: Submitted },
): Promise<void> {
  const unfinished = states.filter((state) => !isComputed(state)).map(({ index }) => index);
  const lost = await lostElements(paths, elementsOf(unfinished, pack), submitted);
  if (lost.length > 0) tell(describeLost(lost));
}
