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
    throw usage(
      `Expected --slurm NAME=VALUE with a NAME of sbatch, got "${name}". Known are: ${[...WITH_VALUE, ...FLAGS].sort().join(', ')}.`,
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
