import { usableProcessors } from './engine/local/processors.js';
import { parseWorkerReference, type StartMethod } from './engine/worker-reference.js';
import { FanfoldError } from './errors.js';
import type { Format } from './format/cell.js';
import type { Scalar, Value } from './format/value.js';
import { planSweep } from './sweep/plan.js';
import { readColumns, readResults, type Row } from './report/results.js';
import { currentFailures } from './report/summary.js';
import type { FailureRecord } from './run/records.js';
import { readTaskStates } from './run/task-state.js';
import type { Slicing } from './slicing.js';
import { groupAxes, toValues, type ValuesInput } from './space/grid.js';
import { columnsFrom, pointsColumns } from './space/points-columns.js';
import { readPointsFile } from './space/points-file.js';
import { space as makeSpace, type Space } from './space/space.js';
import { parseValues } from './space/values-syntax.js';
import { runSweep, type Outcome } from './sweep/sweep.js';

/** What `sweep` computes and how. */
export interface SweepOptions {
  /**
   * Path or file URL of a JavaScript or TypeScript module, `FILE:name` for one of its exports; or a Python function as
   * `FILE.py:name`.
   */
  readonly worker: string | URL;
  /** A Python worker's interpreter, a path or a name on PATH; by default that of the active environment, then `python3`. */
  readonly python?: string;
  /** How Python processes come about: `fork`, the default but on Windows, imports the model once. */
  readonly startMethod?: StartMethod;
  /** Parameters and their values: `linspace(0, 1, 11)`, an array, or text such as `'0:1:0.1'`. The last runs fastest. */
  readonly params?: Readonly<Record<string, ValuesInput | string>>;
  /** Names of parameters that walk together. */
  readonly zip?: readonly (readonly string[])[];
  /** A file of points with named columns; slower than the `params`. */
  readonly points?: string;
  /** A space made by `grid`, instead of `params`, `zip` and `points`. */
  readonly space?: Space;
  /** Keyword arguments that are the same for every point. */
  readonly set?: Readonly<Record<string, Value>>;
  /** 0 to 2^64 - 1; 0 by default. */
  readonly seed?: number | bigint;
  /** Number of tasks; by default several for each job slot. */
  readonly tasks?: number;
  /** `guan` where `tasks` is given, otherwise `balanced`. */
  readonly slicing?: Slicing;
  /** Processes at once; by default the processors that this process may use. */
  readonly jobs?: number;
  /** A new process for every task. */
  readonly fresh?: boolean;
  readonly format?: Format;
  readonly header?: boolean;
  /** The run directory; `runs/WORKER-HASH` by default. */
  readonly out?: string;
  /** Replace what the run directory holds. */
  readonly force?: boolean;
  /** Compute the failed points of an earlier run again. */
  readonly retryFailed?: boolean;
  /** Keep what an earlier version of the worker computed. */
  readonly allowChangedWorker?: boolean;
  /** Stops the run when aborted; the points in hand are finished and kept. */
  readonly signal?: AbortSignal;
}

/** A sweep that has run. Iterating it gives its rows in order, one at a time. */
export interface Run extends AsyncIterable<Row> {
  readonly directory: string;
  readonly status: Outcome['status'];
  /** Path of the result file, where the run is complete. */
  readonly resultFile: string | undefined;
  readonly space: Space;
  /** The points that failed, in order. */
  readonly failures: readonly FailureRecord[];
  /** The workers' results in the order of the points. */
  results(): Promise<Row['result'][]>;
  /** Each parameter and each result column as an array, in the order of the points. */
  columns(): Promise<Record<string, Scalar[]>>;
}

/**
 * Runs a sweep in processes of this machine, or goes on with it where its run directory holds it already.
 * @returns the run, also where points failed or it was stopped: look at `status`
 * @throws FanfoldError where the input is not as it must be, or the run could not go on
 */
