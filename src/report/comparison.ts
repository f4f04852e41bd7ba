import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FanfoldError } from '../errors.js';
import type { Plan } from '../sweep/plan.js';
import type { Outcome } from '../sweep/sweep.js';
import { shortPath } from './command-line.js';
import { formatSeconds } from './duration.js';
import { lastSession, type ProcessRecord } from './session.js';

/** One of the two runs of a comparison. */
export interface ComparedRun {
  readonly directory: string;
  /** Path of its result. */
  readonly resultFile: string;
  /** Wall time. */
  readonly seconds: number;
  /** Each process: its pid, its tasks, and the time that it spent on them in seconds. */
  readonly processes: readonly ProcessRecord[];
}

/** How much faster many processes were than one. */
export interface Comparison {
  readonly serial: ComparedRun;
  readonly parallel: ComparedRun;
  /** Job slots of the parallel run. */
  readonly jobs: number;
  /** Serial time / parallel time. */
  readonly speedUp: number;
  /** Speed-up / job slots. */
  readonly efficiency: number;
  /** Whether both results have the same bytes. */
  readonly isSame: boolean;
}

/**
 * Runs a plan twice, with one process at a time and with all, in two folders of `DIRECTORY-compare`.
 * @param run runs one of the two plans; undefined where it could not be finished, which ends the comparison
 * @throws FanfoldError where there is only one job slot, or the folder is there and `isForced` is not set
 */
export async function comparePlan(
  plan: Plan,
  { isForced }: { isForced: boolean },
  run: (plan: Plan) => Promise<Outcome | undefined>,
): Promise<Comparison | undefined> {
  const { jobs } = plan.request;
  if (jobs < 2) {
    throw new FanfoldError(
      'FANFOLD_USAGE',
      'Expected a comparison of at least two job slots, got one: give --jobs 2 or more.',
    );
  }
  const folder = `${plan.directory}-compare`;
  if (existsSync(folder) && !isForced) {
    throw new FanfoldError(
      'FANFOLD_OUT',
      `Expected to time both runs afresh, but ${shortPath(folder)} is there already: use --force to replace it, or another --out.`,
    );
  }
  const part = (name: string, slots: number): Plan => ({
    ...plan,
    directory: join(folder, name),
    request: { ...plan.request, jobs: slots },
  });
  const serial = await run(part('serial', 1));
  const parallel = serial === undefined ? undefined : await run(part('parallel', jobs));
  if (serial === undefined || parallel === undefined) return undefined;
  const runs = { serial: comparedRun(serial), parallel: comparedRun(parallel) };
  const speedUp = runs.serial.seconds / runs.parallel.seconds;
  const [first, second] = [runs.serial, runs.parallel].map(({ resultFile }) => readFileSync(resultFile));
  return {
    ...runs,
    jobs,
    speedUp,
    efficiency: speedUp / jobs,
    isSame: first !== undefined && second !== undefined && first.equals(second),
  };
}

/** A comparison as a text for a person. */
export function describeComparison({
  serial,
  parallel,
  jobs,
  speedUp,
  efficiency,
  isSame,
}: Comparison): string {
  return [
    describeRun('serial  ', serial),
    describeRun('parallel', parallel),
    `speed-up ${speedUp.toFixed(2)}, efficiency ${efficiency.toFixed(2)} with ${String(jobs)} job slots`,
    `results: ${isSame ? 'the same bytes' : 'they differ (does the worker return times, process numbers or unseeded random numbers?)'}`,
  ].join('\n');
}

// --- internal ---

function comparedRun({ directory, manifest, result = '' }: Outcome): ComparedRun {
  const session = lastSession(directory, manifest);
  return {
    directory,
    resultFile: result,
    seconds: session?.wallSeconds ?? NaN,
    processes: session?.processes ?? [],
  };
}

function describeRun(name: string, { seconds, processes, resultFile }: ComparedRun): string {
  const pids = processes.map(({ pid }) => pid);
  const shown = pids.length > 8 ? `${pids.slice(0, 8).join(', ')}, …` : pids.join(', ');
  return `${name}  ${formatSeconds(seconds).padStart(12)}  ${String(pids.length)} ${pids.length === 1 ? 'process' : 'processes'} (${shown})  ${shortPath(resultFile)}`;
}
