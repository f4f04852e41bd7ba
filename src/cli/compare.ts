import { shortPath } from '../report/command-line.js';
import { printable } from '../report/printable.js';
import { comparePlan, describeComparison } from '../report/comparison.js';
import { describeTrouble, summarize } from '../report/summary.js';
import { tell } from '../report/tell.js';
import type { Plan } from '../sweep/plan.js';
import { runShown, type ExecuteOptions } from './execute.js';
import { exitCodeOf } from './exit-code.js';

/**
 * Runs a plan twice, with one process at a time and with all, and prints how much faster the second was.
 * @returns the exit code
 */
export async function compare(plan: Plan, options: ExecuteOptions): Promise<number> {
  let exitCode = 1;
  const comparison = await comparePlan(plan, { isForced: options.isForced === true }, async (part) => {
    const { outcome, signalExitCode } = await runShown(part, options);
    if (outcome.status === 'complete') return outcome;
    tell(`The comparison was not finished: ${shortPath(part.directory)} is ${outcome.status}.`);
    tell(options.isQuiet ? describeTrouble(outcome) : summarize(outcome));
    exitCode = exitCodeOf(outcome, signalExitCode);
    return undefined;
  });
  if (comparison === undefined) return exitCode;
  process.stdout.write(`${printable(describeComparison(comparison))}\n`);
  return 0;
}
