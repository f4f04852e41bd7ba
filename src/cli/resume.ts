import { usableProcessors } from '../engine/local/processors.js';
import { planOf } from '../sweep/existing-run.js';
import { execute } from './execute.js';

/** `fanfold resume` and `fanfold retry`: gives the exit code. */
export async function resume(
  directory: string,
  options: { jobs?: number | undefined; quiet?: true | undefined; retryFailed: boolean },
): Promise<number> {
  const plan = planOf(directory, options.jobs ?? usableProcessors());
  return execute(plan, { retryFailed: options.retryFailed, isQuiet: options.quiet === true });
}
