import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FanfoldError } from '../errors.js';
import type { Plan } from '../sweep/plan.js';
import { shortPath } from '../report/command-line.js';
import { formatSeconds } from '../report/duration.js';
import { lastSession } from '../report/session.js';
import type { Outcome } from '../sweep/sweep.js';
import { runShown, type ExecuteOptions } from './execute.js';

/**
 * Runs a plan twice, with one process at a time and with all, and prints how much faster the second was.
 * @returns the exit code
 */
export async function compare(plan: Plan, options: ExecuteOptions): Promise<number> {
  const { jobs } = plan.request;
  if (jobs < 2) {
    throw new FanfoldError(
      'FANFOLD_USAGE',
      'Expected --compare with at least two job slots, got one: give --jobs 2 or more.',
    );
  }
  const folder = `${plan.directory}-compare`;
  if (existsSync(folder) && options.isForced !== true) {
    throw new FanfoldError(
      'FANFOLD_OUT',
      `Expected to time both runs afresh, but ${shortPath(folder)} is there already: use --force to replace it, or another --out.`,
    );
  }
  const outcomes: Outcome[] = [];
  for (const slots of [1, jobs]) {
    const directory = join(folder, slots === 1 ? 'serial' : 'parallel');
    const { outcome, signalExitCode } = await runShown(
      { ...plan, directory, request: { ...plan.request, jobs: slots } },
      options,
    );
    if (outcome.status !== 'complete') {
      process.stderr.write(
        `The comparison was not finished: ${shortPath(directory)} is ${outcome.status}.\n`,
      );
      return signalExitCode ?? 1;
    }
    outcomes.push(outcome);
  }
  process.stdout.write(`${describeComparison(outcomes, jobs)}\n`);
  return 0;
}

// --- internal ---

function describeComparison(outcomes: readonly Outcome[], jobs: number): string {
  const sessions = outcomes.map(({ directory, manifest }) => lastSession(directory, manifest));
  const [serial = NaN, parallel = NaN] = sessions.map((session) => session?.wallSeconds ?? NaN);
  const rows = outcomes.map(({ result }, index) => {
    const name = index === 0 ? 'serial  ' : 'parallel';
    const pids = sessions[index]?.processes.map(({ pid }) => pid) ?? [];
    const shown = pids.length > 8 ? `${pids.slice(0, 8).join(', ')}, …` : pids.join(', ');
    return `${name}  ${formatSeconds(sessions[index]?.wallSeconds ?? NaN).padStart(12)}  ${String(pids.length)} ${pids.length === 1 ? 'process' : 'processes'} (${shown})  ${shortPath(result ?? '')}`;
  });
  const speedUp = serial / parallel;
  const [first, second] = outcomes.map(({ result }) => readFileSync(result ?? ''));
  const isSame = first !== undefined && second !== undefined && first.equals(second);
  return [
    ...rows,
    `speed-up ${speedUp.toFixed(2)}, efficiency ${(speedUp / jobs).toFixed(2)} with ${String(jobs)} job slots`,
    `results: ${isSame ? 'the same bytes' : 'they differ (does the worker return times, process numbers or unseeded random numbers?)'}`,
  ].join('\n');
}
