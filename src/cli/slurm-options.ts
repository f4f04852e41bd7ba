import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { Option, type Command, type OptionValues } from '@commander-js/extra-typings';
import { checkSlurmOption } from '../engine/slurm/slurm-options.js';
import { usage } from '../errors.js';
import type { SlurmSettings } from '../run/slurm-settings.js';
import { count } from '../report/duration.js';
import type { Plan } from '../sweep/plan.js';
import { tell } from '../report/tell.js';
import { parseCount, splitNamed } from './arguments.js';
import { refuseOptions, type RefusedOptions } from './refused-options.js';

/** Where a run is computed, as the command line has it. */
export interface EngineOptions {
  readonly engine?: 'local' | 'slurm' | undefined;
  readonly slurm?: Readonly<Record<string, string>> | undefined;
  readonly maxRunning?: number | undefined;
  readonly pack?: number | undefined;
  readonly slurmSetup?: string | undefined;
}

/** Adds the options that say where tasks are computed, which run, resume and retry have alike. */
export function addEngine<Args extends unknown[], Options extends OptionValues, Globals extends OptionValues>(
  command: Command<Args, Options, Globals>,
): Command<Args, Options & Pick<EngineOptions, keyof EngineOptions>, Globals> {
  const added = command
    .addOption(
      new Option(
        '--engine <name>',
        'where tasks are computed: local (processes here) or slurm (an array job); default: local, or as the run was begun',
      ).choices(['local', 'slurm'] as const),
    )
    .option(
      '--slurm <name=value>',
      'an option of sbatch, such as partition=main or time=01:00:00; repeat for more',
      collectSlurm,
    )
    .option(
      '--max-running <n>',
      'the most elements of the array that run at once',
      parseCount('--max-running'),
    )
    .option('--pack <n>', 'tasks of an element, computed at once on n processors', parseCount('--pack'))
    .option('--slurm-setup <file>', 'a shell script that each element sources first (module load …)');
  return added as unknown as Command<Args, Options & Pick<EngineOptions, keyof EngineOptions>, Globals>;
}

/**
 * How a run is submitted; undefined for one that is computed here.
 * @param begun how it was before, which is kept where nothing else is said
 * @throws FanfoldError where the options contradict each other or a file is not there
 */
export function slurmSettings(options: EngineOptions, begun?: SlurmSettings): SlurmSettings | undefined {
  const { engine = begun === undefined ? 'local' : 'slurm', slurm, maxRunning, pack, slurmSetup } = options;
  if (engine === 'local') {
    const stray = Object.entries({
      '--slurm': slurm,
      '--max-running': maxRunning,
      '--pack': pack,
      '--slurm-setup': slurmSetup,
    }).find(([, value]) => value !== undefined);
    if (stray === undefined) return undefined;
    throw usage(`Expected ${stray[0]} with --engine slurm, got it without.`);
  }
  const setup = slurmSetup === undefined ? begun?.setup : resolve(slurmSetup);
  if (setup !== undefined && statSync(setup, { throwIfNoEntry: false })?.isFile() !== true) {
    throw usage(
      `Expected --slurm-setup to name a shell script, but ${setup} is ${existsSync(setup) ? 'no file' : 'not there'}.`,
    );
  }
  const most = maxRunning ?? begun?.maxRunning;
  return {
    options: { ...lasting(begun?.options), ...slurm },
    ...(most === undefined ? {} : { maxRunning: most }),
    ...(setup === undefined ? {} : { setup }),
  };
}

/**
 * Names the options by which a run is to be submitted otherwise than it was.
 * @param begun how it was submitted
 */
export function changedOptions(begun: SlurmSettings, now: SlurmSettings): string[] {
  const names = new Set([...Object.keys(begun.options), ...Object.keys(now.options)]);
  // What was meant for one submission is not kept for the next.
  const isLeftOut = (name: string): boolean => ONCE.includes(name) && now.options[name] === undefined;
  return [
    ...[...names]
      .filter((name) => begun.options[name] !== now.options[name] && !isLeftOut(name))
      .map((name) => `--slurm ${name}`),
    ...(begun.maxRunning === now.maxRunning ? [] : ['--max-running']),
    ...(begun.setup === now.setup ? [] : ['--slurm-setup']),
  ];
}

/** Says where an element has less tasks than was asked for, because there are no more. */
export function tellPack({ pack }: EngineOptions, { request, tasks }: Plan): void {
  if (pack === undefined || request.pack === undefined || request.pack >= pack) return;
  tell(
    `--pack ${String(pack)} is more than the ${count(tasks, 'task')} of this run: one element computes all of them.`,
  );
}

/**
 * Refuses what makes sense for processes of this machine only.
 * @throws FanfoldError naming what to use instead
 */
export function refuseLocalOptions(options: object): void {
  refuseOptions(options, LOCAL_ONLY, { right: '--engine local', here: 'slurm' });
}

// --- internal ---

/** Options that were meant for one submission. */
const ONCE = ['begin', 'deadline', 'dependency', 'hold'];

function lasting(options: SlurmSettings['options'] = {}): SlurmSettings['options'] {
  return Object.fromEntries(Object.entries(options).filter(([name]) => !ONCE.includes(name)));
}

const LOCAL_ONLY: RefusedOptions = {
  jobs: { flags: '--jobs', instead: '--max-running says how many elements run at once' },
  threads: { flags: '--threads', instead: '--slurm cpus-per-task says how many processors a task has' },
  serial: { flags: '--serial', instead: '--max-running 1 has one element run at a time' },
  fresh: { flags: '--fresh', instead: 'every element has processes of its own' },
  compare: { flags: '--compare', instead: 'compare on one machine' },
  timeLimit: {
    flags: '--time-limit',
    instead:
      '--slurm time=01:00:00 limits each element, which then goes back into the queue, and --slurm deadline= the whole',
  },
};

export function collectSlurm(
  text: string,
  previous: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const { name, value } = splitNamed('--slurm', text);
  const key = name.replace(/^--/, '');
  checkSlurmOption(key, value);
  return { ...previous, [key]: value };
}
