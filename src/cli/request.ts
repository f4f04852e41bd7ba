import { fileURLToPath } from 'node:url';
import { usableProcessors } from '../engine/local/processors.js';
import { commandReference, commandSpec, parseColumns } from '../engine/command-reference.js';
import { parseWorkerReference, type StartMethod, type WorkerReference } from '../engine/worker-reference.js';
import { FanfoldError } from '../errors.js';
import type { Format } from '../format/cell.js';
import { DEFAULT_LIMITS, withLimits } from '../run/limits.js';
import type { SweepRequest } from '../sweep/plan.js';
import type { Slicing } from '../slicing.js';
import type { Axis } from '../space/axis.js';
import { groupAxes } from '../space/grid.js';
import { columnsFrom, pointsColumns } from '../space/points-columns.js';
import { readPointsFile } from '../space/points-file.js';
import { checkNames, space } from '../space/space.js';
import { parseFixed, parseRange, parseValues } from '../space/values-syntax.js';
import { splitNamed, type AxisText } from './arguments.js';
import { limitsGiven, type LimitOptions } from './limit-options.js';
import { refuseLocalOptions, slurmSettings, type EngineOptions } from './slurm-options.js';

/** The options of `fanfold run` that say what is to be computed. */
export interface RequestOptions extends LimitOptions, EngineOptions {
  readonly worker?: string | undefined;
  readonly python?: string | undefined;
  readonly startMethod?: StartMethod | undefined;
  /** What stands after `--`. */
  readonly command?: readonly string[] | undefined;
  readonly result?: string | undefined;
  readonly columns?: string | undefined;
  readonly stdin?: true | undefined;
  readonly stream?: true | undefined;
  readonly shell?: true | undefined;
  readonly keepScratch?: true | undefined;
  readonly range?: AxisText[] | undefined;
  readonly param?: AxisText[] | undefined;
  readonly points?: AxisText[] | undefined;
  readonly zip: string[];
  readonly set: string[];
  readonly tasks?: number | undefined;
  readonly slicing?: Slicing | undefined;
  readonly jobs?: number | undefined;
  readonly serial?: true | undefined;
  readonly seed?: bigint | undefined;
  readonly format: Format;
  readonly header?: boolean | undefined;
  readonly out?: string | undefined;
}

const EXAMPLE_WORKER = new URL('../workers/double.ts', import.meta.url);

/**
 * Reads what a command line asks for.
 * @throws FanfoldError where a part of it is wrong
 */
export async function readRequest(
  argument: string | undefined,
  options: RequestOptions,
): Promise<SweepRequest> {
  const { serial, jobs, format, header } = options;
  const slurm = slurmSettings(options);
  if (slurm !== undefined) refuseLocalOptions(options);
  if (serial === true && jobs !== undefined && jobs !== 1) {
    throw new FanfoldError('FANFOLD_USAGE', `Expected either --serial or --jobs ${String(jobs)}, got both.`);
  }
  if (header === true && format === 'jsonl') {
    throw new FanfoldError(
      'FANFOLD_USAGE',
      'Expected --header with txt or csv, got it with jsonl, whose lines carry the names.',
    );
  }
  const texts = options.range ?? options.param ?? options.points ?? [];
  const worker = readWorker(argument, options);
  const groups = await readGroups(texts, options.zip);
  const fixed = options.set.map((text) => {
    const { name, value } = splitNamed('--set', text);
    return { name, values: parseFixed(value) };
  });
  if (groups.length === 0 && fixed.length === 0) {
    throw new FanfoldError(
      'FANFOLD_USAGE',
      'Expected parameters, got none. Give --range 0:17, --param NAME=SPEC, --points FILE, or --set NAME=VALUE for a single point.',
    );
  }
  return {
    worker,
    space: space(groups),
    fixed,
    pointsFile: texts.find(({ option }) => option === 'points')?.text,
    seed: options.seed ?? 0n,
    slicing: options.slicing,
    tasks: options.tasks,
    jobs: serial === true ? 1 : (jobs ?? usableProcessors()),
    slurm,
    pack: slurm === undefined ? undefined : (options.pack ?? 1),
    limits: withLimits(DEFAULT_LIMITS, limitsGiven(options)),
    format,
    header,
    out: options.out,
  };
}

// --- internal ---

function readWorker(argument: string | undefined, options: RequestOptions): WorkerReference {
  const { worker: option, command } = options;
  if (command === undefined) {
    refuseCommandOptions(options);
  } else {
    const module = argument ?? option;
    if (module === undefined) return readCommand(command, options);
    throw new FanfoldError(
      'FANFOLD_USAGE',
      `Expected either a worker or a command after --, got "${module}" and "${command.join(' ')}".`,
    );
  }
  if (argument !== undefined && option !== undefined) {
    throw new FanfoldError(
      'FANFOLD_USAGE',
      `Expected one worker, got "${argument}" and --worker "${option}".`,
    );
  }
  const { python, startMethod } = options;
  return parseWorkerReference(argument ?? option ?? fileURLToPath(EXAMPLE_WORKER), { python, startMethod });
}

function readCommand(command: readonly string[], options: RequestOptions): WorkerReference {
  const { result, stream, shell, stdin, keepScratch = false } = options;
  const columns = options.columns === undefined ? undefined : parseColumns(options.columns);
  return commandReference(commandSpec({ command, result, columns, stream, shell, stdin }), { keepScratch });
}

function refuseCommandOptions(options: RequestOptions): void {
  const { result, columns, stream, shell, stdin, keepScratch } = options;
  const given = { result, columns, stream, shell, stdin, 'keep-scratch': keepScratch };
  const [name] = Object.entries(given).find(([, value]) => value !== undefined) ?? [];
  if (name === undefined) return;
  throw new FanfoldError(
    'FANFOLD_USAGE',
    `Expected --${name} with a command, got none: put it last, after --, as in fanfold --param T=1:5 -- ./ising {T}.`,
  );
}

/** Groups in the order of the command line; the columns of a points file are one group. */
async function readGroups(texts: readonly AxisText[], zips: readonly string[]): Promise<Axis[][]> {
  const axes: Axis[] = [];
  const columns: string[][] = [];
  for (const { option, text } of texts) {
    if (option === 'points') {
      if (columns.length > 0)
        throw new FanfoldError('FANFOLD_USAGE', 'Expected --points once, got it twice.');
      const read = columnsFrom(pointsColumns(await readPointsFile(text)));
      columns.push(read.map(({ name }) => name));
      axes.push(...read);
    } else {
      axes.push(readAxis(option, text));
    }
  }
  checkNames(axes);
  const walks = zips.map((names) => names.split(',').map((name) => name.trim()));
  return groupAxes(axes, [...columns.filter((names) => names.length > 1), ...walks]);
}

function readAxis(option: 'range' | 'param', text: string): Axis {
  if (option === 'range') return { name: 'x', values: parseRange(text, '--range') };
  const { name, value } = splitNamed('--param', text);
  return { name, values: parseValues(value, `--param ${name}`) };
}
