import { hostname } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import type { Controls } from '../engine/engine.js';
import { cancelGently, requeue, squeue, stateOf, timeLeftMs } from '../engine/slurm/commands.js';
import { shareOf, thisJob, type ThisJob } from '../engine/slurm/this-job.js';
import { readSubmitted } from '../engine/slurm/submitted.js';
import { count } from '../report/duration.js';
import { runPaths } from '../run/paths.js';
import { commandFor } from '../report/command-line.js';
import { MOST_TIMER_MS } from '../timers.js';
import { runElement, type ElementOutcome } from '../sweep/element.js';
import { ENDING, listenForSignals } from './signals.js';
import { tell } from '../report/tell.js';

/** To be tried again, as for `--time-limit`. */
const REQUEUE_ME = 75;
const INTERRUPTED = 130;
/** Slurm's notice before the time limit. */
const NOTICE_MS = 60_000;
const NOTHING_GAINED = "No point was finished in this element's time, so it is not put back into the queue";

export interface ElementCommandOptions {
  readonly first?: number | undefined;
  readonly jobs?: number | undefined;
  readonly threads?: number | undefined;
  readonly retry?: true | undefined;
  /** Act on the Slurm job in which this is: put it back into the queue, or end the array. */
  readonly requeue?: true | undefined;
  readonly timeLimit?: number | undefined;
  readonly fsLatency?: number | undefined;
}

/** `fanfold element`: computes the tasks of one element of a batch job; gives the exit code. */
export async function element(
  directory: string,
  index: number,
  options: ElementCommandOptions,
): Promise<number> {
  const { first = 0 } = options;
  // Within a job of the user's own, that one is not ours to end or to put back.
  const job = options.requeue === true ? thisJob(process.env) : undefined;
  const number = first + index;
  tell(
    `fanfold: element ${String(number)}${job === undefined ? '' : ` (${job.id}, attempt ${String(job.restarts + 1)})`} on ${hostname()}, ${new Date().toISOString()}`,
  );
  // Every fanfold stop sends a SIGINT, and so does every element that ends the array.
  const signals = listenForSignals('Stopping: the points in hand are finished and kept.', {
    ending: ENDING,
    mayRepeat: true,
  });
  const warning = listenForWarning(job);
  const controls = {
    stop: AbortSignal.any([signals.controls.stop, warning.stop]),
    kill: AbortSignal.any([signals.controls.kill, warning.kill]),
  };
  const outcome = await runElement(directory, number, {
    job: job?.id,
    jobs: options.jobs,
    threads: options.threads,
    retryFailed: options.retry === true,
    timeLimitMs:
      options.timeLimit ??
      (job?.endsAtMs === undefined ? undefined : shareOf(job.endsAtMs - Date.now()).beginMs),
    controls,
    late: { latencyMs: options.fsLatency, onNotice: tell },
  });
  tell(describe(outcome));
  // Of a retry every point has a line already, that of its failure.
  const isCut = options.retry === true && outcome.status === 'failed' && outcome.reason !== undefined;
  if (outcome.status !== 'stopped' && !isCut) return outcome.status === 'complete' ? 0 : 1;
  if (outcome.reason === 'max-failures' || outcome.reason === 'on-error') {
    tell(`Stopped by --${outcome.reason}${job === undefined ? '' : ', and with it the whole array'}.`);
    if (job !== undefined) await endArrays(directory, job);
    return 1;
  }
  // Slurm's own signals ask for an end for now; SIGINT is what fanfold stop and people send.
  if (signals.exitCode() === INTERRUPTED) return INTERRUPTED;
  if (job !== undefined) {
    tell(await putBack(job, outcome, directory));
  } else if (gainOf(outcome) === 0 && (outcome.reason === 'time-limit' || warning.stop.aborted)) {
    // A scheduler that puts it back for its exit code would do so for ever.
    tell(`${NOTHING_GAINED}: a point needs a longer time; go on with: ${commandFor('resume', directory)}`);
    return 1;
  }
  return REQUEUE_ME;
}

// --- internal ---

