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
 * The thread variables for a child, so that processes times threads don't exceed the processors. What the user set stays.
 * @param processors that this run may use
 * @param jobs processes at once
 */
export function threadVariables(
  env: NodeJS.ProcessEnv,
  processors: number,
  jobs: number,
): Record<string, string> {
  const threads = String(Math.max(1, Math.floor(processors / jobs)));
  return Object.fromEntries(
    THREAD_VARIABLES.filter((name) => env[name] === undefined).map((name) => [name, threads]),
  );
}
