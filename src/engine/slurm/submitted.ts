import { existsSync } from 'node:fs';
import { listElements } from '../../run/elements.js';
import type { RunPaths } from '../../run/paths.js';
import { readEventsFrom } from '../../run/records.js';
import type { RunJobs } from './commands.js';

/** What was submitted to Slurm for a run, as its journal says. */
export interface Submitted extends RunJobs {
  /** Every array, in order, and what is added to an index in it to get the element. */
  readonly arrays: readonly { readonly job: string; readonly first: number }[];
  /** When the first of them was. */
  readonly since: Date | undefined;
}

/** @returns empty lists for a run that never was, or by hand only */
export function readSubmitted({ events }: RunPaths): Submitted {
  const submits = readEventsFrom(events).records.filter((event) => event.event === 'submit');
  const arrays = submits.flatMap(({ jobs, first }) => jobs.map((job) => ({ job, first })));
  return {
    arrays,
    jobs: arrays.map(({ job }) => job),
    folds: submits.flatMap(({ fold }) => (fold === undefined ? [] : [fold])),
    since: submits[0] && new Date(submits[0].time),
  };
}

/** Whether a run may have jobs in a scheduler's queue: most never do. */
export function mayBeQueued(paths: RunPaths): boolean {
  return (
    existsSync(paths.foldScript) ||
    listElements(paths).length > 0 ||
    (existsSync(paths.events) && readSubmitted(paths).jobs.length > 0)
  );
}