/** Signals by which schedulers other than Slurm warn: Grid Engine before s_rt and -notify, LSF at its limit. */
const WARNINGS = ['SIGUSR1', 'SIGUSR2', 'SIGXCPU'] as const;

/**
 * Slurm's signal before the time limit, which may come up to a minute early. Where the end was not known, it is asked for
 * now, and the time until then is used.
 */
function listenForWarning(job: ThisJob | undefined): Pick<Controls, 'stop' | 'kill'> {
  const [stop, kill] = [new AbortController(), new AbortController()];
  if (job === undefined) {
    // How much time is left is not told, so the points in hand are finished; the scheduler itself ends what is too slow.
    for (const warning of WARNINGS)
      process.on(warning, () => {
        stop.abort(warning);
      });
    return { stop: stop.signal, kill: kill.signal };
  }
  let timers: NodeJS.Timeout[] = [];
  const abortAfter = (controller: AbortController, ms: number): void => {
    if (ms > MOST_TIMER_MS) return;
    const timer = setTimeout(() => {
      controller.abort('time-limit');
    }, ms);
    timers.push(timer.unref());
  };
  const end = async (): Promise<void> => {
    const leftMs = await timeLeftMs(job.id);
    // As announced, where Slurm gives no answer.
    const { beginMs, finishMs } = shareOf(leftMs ?? NOTICE_MS);
    timers.forEach(clearTimeout);
    timers = [];
    abortAfter(stop, beginMs);
    abortAfter(kill, finishMs);
  };
  process.on('SIGUSR1', () => {
    if (job.endsAtMs === undefined) void end();
  });
  if (job.endsAtMs !== undefined) abortAfter(kill, shareOf(job.endsAtMs - Date.now()).finishMs);
  return { stop: stop.signal, kill: kill.signal };
}

/** A retry gains results, everything else lines. */
function gainOf({ gained, computed }: ElementOutcome): number {
  return Math.max(gained, computed);
}

/** Asks a few times: a controller is busy when many elements come to their limit together. */
async function stateNow(id: string): Promise<string | undefined> {
  for (let tries = 0; tries < 3; tries++) {
    const state = await stateOf(id);
    if (state !== undefined) return state;
    await wait(1_000);
  }
  return undefined;
}

/** Ends all arrays of the run. */
async function endArrays(directory: string, job: ThisJob): Promise<void> {
  const paths = runPaths(directory);
  const { jobs, folds } = readSubmitted(paths);
  const queue = await squeue(paths, { jobs: [...jobs, job.array], folds });
  await cancelGently(queue === undefined || queue.jobs.length === 0 ? [job.array] : queue.jobs);
}

function describe({ tasks, status, computed, failed, missing }: ElementOutcome): string {
  const which =
    tasks.length === 1 ? `task ${String(tasks[0])}` : `tasks ${String(tasks[0])}-${String(tasks.at(-1))}`;
  const parts = [
    `${which}: ${status}`,
    `${count(computed, 'point')} computed now`,
    ...(failed > 0 ? [`${count(failed, 'point')} failed`] : []),
    ...(missing > 0 ? [`${count(missing, 'point')} to go`] : []),
  ];
  return `fanfold: ${parts.join(', ')}`;
}

/** Puts an element that could not finish back into the queue, where that can help. */
async function putBack(job: ThisJob, outcome: ElementOutcome, directory: string): Promise<string> {
  const later = `go on with: ${commandFor('resume', directory)}`;
  if (gainOf(outcome) === 0) {
    return `${NOTHING_GAINED}: a point needs a longer --slurm time=; ${later}`;
  }
  const state = await stateNow(job.id);
  if (state !== 'RUNNING')
    return `Slurm ends this element (${state ?? 'it gives no answer'}); it goes on by itself where Slurm puts it back into the queue, after a preemption say, else ${later}`;
  const refusal = await requeue(job.id);
  return refusal === undefined
    ? 'It goes back into the queue, and goes on where it is now.'
    : `Slurm did not put it back into the queue (${refusal}); ${later}`;
}
