import { usage } from '../errors.js';
import { refuseOptions, type RefusedOptions } from './refused-options.js';

/** The schedulers for which there are templates. */
export const SCHEDULERS = ['slurm', 'pbs', 'sge', 'lsf'] as const;

export type Scheduler = (typeof SCHEDULERS)[number];

/** Options of `run` that a script for a scheduler can't follow, and what to use instead. */
export const REFUSED: RefusedOptions = {
  jobs: {
    flags: '--jobs <n>',
    instead: '--max-running says how many elements run at once, --pack how many tasks in each',
  },
  serial: { flags: '--serial', instead: '--max-running 1 has one element run at a time' },
  threads: { flags: '--threads <n>', instead: 'add it to the call of fanfold element in the script' },
  fresh: { flags: '--fresh', instead: 'every element has processes of its own' },
  compare: { flags: '--compare', instead: 'compare on one machine' },
  detach: { flags: '--detach', instead: 'nothing is started here, and the jobs need no terminal' },
  dryRun: { flags: '-n, --dry-run', instead: 'fanfold run --dry-run shows what would be computed' },
  point: { flags: '--point <index>', instead: 'fanfold run DIR --point computes one point again' },
  engine: { flags: '--engine <name>', instead: 'the scheduler is named behind template' },
  timeLimit: {
    flags: '--time-limit <duration>',
    instead: 'the script has a line time_limit= for it, or the scheduler tells its limit to each element',
  },
};

/**
 * Refuses what the script could not follow.
 * @throws FanfoldError naming what to use instead
 */
export function refuseForTemplate(scheduler: Scheduler, options: object): void {
  refuseOptions(options, REFUSED, { right: 'fanfold run', here: 'template' });
  if (scheduler === 'slurm') return;
  for (const [key, name] of [
    ['slurm', '--slurm'],
    ['slurmSetup', '--slurm-setup'],
  ] as const) {
    if (Reflect.get(options, key) !== undefined)
      throw usage(
        `Expected ${name} with template slurm, got it with ${scheduler}: write the line into the script instead.`,
      );
  }
}
