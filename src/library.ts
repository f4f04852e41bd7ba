import { usableProcessors } from './engine/local/processors.js';
import { commandReference, commandSpec } from './engine/command-reference.js';
import { parseWorkerReference, type StartMethod, type WorkerReference } from './engine/worker-reference.js';
import { checkCount } from './count.js';
import { FanfoldError } from './errors.js';
import type { Format } from './format/cell.js';
import type { DeclaredColumns } from './format/layout.js';
import type { Scalar, Value } from './format/value.js';
import { DEFAULT_LIMITS, withLimits } from './run/limits.js';
import { readLimits, readTimeLimit, type LimitSettings } from './sweep/limit-settings.js';
import { planSweep, type Plan } from './sweep/plan.js';
import { readColumns, readResults, type Row } from './report/results.js';
import { failedPoints, recordsOfFailed } from './run/failed-points.js';
import type { FailureRecord } from './run/records.js';
import type { CommandSpec } from './run/spec.js';
import type { Slicing } from './slicing.js';
import { groupAxes, toValues, type ValuesInput } from './space/grid.js';
import { columnsFrom, pointsColumns } from './space/points-columns.js';
import { readPointsFile } from './space/points-file.js';
import { space as makeSpace, type Space } from './space/space.js';
import { parseValues } from './space/values-syntax.js';
import { runSweep, type Outcome } from './sweep/sweep.js';
import type { RunOptions } from './sweep/run-options.js';
import { foldFiles } from './fold-files.js';
import { comparePlan, type Comparison } from './report/comparison.js';
import { refold } from './sweep/existing-run.js';

/** What `sweep` computes and how. */
export type SweepOptions = SpaceOptions & (FunctionOptions | CommandOptions);

interface FunctionOptions extends Partial<
  Record<Exclude<keyof CommandOptions, 'worker' | 'python' | 'startMethod'>, undefined>
> {
  /**
   * Path or file URL of a JavaScript or TypeScript module, `FILE:name` for one of its exports; or a Python function as
   * `FILE.py:name`.
   */
  readonly worker: string | URL;
  /** A Python worker's interpreter, a path or a name on PATH; by default that of the active environment, then `python3`. */
  readonly python?: string | undefined;
  /** How Python processes come about: `fork`, the default but on Windows, imports the model once. */
  readonly startMethod?: StartMethod | undefined;
}

interface CommandOptions {
  readonly worker?: undefined;
  readonly python?: undefined;
  readonly startMethod?: undefined;
  /** A program and its arguments, with placeholders such as `{T}`; a shell's line alone with `shell`. */
  readonly command: readonly string[];
  /** What is its result: `line` by default, `last-line`, `json`, `regex:PATTERN`, `file:NAME` or `exit`. */
  readonly result?: string | undefined;
  /** Names of its result columns; or by name their types, null for a type that goes by the values. */
  readonly columns?: readonly string[] | DeclaredColumns | undefined;
  /** Give it its point as JSON on its standard input. */
  readonly stdin?: boolean | undefined;
  /** Start it once for each job slot, and ask it for one point after another. */
  readonly stream?: boolean | undefined;
  /** Run the one text of `command` by /bin/sh. */
  readonly shell?: boolean | undefined;
  /** Leave each point's folder `{out}` where it is. */
  readonly keepScratch?: boolean | undefined;
}

interface SpaceOptions extends LimitSettings {
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
  /** `OMP_NUM_THREADS` and its kin for each process; by default processors / jobs, unless the environment has them. */
  readonly threads?: number;
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
  /** What stopped it, where something did: `signal`, `max-failures`, `on-error` or `time-limit`. */
  readonly reason: Outcome['reason'];
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
  const plan = await planOf(options);
  const outcome = await runSweep(plan, runOptions(options));
  return describeRun(outcome, plan.request.space);
}

/**
 * Runs a sweep twice, with one process at a time and with `jobs`, in two folders of its run directory's name and
 * `-compare`. What both share, such as starting processes, is in both times.
 * @throws FanfoldError where `sweep` would, where `jobs` is 1, the folder is there without `force`, or a run can't be
 *   finished
 */
export async function compare(options: SweepOptions): Promise<Comparison> {
  let status = '';
  const comparison = await comparePlan(
    await planOf(options),
    { isForced: options.force === true },
    async (part) => {
      const outcome = await runSweep(part, runOptions(options));
      if (outcome.status === 'complete') return outcome;
      status = `${part.directory} is ${outcome.status}`;
      return undefined;
    },
  );
  if (comparison !== undefined) return comparison;
  throw new FanfoldError('FANFOLD_INCOMPLETE', `Expected both runs to be complete, but ${status}.`, {
    exitCode: 1,
  });
}

/**
 * Makes one file of the files of tasks, in the order given, or of the tasks of a run directory. It appears whole, by
 * rename, or not at all.
 * @param source a run directory, whose tasks are held against what their processes recorded; or a list of files
 * @param target the file to make of a list of files; that of a run directory is its own `result.txt`
 * @returns the path of the result
 * @throws FanfoldError where a task is not complete, or a file is not there
 */
export function fold(source: string, target?: undefined): Promise<string>;
export function fold(source: readonly string[], target: string): Promise<string>;
export async function fold(source: string | readonly string[], target?: string): Promise<string> {
  if (typeof source === 'string') return refold(source);
  if (target !== undefined) return foldFiles(source, target);
  throw new FanfoldError('FANFOLD_USAGE', 'Expected a target for the list of files, got none.');
}

// --- internal ---

