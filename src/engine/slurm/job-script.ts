import { quoteForShell } from '../../format/shell.js';
import type { SlurmSettings } from '../../run/slurm-settings.js';
import { shortHash, workerLabel, type SweepSpec } from '../../run/spec.js';
import { VERSION } from '../../version.js';
import type { ArrayJob } from './array-spec.js';
import { FLAGS } from './slurm-options.js';

/** What a script needs to know of a run. */
export interface ScriptFacts {
  /** Absolute path of the run directory. */
  readonly directory: string;
  /** Absolute path of node. */
  readonly node: string;
  /** Absolute path of this package's command. */
  readonly command: string;
  /** A short name for the job. */
  readonly name: string;
  readonly tasks: number;
  /** Tasks of an element. */
  readonly pack: number;
  readonly settings: SlurmSettings;
  /** How long a file system may hide what another machine has done, in ms, where that is given. */
  readonly latencyMs?: number | undefined;
}

/** The least notice that an element gets before its time limit, in seconds. */
const NOTICE_SECONDS = 60;
/** Options that a job of one process needs as well, on a cluster that demands them. */
const FOR_FOLD = ['account', 'constraint', 'exclude', 'partition', 'qos', 'reservation', 'time', 'wckey'];

/** What a script says to people. */
export interface ScriptWords {
  /** At its head: what it is and how it is used, in comments. */
  readonly head: string;
  /** Behind its directives: what else may be said there. */
  readonly more?: string;
}

/** What a run's jobs are called, unless its user says otherwise. */
export function jobName({ worker }: SweepSpec, hash: string): string {
  return `fanfold-${workerLabel(worker)}-${shortHash(hash)}`;
}

/** The script of the array job, which computes the tasks; it can also be submitted by hand. */
export function jobScript(
  facts: ScriptFacts,
  arrays: readonly ArrayJob[],
  { head, more = '' }: ScriptWords = { head: headOfJob(facts, arrays) },
): string {
  const { settings, pack } = facts;
  const { options } = settings;
  const { requeue = 'true', 'cpus-per-task': processors = '1', ...others } = options;
  const [array] = arrays;
  return `#!/bin/bash
${head}

${directives(facts, 'slurm-%A_%a.log', {
  array: array?.spec ?? '0',
  requeue,
  // Once for each of the tasks that are computed at once.
  'cpus-per-task': String(Number(processors) * pack),
  // For the script alone: what computes is told by it, and finishes the points in hand.
  signal: `B:USR1@${String(NOTICE_SECONDS)}`,
  ...others,
})}
${more}
# A signal that comes before fanfold listens must not end it.
trap '' USR1
${ownLog(facts.directory, 'slurm-"$SLURM_ARRAY_JOB_ID"_"$SLURM_ARRAY_TASK_ID".log')}
${environment(facts)}
# exec, so that the signals of Slurm reach fanfold itself.
exec "$node" "$fanfold" element "$run" "$SLURM_ARRAY_TASK_ID" --requeue${latencyOption(facts.latencyMs)} "$@"
`;
}

/**
 * The user's own options once more, as words of sbatch: there they prevail over variables of the environment, which prevail
 * over what stands in a script.
 */
export function optionsForArray({ options }: SlurmSettings): string[] {
  return Object.entries(options)
    .filter(([name]) => name !== 'cpus-per-task' && name !== 'requeue' && name !== 'dependency')
    .flatMap(([name, value]) => {
      if (!FLAGS.includes(name)) return [`--${name}=${value}`];
      return value === 'true' ? [`--${name}`] : [];
    });
}

/** Options of the job that folds: where it may run, as the elements, and the little that it needs of what they have. */
export function foldOptions({ options }: SlurmSettings): Readonly<Record<string, string>> {
  const kept = Object.fromEntries(Object.entries(options).filter(([name]) => FOR_FOLD.includes(name)));
  // A cluster may refuse jobs that ask for none.
  const mem = options['mem'] ?? options['mem-per-cpu'] ?? options['mem-per-gpu'];
  return mem === undefined ? kept : { ...kept, mem: isLess(mem) ? mem : `${String(FOLD_MEGABYTES)}M` };
}

/** The script of the job that folds the tasks' files into the result once the array has ended. */
export function foldScript(facts: ScriptFacts): string {
  const kept = foldOptions(facts.settings);
  return `#!/bin/bash
${paragraph(`Written by fanfold ${VERSION}: makes the result of the run in this folder, once the array job has ended.`)}

${directives(facts, 'slurm-fold-%j.log', { requeue: 'true', ...kept })}
${ownLog(facts.directory, 'slurm-fold-"$SLURM_JOB_ID".log')}
${environment(facts)}
exec "$node" "$fanfold" fold "$run" --wait
`;
}

/** What an element is, in a comment. */
export function aboutElements(pack: number): string {
  return paragraph(
    pack === 1
      ? 'Element E of it computes task E.'
      : `Element E of it computes the ${String(pack)} tasks from ${String(pack)} E on, all at once.`,
  );
}

/** How late files may show, as an option of a call in a script, with a blank before it; nothing where it isn't given. */
export function latencyOption(latencyMs: number | undefined): string {
  return latencyMs === undefined ? '' : ` --fs-latency ${String(latencyMs)}ms`;
}

/** A path in a comment, for a person to paste. */
export function quoteForComment(path: string): string {
  return quoteForShell(path).replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, '?');
}

