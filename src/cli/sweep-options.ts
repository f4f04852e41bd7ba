import { Option, type Command, type OptionValues } from '@commander-js/extra-typings';
import { collectAxis, collectText, parseCount, parseSeed, type AxisText } from './arguments.js';
import type { LimitOptions } from './limit-options.js';
import type { RequestOptions } from './request.js';
import type { EngineOptions } from './slurm-options.js';

/** The options that say what is to be computed. */
export type SweepOptions = Omit<
  RequestOptions,
  keyof LimitOptions | keyof EngineOptions | 'command' | 'jobs' | 'serial'
>;

/** Adds the worker and the options that say what is to be computed, which run and template have alike. */
export function addSweep<Args extends unknown[], Options extends OptionValues, Globals extends OptionValues>(
  command: Command<Args, Options, Globals>,
): Command<[...Args, string | undefined], Options & SweepOptions, Globals> {
  const added = command
    .argument(
      '[worker]',
      'a JavaScript or TypeScript module, FILE:name for one of its exports, or a Python function FILE.py:name (default: the example double)',
    )
    .option('--worker <file>', 'the same as the argument')
    .option(
      '--python <path>',
      "a Python worker's interpreter (default: the active environment's, then python3)",
    )
    .addOption(
      new Option(
        '--start-method <method>',
        'how Python processes come about: fork imports the model once',
      ).choices(['fork', 'spawn'] as const),
    )
    .option(
      '--range <start:stop[:step]>',
      "values of the parameter x, as NumPy's arange",
      (text, axes: AxisText[] | undefined) => collectAxis(axes, 'range', text),
    )
    .option(
      '--param <name=spec>',
      'values of a parameter: start:stop[:step], linspace(a,b,n), logspace(a,b,n), geomspace(a,b,n), or a list 1,2,5; repeat for a grid, the last fastest',
      (text, axes: AxisText[] | undefined) => collectAxis(axes, 'param', text),
    )
    .option('--zip <names>', 'parameters that walk together, such as U,V', collectText, [])
    .option(
      '--points <file>',
      'points from a .csv, .tsv or .jsonl file with named columns',
      (text, axes: AxisText[] | undefined) => collectAxis(axes, 'points', text),
    )
    .option('--set <name=value>', 'a keyword argument that is the same for every point', collectText, [])
    .option(
      '--tasks <n>',
      'cut the points into n tasks, a file each (default: several for each job slot)',
      parseCount('--tasks'),
    )
    .addOption(
      new Option('--slicing <rule>', 'how points are cut into tasks').choices(['guan', 'balanced'] as const),
    )
    .option('--seed <n>', 'seed of the random numbers of all points, 0 to 2^64 - 1 (default: 0)', parseSeed)
    .addOption(
      new Option('--format <format>', 'of the files')
        .choices(['txt', 'csv', 'jsonl'] as const)
        .default('txt' as const),
    )
    .option('--header', 'begin the result with the names of its columns (csv: always)')
    .option('--no-header', 'leave the names of a csv out')
    .option('--out <dir>', 'the run directory (default: runs/WORKER-HASH)')
    .option(
      '--result <rule>',
      "a command's result: line (default), last-line, json, regex:PATTERN, file:NAME or exit",
    )
    .option('--columns <names>', "names of a command's result columns, NAME[:TYPE],…")
    .option('--stdin', 'give a command its point as JSON on its standard input')
    .option('--stream', 'start the command once for each job slot, and ask it for one point after another')
    .option('--shell', 'run the one text after -- by /bin/sh')
    .option('--keep-scratch', "leave each point's folder {out} where it is");
  return added as unknown as Command<[...Args, string | undefined], Options & SweepOptions, Globals>;
}