async function planOf(options: SweepOptions): Promise<Plan> {
  checkOptions(options);
  const space = options.space ?? (await spaceOf(options));
  const { jobs = usableProcessors(), tasks = 1, threads = 1 } = options;
  for (const [name, number] of Object.entries({ jobs, tasks, threads })) checkCount(name, number);
  return planSweep({
    worker: workerOf(options),
    space,
    fixed: Object.entries(options.set ?? {}).map(([name, value]) => ({ name, values: toValues([value]) })),
    pointsFile: options.points,
    seed: checkSeed(options.seed ?? 0),
    slicing: options.slicing,
    tasks: options.tasks,
    jobs,
    limits: withLimits(DEFAULT_LIMITS, readLimits(options)),
    format: options.format ?? 'txt',
    header: options.header,
    out: options.out,
  });
}

function runOptions(options: SweepOptions): RunOptions {
  return {
    isFresh: options.fresh === true,
    isForced: options.force === true,
    retryFailed: options.retryFailed === true,
    allowChangedWorker: options.allowChangedWorker === true,
    threads: options.threads,
    timeLimitMs: readTimeLimit(options),
    controls: { stop: options.signal ?? new AbortController().signal, kill: new AbortController().signal },
  };
}

function workerOf(options: SweepOptions): WorkerReference {
  const { worker, command } = options;
  if (worker !== undefined) {
    const { python, startMethod } = options;
    return parseWorkerReference(worker instanceof URL ? worker.href : worker, {
      python,
      startMethod: checkStartMethod(startMethod),
    });
  }
  const { result, columns, stream, shell, stdin, keepScratch = false } = options;
  const named = columns && namedColumns(columns);
  const spec = commandSpec({ command, result, columns: named, stream, shell, stdin });
  return commandReference(spec, { keepScratch });
}

function namedColumns(columns: readonly string[] | DeclaredColumns): NonNullable<CommandSpec['columns']> {
  if (isList(columns)) return columns.map((name) => ({ name }));
  return Object.entries(columns).map(([name, dtype]) => (dtype === null ? { name } : { name, dtype }));
}

function isList(columns: readonly string[] | DeclaredColumns): columns is readonly string[] {
  return Array.isArray(columns);
}

async function spaceOf({ params = {}, zip = [], points }: SweepOptions): Promise<Space> {
  const columns = points === undefined ? [] : columnsFrom(pointsColumns(await readPointsFile(points)));
  const axes = Object.entries(params).map(([name, input]) => ({
    name,
    values: typeof input === 'string' ? parseValues(input, name) : toValues(input),
  }));
  return makeSpace([...(columns.length > 0 ? [columns] : []), ...groupAxes(axes, zip)]);
}

function describeRun(outcome: Outcome, space: Space): Run {
  const { directory, manifest, status, reason, result } = outcome;
  const rows = (): AsyncGenerator<Row> => readResults(directory, manifest, space);
  return {
    directory,
    status,
    reason,
    resultFile: result,
    space,
    failures: status === 'complete' ? [] : failuresOf(outcome),
    [Symbol.asyncIterator]: rows,
    results: async () => {
      const results: Row['result'][] = [];
      for await (const { result: found } of rows()) results.push(found);
      return results;
    },
    columns: () => readColumns(directory, manifest, space),
  };
}

function failuresOf({ directory, manifest, states }: Outcome): FailureRecord[] {
  return recordsOfFailed(directory, manifest, failedPoints(directory, manifest, states));
}

const OPTIONS: Record<keyof SweepOptions, true> = {
  worker: true,
  command: true,
  result: true,
  columns: true,
  stdin: true,
  stream: true,
  shell: true,
  keepScratch: true,
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
  threads: true,
  timeout: true,
  retries: true,
  retryDelay: true,
  maxMemory: true,
  maxFailures: true,
  onError: true,
  timeLimit: true,
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
  checkWorker(options);
  const zip: readonly unknown[] = options.zip ?? [];
  if (!zip.every((names) => Array.isArray(names))) {
    throw new FanfoldError(
      'FANFOLD_USAGE',
      "Expected zip to be a list of lists of names, such as [['U', 'V']].",
    );
  }
}

const COMMAND_OPTIONS = ['result', 'columns', 'stdin', 'stream', 'shell', 'keepScratch'] as const;

function checkWorker(options: SweepOptions): void {
  const { worker, command }: { worker?: unknown; command?: unknown } = options;
  if (command === undefined) {
    const stray = COMMAND_OPTIONS.find((name) => options[name] !== undefined);
    if (stray !== undefined)
      throw new FanfoldError('FANFOLD_USAGE', `Expected ${stray} with a command, got no command.`);
    if (typeof worker === 'string' || worker instanceof URL) return;
    throw new FanfoldError(
      'FANFOLD_USAGE',
      `Expected the worker to be the path of a module, because other processes load it, got a ${typeof worker}.`,
    );
  }
  if (worker !== undefined)
    throw new FanfoldError('FANFOLD_USAGE', 'Expected either a worker or a command, got both.');
  const isWords = Array.isArray(command) && command.every((word) => typeof word === 'string');
  if (!isWords || command.length === 0)
    throw new FanfoldError(
      'FANFOLD_USAGE',
      "Expected the command to be a program and its arguments, such as ['./ising', '{T}'].",
    );
}

function checkStartMethod(method: string | undefined): StartMethod | undefined {
  if (method === undefined || method === 'fork' || method === 'spawn') return method;
  throw new FanfoldError('FANFOLD_USAGE', `Expected startMethod to be "fork" or "spawn", got "${method}".`);
}

function checkSeed(seed: number | bigint): bigint {
  if (typeof seed === 'bigint' ? seed >= 0n && seed < 2n ** 64n : Number.isSafeInteger(seed) && seed >= 0)
    return BigInt(seed);
  throw new FanfoldError(
    'FANFOLD_USAGE',
    `Expected seed to be an integer from 0 to 2^64 - 1, got ${String(seed)}.`,
  );
}
