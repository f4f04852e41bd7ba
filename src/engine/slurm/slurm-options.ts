import { usage } from '../../errors.js';

/** Options of sbatch that a run may set: its long names, with a value. */
const WITH_VALUE = [
  'account',
  'begin',
  'comment',
  'constraint',
  'core-spec',
  'cpu-freq',
  'cpus-per-gpu',
  'cpus-per-task',
  'deadline',
  'dependency',
  'exclude',
  'gpu-bind',
  'gpu-freq',
  'gpus',
  'gpus-per-node',
  'gpus-per-task',
  'gres',
  'hint',
  'job-name',
  'licenses',
  'mail-type',
  'mail-user',
  'mem',
  'mem-bind',
  'mem-per-cpu',
  'mem-per-gpu',
  'mincpus',
  'network',
  'nice',
  'nodefile',
  'nodelist',
  'partition',
  'prefer',
  'priority',
  'qos',
  'reservation',
  'sockets-per-node',
  'switches',
  'thread-spec',
  'threads-per-core',
  'time',
  'time-min',
  'tmp',
  'wckey',
];
/** Those that are given as `true` or `false`. */
export const FLAGS = [
  'contiguous',
  'exclusive',
  'hold',
  'oversubscribe',
  'reboot',
  'requeue',
  'spread-job',
  'use-min-nodes',
];
/** Those that fanfold sets itself, and by what. */
const OURS: Readonly<Record<string, string>> = {
  array: '--tasks, --pack and --max-running',
  chdir: 'the run directory',
  clusters: 'the cluster on whose login node this is',
  error: 'the folder logs in the run directory',
  export: 'the whole environment, which is passed on',
  'get-user-env': 'the whole environment, which is passed on',
  input: 'nothing: an element reads no standard input',
  nodes: 'one node for each element',
  ntasks: 'one process for each element; --pack computes several tasks in it',
  'ntasks-per-node': 'one process for each element; --pack computes several tasks in it',
  'open-mode': 'append, so that a requeue keeps the log',
  output: 'the folder logs in the run directory',
  signal: 'a warning a minute before the time limit',
  wrap: 'job.sh',
};

/**
 * Checks one option for sbatch.
 * @param name long name, without `--`
 * @throws FanfoldError where sbatch has no such option, or it is not the user's to set
 */
export function checkSlurmOption(name: string, value: string): void {
  const own = Object.hasOwn(OURS, name) ? OURS[name] : undefined;
  if (own !== undefined) {
    throw usage(`Expected --slurm to leave ${name} alone, which is set by fanfold: ${own}.`);
  }
  const isFlag = FLAGS.includes(name);
  if (!isFlag && !WITH_VALUE.includes(name)) {
    const known = [...WITH_VALUE, ...FLAGS].sort();
    const meant = nearest(name, known);
    throw usage(
      `Expected --slurm NAME=VALUE with a NAME of sbatch, got "${name}". ${meant === undefined ? '' : `Did you mean ${meant}? `}Known are: ${known.join(', ')}.`,
    );
  }
  if (isFlag && value !== 'true' && value !== 'false') {
    throw usage(`Expected --slurm ${name}=true or ${name}=false, got "${value}".`);
  }
  if (value === '' || /[\p{Cc}\p{Zl}\p{Zp}]/u.test(value)) {
    throw usage(
      `Expected --slurm ${name}= to be followed by a value without control characters, got "${value}".`,
    );
  }
  if (name === 'cpus-per-task' && !/^[1-9]\d{0,5}$/.test(value)) {
    throw usage(`Expected --slurm cpus-per-task to be a positive integer, got "${value}".`);
  }
}

// --- internal ---

/** The name that is meant where a few letters are wrong; undefined where that is none. */
function nearest(name: string, names: readonly string[]): string | undefined {
  const most = Math.max(1, Math.floor(name.length / 3));
  const [best] = names
    .map((each) => ({ each, distance: lettersBetween(name, each) }))
    .filter(({ distance }) => distance <= most)
    .sort((one, other) => one.distance - other.distance);
  return best?.each;
}

/** How many letters are to be added, left out or replaced to make one word of another. */
function lettersBetween(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [above, letter] of Array.from(one).entries()) {
    const next = [above + 1];
    for (let index = 0; index < other.length; index++) {
      const [replaced = 0, leftOut = 0, added = 0] = [row[index], row[index + 1], next[index]];
      next.push(Math.min(replaced + (letter === other[index] ? 0 : 1), leftOut + 1, added + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
