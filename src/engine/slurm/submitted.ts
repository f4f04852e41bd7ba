import type { RunPaths } from '../../run/paths.js';
import { readEventsFrom } from '../../run/records.js';

/** What was submitted to Slurm for a run, as its journal says. */
export interface Submitted {
  /** Every array, in order, and what is added to an index in it to get the element. */
  readonly arrays: readonly { readonly job: string; readonly first: number }[];
  /** Ids of all array jobs, and of the jobs that fold after them. */
  readonly jobs: readonly string[];
  readonly folds: readonly string[];
  /** When the first of them was. */
  readonly since: Date;
}

/** @returns undefined for a run that never was */
export function readSubmitted({ events }: RunPaths): Submitted | undefined {
  const submits = readEventsFrom(events).records.filter((event) => event.event === 'submit');
  const [first] = submits;
  if (first === undefined) return undefined;
  const arrays = submits.flatMap(({ jobs, first: offset }) => jobs.map((job) => ({ job, first: offset })));
  return {
    arrays,
    jobs: arrays.map(({ job }) => job),
    folds: submits.flatMap(({ fold }) => (fold === undefined ? [] : [fold])),
    since: new Date(first.time),
  };
}