/** Where everything is on every node, and what makes it so. */
export function environment({
  directory,
  node,
  command,
  settings: { setup },
}: Pick<ScriptFacts, 'directory' | 'node' | 'command' | 'settings'>): string {
  return `fanfold_needs() {
  [ -e "$1" ] && return
  echo "fanfold: Expected $1 on $(hostname) as on the machine where this was submitted, but it is not there." \\
    "Put it on a file system that all nodes see." >&2
  exit 2
}

${setup === undefined ? '' : preparation(setup)}run=${quoteInScript(directory)}
node=${quoteInScript(node)}
fanfold=${quoteInScript(command)}
for file in "$run/sweep.json" "$node" "$fanfold"; do fanfold_needs "$file"; done
`;
}

/** Slurm reads a backslash in a path as an escape, also in that of the folder from which a script is submitted. */
export function canStandInDirective(directory: string): boolean {
  return !/[\p{Cc}\\]/u.test(directory);
}

const WIDTH = 100;

/** A comment of lines that are not too long. */
export function paragraph(text: string): string {
  const lines = [''];
  for (const word of text.split(' ')) {
    const last = lines.length - 1;
    const line = `${lines[last] ?? ''} ${word}`;
    if (line.length > WIDTH) lines.push(` ${word}`);
    else lines[last] = line;
  }
  return lines.map((line) => `#${line}`).join('\n');
}

// --- internal ---

/** The user's own script. It may set any variable, and the arguments too, so it comes before those that are set here. */
function preparation(setup: string): string {
  const file = quoteInScript(setup);
  return `fanfold_needs ${file}
fanfold_arguments=("$@")
. ${file}
fanfold_status=$?
# The same also where there are none, set -u is on, and bash is an old one.
set -- \${fanfold_arguments[@]+"\${fanfold_arguments[@]}"}
[ "$fanfold_status" -eq 0 ] ||
  echo "fanfold: The script of --slurm-setup ended with status $fanfold_status; what it was to prepare may be missing." >&2

`;
}

/** Slurm can't open a log in such a directory: the script does, before it says a word. */
function ownLog(directory: string, log: string): string {
  return canStandInDirective(directory) ? '' : `cd ${quoteInScript(directory)} && exec >>logs/${log} 2>&1\n`;
}

/** What a fold takes at most, however large the files are. */
const FOLD_MEGABYTES = 1024;
const MEGABYTES: Readonly<Record<string, number>> = { K: 1 / 1024, M: 1, G: 1024, T: 1024 ** 2 };

/** True for an amount of memory, as sbatch reads it, that is less than a fold would ask for; 0 stands for a whole node's. */
function isLess(amount: string): boolean {
  const { number = '', unit = 'M' } = /^(?<number>\d+)(?<unit>[KMGT])?B?$/i.exec(amount)?.groups ?? {};
  const megabytes = Number(number) * (MEGABYTES[unit.toUpperCase()] ?? 1);
  return megabytes > 0 && megabytes < FOLD_MEGABYTES;
}

/** A word in a script for bash, always on one line: a scheduler may take a line in the middle of a path for a directive. */
function quoteInScript(text: string): string {
  const control = /(?=\p{ASCII})\p{Cc}/gu;
  if (text.search(control) < 0) return quoteForShell(text);
  const code = (character: string): string => character.charCodeAt(0).toString(16).padStart(2, '0');
  return `$'${text.replace(/[\\']/g, '\\$&').replace(control, (character) => `\\x${code(character)}`)}'`;
}

function headOfJob({ directory, tasks, pack }: ScriptFacts, arrays: readonly ArrayJob[]): string {
  return [
    paragraph(
      `Written by fanfold ${VERSION}: a Slurm array job that computes the ${String(tasks)} tasks of the run in this folder.`,
    ),
    aboutElements(pack),
    paragraph(
      'An element that runs again goes on after the last whole line of each task, and computes nothing twice. fanfold submits this script; it can be submitted by hand as well:',
    ),
    '#',
    `#     cd ${quoteForComment(directory)} && sbatch job.sh`,
    ...arrays
      .slice(1)
      .map(({ first, spec }) => `#     sbatch --array=${spec} job.sh --first ${String(first)}`),
    '#',
    paragraph('and then, once it has ended, sbatch fold.sh makes the result of the tasks.'),
  ].join('\n');
}

function directives(
  { directory, name }: ScriptFacts,
  log: string,
  options: Readonly<Record<string, string>>,
): string {
  const all = {
    'job-name': name.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, '_'),
    ...options,
    ...placeOf(directory, log),
    'open-mode': 'append',
  };
  return Object.entries(all)
    .map(([key, value]) => directive(key, value))
    .join('\n');
}

/** Where a job runs and writes its log; where that can't be said, it goes there itself. */
function placeOf(directory: string, log: string): Record<string, string> {
  if (!canStandInDirective(directory)) return { output: '/dev/null' };
  return { chdir: directory, output: `${directory.replaceAll('%', '%%')}/logs/${log}` };
}

function directive(name: string, value: string): string {
  if (name === 'requeue') return value === 'true' ? '#SBATCH --requeue' : '#SBATCH --no-requeue';
  if (FLAGS.includes(name)) return value === 'true' ? `#SBATCH --${name}` : `# ${name} is not set`;
  return `#SBATCH --${name}=${quoteForDirective(value)}`;
}

/** A value as sbatch reads it in a script's `#SBATCH` line. */
function quoteForDirective(value: string): string {
  return /^[\p{L}\p{N}_@%+=:,./[\]-]+$/u.test(value) ? value : `"${value.replace(/["\\]/g, '\\$&')}"`;
}
