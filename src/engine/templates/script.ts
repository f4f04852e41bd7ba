import { countElements } from '../../run/elements.js';
import { VERSION } from '../../version.js';
import {
  aboutElements,
  environment,
  latencyOption,
  paragraph,
  quoteForComment,
} from '../slurm/job-script.js';
import type { TemplateFacts } from './facts.js';

// What the scripts for all schedulers have in common.

/** How a scheduler is spoken to, for the head of a script. */
export interface HeadWords {
  /** What it is called. */
  readonly scheduler: string;
  /** The commands that submit the script, which is saved as `sweep.sh`. */
  readonly submit: readonly string[];
  /** The command that submits the fold behind the job with the number JOB. */
  readonly fold: string;
  /** The command that shows the queue. */
  readonly queue: string;
  /** What becomes of an element that is out of time. */
  readonly again: string;
  /** True where it must be submitted from the run directory, whose path can't stand in a directive. */
  readonly fromThere?: boolean;
}

/** The comments at the head of a script: what it is, and how it is submitted, followed, folded and gone on with. */
export function head(facts: TemplateFacts, words: HeadWords): string {
  const { directory, tasks, pack } = facts;
  const elements = countElements(tasks, pack);
  const place = quoteForComment(directory);
  const { scheduler, submit, fold, queue, again, fromThere = false } = words;
  return [
    paragraph(
      `Written by fanfold ${VERSION}: a job array for ${scheduler} that computes a run, its ${several(tasks, 'task')} in ${several(elements, 'element')}:`,
    ),
    `#     ${place}`,
    aboutElements(pack),
    '#',
    ...(fromThere
      ? [
          '# Saved as sweep.sh in that folder, it is submitted from there (for the path can stand in no directive):',
          `#     cd ${place}`,
        ]
      : ['# Saved as sweep.sh, it is submitted by']),
    ...submit.map((line) => `#     ${line}`),
    paragraph('The result, result.* in the run directory, is made once all has ended, by a job behind JOB'),
    `#     ${fold}`,
    '# or by hand:',
    `#     fanfold fold ${place}`,
    '# How it goes:',
    `#     fanfold status ${place}`,
    `#     ${queue}`,
    paragraph(
      'Where something is missing in the end, submit the same script again: finished tasks are skipped at once, others go on after their last whole line.',
    ),
    paragraph(again),
  ].join('\n');
}

/** The command of the fold's script, as it stands in a comment. */
export function foldFile({ directory }: TemplateFacts): string {
  return quoteForComment(`${directory}/fold.sh`);
}

/** Says which lines are for the user to change. */
export const WISHES = `
# What an element may need; take the first # away, and change what is behind it:`;

/** Where modules are loaded, and the limit that fanfold itself keeps. */
export function preparations(example: string): string {
  return `
# What the worker needs on a node, such as: module load python/3.11
# (OMP_NUM_THREADS and its kin are set to one processor for each task, unless they are set here.)

${paragraph(`How long an element computes before it ends by itself, to be gone on with; a little less than its time above, such as ${example}. Empty: until the scheduler's own warning.`)}
time_limit=
`;
}

/**
 * Where everything is, and the check of that.
 * @param ownLog name of the log, as bash has it, where its path can stand in no directive
 */
export function places(facts: TemplateFacts, ownLog?: string): string {
  const log =
    ownLog === undefined
      ? ''
      : `${paragraph('The path of this folder can stand in no directive, so the log is begun here; what comes before is where the scheduler puts it.')}
exec >>"$run/logs/${ownLog}" 2>&1
`;
  return `${environment(facts)}cd "$run" || exit 2
${log}`;
}

/** The call that computes the element `$index`. */
export function elementCall({ latencyMs }: TemplateFacts): string {
  return `"$node" "$fanfold" element "$run" "$index"${latencyOption(latencyMs)} \${time_limit:+--time-limit "$time_limit"} "$@"`;
}

/** The call that makes the result. */
export const FOLD_CALL = 'exec "$node" "$fanfold" fold "$run" --wait';

/** The head of the script that folds. */
export function foldHead(scheduler: string): string {
  return paragraph(
    `Written by fanfold ${VERSION}: a job for ${scheduler} that makes the result of the run in this folder, once the array has ended.`,
  );
}

/** A name that every scheduler takes: it begins with a letter. */
export function jobName({ label, hash }: TemplateFacts): string {
  return `fanfold-${label.replace(/[^A-Za-z0-9._-]/g, '_').slice(0, 50)}-${hash}`;
}

/** True for a path that is one plain word, which every parser of directives reads alike. */
export function isPlain(path: string): boolean {
  return /^[A-Za-z0-9_@+=./~-]+$/.test(path);
}

/** The log that a script begins itself, where its path can stand in no directive. */
export function ownLog({ directory }: TemplateFacts, log: string): string | undefined {
  return isPlain(directory) ? undefined : log;
}

// --- internal ---

function several(number: number, noun: string): string {
  return `${String(number)} ${noun}${number === 1 ? '' : 's'}`;
}
