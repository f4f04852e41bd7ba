import type { SlurmSettings } from '../../run/slurm-settings.js';

/** What a script for a scheduler needs to know of a run. */
export interface TemplateFacts {
  /** Absolute path of the run directory. */
  readonly directory: string;
  /** Absolute path of node. */
  readonly node: string;
  /** Absolute path of this package's command. */
  readonly command: string;
  /** Of the worker, for the job's name. */
  readonly label: string;
  /** A few digits that tell the run from others. */
  readonly hash: string;
  readonly tasks: number;
  /** Tasks of an element. */
  readonly pack: number;
  /** The most elements that may run at once, what to source first, and options of sbatch. */
  readonly settings: SlurmSettings;
  /** How long a file system may hide what another machine has done, in ms, where that is given. */
  readonly latencyMs?: number | undefined;
}

/** The scripts for one scheduler. */
export interface Template {
  /** What people call it. */
  readonly name: string;
  /** How many elements an array has at most where nobody has changed that, and by which setting. */
  readonly most: { readonly elements: number; readonly setting: string };
  /** The array job that computes the tasks. */
  readonly job: (facts: TemplateFacts) => string;
  /** The job that makes the result afterwards. */
  readonly fold: (facts: TemplateFacts) => string;
}
