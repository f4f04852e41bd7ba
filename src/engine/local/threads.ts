import { usableProcessors } from './processors.js';

/** The variables by which numerical libraries learn how many threads to start. */
const THREAD_VARIABLES = [
  'OMP_NUM_THREADS',
  'OPENBLAS_NUM_THREADS',
  'MKL_NUM_THREADS',
  'BLIS_NUM_THREADS',
  'NUMBA_NUM_THREADS',
  'NUMEXPR_NUM_THREADS',
  'VECLIB_MAXIMUM_THREADS',
];

/**
 * The thread variables for a child, so that processes times threads don't exceed the processors. What the user set stays,
 * unless `threads` is given.
 * @param processors that this run may use
 * @param jobs processes at once
 * @param threads the number itself, where the user names one
 */
export function threadVariables(
  env: NodeJS.ProcessEnv,
  processors: number,
  jobs: number,
  threads?: number,
): Record<string, string> {
  const names = THREAD_VARIABLES.filter((name) => threads !== undefined || env[name] === undefined);
  const count = String(threads ?? Math.max(1, Math.floor(processors / jobs)));
  return Object.fromEntries(names.map((name) => [name, count]));
}

/** The environment of the processes of a run: this process's own, and the thread variables. */
export function childEnvironment(jobs: number, threads: number | undefined): NodeJS.ProcessEnv {
  return { ...process.env, ...threadVariables(process.env, usableProcessors(), jobs, threads) };
}
