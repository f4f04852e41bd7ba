import { mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { FanfoldError } from '../../errors.js';
import { quoteForShell } from '../../format/shell.js';
import { writeFileAtomic } from '../../run/atomic-file.js';
import { allElements, elementsOf } from '../../run/elements.js';
import { appendRecord } from '../../run/journal.js';
import { runPaths, type RunPaths } from '../../run/paths.js';
import type { RunEvent } from '../../run/records.js';
import type { SlurmSettings } from '../../run/slurm-settings.js';
import type { Controls, Engine, Work } from '../engine.js';
import { cutIntoArrays, type ArrayJob } from './array-spec.js';
import { cancel, cancelGently, cancelWaiting, sbatch, SHORT_PATIENCE_MS, squeue } from './commands.js';
import { followJobs, watchQueue } from './follow-jobs.js';
import { foldOptions, foldScript, jobScript, optionsForArray, type ScriptFacts } from './job-script.js';
import { readSubmitted } from './submitted.js';

export interface SlurmEngineOptions {
  readonly settings: SlurmSettings;
  /** Tasks of an element. */
  readonly pack: number;
  /** Number of tasks of the run, also of those that are finished. */
  readonly tasks: number;
  /** Of the run, for its jobs. */
  readonly name: string;
  /** Absolute path of this package's command. */
  readonly command: string;
  /** Return once the jobs are submitted. */
  readonly isDetached: boolean;
  /** The cluster's bound of array indices. */
  readonly maxArraySize: number;
  /** True where an end leaves the jobs to Slurm instead of taking them back. */
  readonly leaves: () => boolean;
  /** How long a file system may hide what another machine has done, in ms, where that is given. */
  readonly latencyMs: number | undefined;
  readonly onNotice: (text: string) => void;
}

/** Computes tasks in elements of array jobs. The files decide what is done; what the scheduler says only helps. */
export function slurmEngine(options: SlurmEngineOptions): Engine {
  return { run: (work, controls) => runOnSlurm(work, controls, options) };
}

/** Takes the jobs out of the queue that would fold: they would be in the way, or are not needed any more. */
export async function cancelFolds(paths: RunPaths): Promise<void> {
  const known = readSubmitted(paths);
  if (known.folds.length === 0) return;
  // They do nothing where the result is there, so it is not waited for long.
  const queue = await squeue(paths, known, { patienceMs: SHORT_PATIENCE_MS });
  await cancelWaiting(queue?.folds ?? []);
}

/**
 * Ends all jobs of a run, each at the end of its points in hand, and waits for that; at once, where `kill` comes.
 * @param signals.leave ends the wait alone, once the jobs are told
 * @throws FanfoldError where Slurm refuses, or gives no answer for long
 */
export async function endJobs(
  paths: RunPaths,
  { kill, leave = new AbortController().signal }: { kill: AbortSignal; leave?: AbortSignal },
): Promise<'ended' | 'left'> {
  const known = readSubmitted(paths);
  const killOrLeave = AbortSignal.any([kill, leave]);
  let isTold = false;
  let silent = 0;
  while (!isTold || !leave.aborted) {
    const queue = await squeue(paths, known, isTold ? { signal: leave } : {});
    if (queue === undefined && ++silent > MOST_SILENT) throw noAnswer(paths);
    if (queue !== undefined) {
      silent = 0;
      const jobs = [...queue.jobs, ...queue.folds];
      if (jobs.length === 0) return 'ended';
      if (kill.aborted) await cancel(jobs);
      else if (!isTold) await cancelGently(jobs);
      // What was put back into the queue meanwhile.
      else if (queue.waiting > 0) await cancelWaiting(jobs);
      isTold = true;
    }
    const signal = kill.aborted ? leave : killOrLeave;
    await setTimeout(END_LOOK_MS, undefined, isTold ? { signal } : {}).catch(() => undefined);
  }
  return 'left';
}

/**
 * Submits the job that makes the result once some arrays have ended, and puts it on record.
 * @returns its id
 * @throws FanfoldError where Slurm refuses it
 */
export async function submitFold(
  paths: RunPaths,
  jobs: readonly string[],
  settings: SlurmSettings,
): Promise<string> {
  const fold = await sbatch({
    folder: paths.directory,
    script: paths.foldScript,
    options: [
      ...optionsForArray({ options: foldOptions(settings) }),
      `--dependency=afterany:${jobs.join(':')}`,
    ],
    args: [],
  });
  record(paths, { jobs: [], elements: 0, first: 0, fold });
  return fold;
}

// --- internal ---

const END_LOOK_MS = 1_000;
/** Slurm's controller may start anew meanwhile. */
const MOST_SILENT = 30;
async function runOnSlurm(work: Work, controls: Controls, options: SlurmEngineOptions): Promise<void> {
  const { directory, spec } = work.job;
  const paths = runPaths(directory, spec.format);
  await submit(work, paths, options);
  if (options.isDetached) return;
  const tasks = work.tasks.map(({ index }) => index);
  const end = await followJobs(paths, tasks, {
    isOver: watchQueue(paths, options.onNotice),
    signal: controls.stop,
  });
  if (end === 'left') {
    if (!options.leaves()) await endJobs(paths, { kill: controls.kill });
    return;
  }
  // This one folds at once, or says why not.
  await cancelFolds(paths);
}

function noAnswer({ directory }: RunPaths): FanfoldError {
  return new FanfoldError(
    'FANFOLD_SLURM',
    `Expected Slurm to tell whether the jobs of ${directory} have ended, but squeue gives no answer. They were told to; look again with squeue.`,
    { exitCode: 1 },
  );
}

/** Writes the scripts and submits the elements with something to compute. */
async function submit(work: Work, paths: RunPaths, options: SlurmEngineOptions): Promise<void> {
  await cancelFolds(paths);
  const { settings, tasks, pack, maxArraySize } = options;
  const { maxRunning } = settings;
  const cut = { maxArraySize, maxRunning };
  const facts: ScriptFacts = {
    directory: paths.directory,
    node: process.execPath,
    command: options.command,
    name: options.name,
    tasks,
    pack,
    settings,
    latencyMs: options.latencyMs,
  };
  writeScript(paths.jobScript, jobScript(facts, cutIntoArrays(allElements(tasks, pack), cut)));
  writeScript(paths.foldScript, foldScript(facts));
  const wanted = elementsOf(
    work.tasks.map(({ index }) => index),
    pack,
  );
  const arrays = cutIntoArrays(wanted, cut);
  const jobs: string[] = [];
  const folder = paths.directory;
  let fold: string;
  try {
    for (const array of arrays) {
      work.lock?.check();
      const previous = maxRunning === undefined ? undefined : jobs.at(-1);
      const id = await sbatch({
        folder,
        script: paths.jobScript,
        options: [...optionsForArray(settings), `--array=${array.spec}`, ...chained(settings, previous)],
        args: argumentsOf(array, work.retryFailed),
      });
      jobs.push(id);
      // At once: a job that is not on record can't be found again.
      record(paths, { jobs: [id], elements: array.count, first: array.first });
    }
    fold = await submitFold(paths, jobs, settings);
  } catch (error) {
    throw await withdraw(jobs, paths, { error, pack });
  }
  options.onNotice(
    `Submitted to Slurm: ${jobs.length === 1 ? 'array job' : 'array jobs'} ${jobs.join(', ')} of ${wanted.length === 1 ? '1 element' : `${String(wanted.length)} elements`}, and job ${fold}, which makes the result afterwards.`,
  );
}

/**
 * Takes back the jobs of a submission that failed half-way: half of one helps nobody.
 * @returns the error, with what is left and how to go on
 */
async function withdraw(
  jobs: readonly string[],
  { directory }: RunPaths,
  { error, pack }: { readonly error: unknown; readonly pack: number },
): Promise<unknown> {
  const isGone = jobs.length === 0 || (await isCancelled(jobs));
  if (!(error instanceof FanfoldError)) return error;
  const run = quoteForShell(directory);
  // Where nobody answered, a job may have been taken whose id did not come back.
  const next =
    isGone && error.exitCode !== 1
      ? `Nothing is left in the queue. Go on with the same command and other options, or with: fanfold resume ${run} --slurm NAME=VALUE${pack > 1 ? ` (or --pack N: each of its elements asks for the processors of ${String(pack)} tasks)` : ''}`
      : `What was taken all the same is told by: fanfold status ${run}, and ended by: fanfold stop ${run}. Go on with: fanfold resume ${run}`;
  return new FanfoldError(error.code, `${error.message} ${next}`, { exitCode: error.exitCode, cause: error });
}

async function isCancelled(jobs: readonly string[]): Promise<boolean> {
  try {
    await cancel(jobs);
    return true;
  } catch (error) {
    if (error instanceof FanfoldError) return false;
    throw error;
  }
}

/** An array after another one, where so many elements may run at once and not more. */
function chained({ options }: SlurmSettings, previous: string | undefined): string[] {
  if (previous === undefined) return [];
  const { dependency } = options;
  return [`--dependency=${dependency === undefined ? '' : `${dependency},`}afterany:${previous}`];
}

function argumentsOf({ first }: ArrayJob, retryFailed: boolean): string[] {
  return [...(first === 0 ? [] : ['--first', String(first)]), ...(retryFailed ? ['--retry'] : [])];
}

function record(
  paths: RunPaths,
  what: { jobs: string[]; elements: number; first: number; fold?: string },
): void {
  const stamp = { time: Date.now(), host: hostname(), pid: process.pid };
  appendRecord(paths.events, { event: 'submit', ...stamp, ...what } satisfies RunEvent, { sync: true });
}

function writeScript(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileAtomic(path, text, { isDurable: false });
}