export async function sweep(options: SweepOptions): Promise<Run> {
  checkOptions(options);
  const space = options.space ?? (await spaceOf(options));
  const jobs = options.jobs ?? usableProcessors();
  for (const [name, number] of Object.entries({ jobs, tasks: options.tasks ?? 1 })) checkCount(name, number);
  const plan = planSweep({
    worker: parseWorkerReference(options.worker instanceof URL ? options.worker.href : options.worker, {
      python: options.python,
      startMethod: checkStartMethod(options.startMethod),
    }),
    space,
    fixed: Object.entries(options.set ?? {}).map(([name, value]) => ({ name, values: toValues([value]) })),
    pointsFile: options.points,
    seed: checkSeed(options.seed ?? 0),
    slicing: options.slicing,
    tasks: options.tasks,
    jobs,
    format: options.format ?? 'txt',
    header: options.header,
    out: options.out,
  });
  const outcome = await runSweep(plan, {
    isFresh: options.fresh === true,
    isForced: options.force === true,
    retryFailed: options.retryFailed === true,
    allowChangedWorker: options.allowChangedWorker === true,
    controls: { stop: options.signal ?? new AbortController().signal, kill: new AbortController().signal },
  });
  return describeRun(outcome, space);
}

// --- internal ---

async function spaceOf({ params = {}, zip = [], points }: SweepOptions): Promise<Space> {
  const columns = points === undefined ? [] : columnsFrom(pointsColumns(await readPointsFile(points)));
  const axes = Object.entries(params).map(([name, input]) => ({
    name,
    values: typeof input === 'string' ? parseValues(input, name) : toValues(input),
  }));
  return makeSpace([...(columns.length > 0 ? [columns] : []), ...groupAxes(axes, zip)]);
}

function describeRun({ directory, manifest, status, result }: Outcome, space: Space): Run {
  const rows = (): AsyncGenerator<Row> => readResults(directory, manifest, space);
  return {
    directory,
    status,
    resultFile: result,
    space,
    failures:
      status === 'complete' ? [] : currentFailures(directory, manifest, readTaskStates(directory, manifest)),
    [Symbol.asyncIterator]: rows,
    results: async () => {
      const results: Row['result'][] = [];
      for await (const { result: found } of rows()) results.push(found);
      return results;
    },
    columns: () => readColumns(directory, manifest, space),
  };
}

const OPTIONS: Record<keyof SweepOptions, true> = {
  worker: true,
  python: true,
  startMethod: true,
  params: true,
  zip: true,
  points: true,
  space: true,
  set: true,
  seed: true,
  tasks: true,
  slicing: true,
  jobs: true,
  fresh: true,
  format: true,
  header: true,
  out: true,
  force: true,
  retryFailed: true,
  allowChangedWorker: true,
  signal: true,
};

/** Callers in plain JavaScript have no compiler that would tell them. */
function checkOptions(options: SweepOptions): void {
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(OPTIONS, name));
  if (unknown !== undefined) {
    throw new FanfoldError(
      'FANFOLD_USAGE',
      `Expected options of sweep, got "${unknown}". It has: ${Object.keys(OPTIONS).join(', ')}.`,
    );
  }
  const worker: unknown = options.worker;
  if (typeof worker !== 'string' && !(worker instanceof URL)) {
    throw new FanfoldError(
      'FANFOLD_USAGE',
      `Expected the worker to be the path of a module, because other processes load it, got a ${typeof worker}.`,
    );
  }
  const zip: readonly unknown[] = options.zip ?? [];
  if (!zip.every((names) => Array.isArray(names))) {
    throw new FanfoldError(
      'FANFOLD_USAGE',
      "Expected zip to be a list of lists of names, such as [['U', 'V']].",
    );
  }
}

function checkStartMethod(method: string | undefined): StartMethod | undefined {
  if (method === undefined || method === 'fork' || method === 'spawn') return method;
  throw new FanfoldError('FANFOLD_USAGE', `Expected startMethod to be "fork" or "spawn", got "${method}".`);
}

function checkCount(name: string, number: number): void {
  if (Number.isSafeInteger(number) && number > 0) return;
  throw new FanfoldError(
    'FANFOLD_USAGE',
    `Expected ${name} to be a positive integer, got ${String(number)}.`,
  );
}

function checkSeed(seed: number | bigint): bigint {
  if (typeof seed === 'bigint' ? seed >= 0n && seed < 2n ** 64n : Number.isSafeInteger(seed) && seed >= 0)
    return BigInt(seed);
  throw new FanfoldError(
    'FANFOLD_USAGE',
    `Expected seed to be an integer from 0 to 2^64 - 1, got ${String(seed)}.`,
  );
}
