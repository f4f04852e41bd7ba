import { realpathSync } from 'node:fs';
import { FanfoldError } from '../errors.js';
import type { Plan } from '../sweep/plan.js';
import { shortPath } from '../report/command-line.js';
import { count } from '../report/duration.js';
import { pathForStdout } from '../report/printable.js';
import { describeTrouble, summarize } from '../report/summary.js';
import { slicingAdvice } from '../slicing.js';
import { runSweep, type Outcome } from '../sweep/sweep.js';
import type { RunOptions } from '../sweep/run-options.js';
import { exitCodeOf } from './exit-code.js';
import { tell } from '../report/tell.js';
import { ENDING, listenForSignals, StoppedError } from './signals.js';

const JOBS_GO_ON =
  'The jobs go on without this command; fanfold attach shows them again, fanfold stop ends them.';

export interface ExecuteOptions {
  readonly isFresh?: boolean;
  readonly threads?: number | undefined;
  readonly timeLimitMs?: number | undefined;
  readonly fsLatencyMs?: number | undefined;
  readonly areElementsGone?: boolean | undefined;
  readonly isForced?: boolean;
  readonly retryFailed?: boolean;
  readonly allowChangedWorker?: boolean;
  readonly isQuiet: boolean;
  /** Leave the run going without a terminal. */
  readonly isDetached?: boolean;
}

/**
 * Runs a plan with progress and a summary on stderr, and the path of the result on stdout.
 * @returns the exit code
 */
export async function execute(plan: Plan, options: ExecuteOptions): Promise<number> {
  const isSubmitted = plan.request.slurm !== undefined;
  const detach = options.isDetached === true && !isSubmitted ? await import('./detach.js') : undefined;
  if (detach?.isLeftBehind() === false) return detach.leaveBehind(plan.directory);
  detach?.forgetMark();
  const { outcome, signalExitCode } = await runShown(plan, {
    ...options,
    onBegin: () => detach?.letGo(plan.directory),
  });
  if (isSubmitted && outcome.status === 'stopped') {
    const { tellSubmitted } = await import('./batch.js');
    return tellSubmitted(plan.directory, outcome, { ...options, signalExitCode });
  }
  if (!options.isQuiet) tell(describeOutcome(outcome));
  else if (outcome.status !== 'complete') tell(describeTrouble(outcome));
  if (outcome.result !== undefined) process.stdout.write(`${pathForStdout(shortPath(outcome.result))}\n`);
  return exitCodeOf(outcome, signalExitCode);
}

/** Runs a plan and shows its progress. */
export async function runShown(
  plan: Plan,
  { isQuiet, isDetached, onBegin, ...options }: ExecuteOptions & { onBegin?: () => void },
): Promise<{ outcome: Outcome; signalExitCode: number | undefined }> {
  const isSubmitted = plan.request.slurm !== undefined;
  const signals = isSubmitted
    ? listenForSignals(JOBS_GO_ON)
    : listenForSignals(undefined, { ending: ENDING });
  // Loaded only where it is shown: a library of bars costs a short run more than its points.
  const progress = isQuiet || isDetached === true ? undefined : await import('../report/progress.js');
  let endProgress = (): void => undefined;
  const slowStart = setTimeout(() => {
    if (!isQuiet)
      tell(
        'Still preparing: the worker is loaded, or the files of the run directory are read. Ctrl-C ends it.',
      );
  }, SLOW_START_MS);
  const onStart: RunOptions['onStart'] = (manifest) => {
    clearTimeout(slowStart);
    onBegin?.();
    if (isQuiet) return;
    const advice = slicingAdvice(manifest.points, manifest.tasks, manifest.spec.slicing);
    if (advice !== undefined) tell(advice);
    const where = isSubmitted ? 'on Slurm' : `${String(Math.min(plan.request.jobs, manifest.tasks))} at once`;
    tell(
      `fanfold: ${count(manifest.points, 'point')} in ${count(manifest.tasks, 'task')}, ${where}, in ${shortPath(plan.directory)}`,
    );
    if (progress !== undefined)
      endProgress = progress.showProgress(plan.directory, manifest, process.stderr, {
        isElsewhere: isSubmitted,
        isRetry: options.retryFailed === true,
      });
  };
  try {
    const outcome = await runSweep(plan, {
      ...options,
      ...(isSubmitted ? { isDetached, command: realpathSync(process.argv[1] ?? '') } : {}),
      controls: signals.controls,
      onStart,
      onNotice: tell,
    });
    return { outcome, signalExitCode: signals.exitCode() };
  } catch (error) {
    const exitCode = signals.exitCode();
    if (error instanceof FanfoldError && error.code === 'FANFOLD_STOPPED' && exitCode !== undefined) {
      throw new StoppedError(error.message, exitCode);
    }
    throw error;
  } finally {
    clearTimeout(slowStart);
    endProgress();
    signals.close();
  }
}

// --- internal ---

/** A worker that loads for longer may have come to a halt, and its user should not think that points are computed. */
const SLOW_START_MS = 10_000;

function describeOutcome(outcome: Outcome): string {
  const { computed, status, manifest } = outcome;
  if (computed > 0 || status !== 'complete') return summarize(outcome);
  return `This run is complete: ${count(manifest.points, 'point')} in ${count(manifest.tasks, 'task')}; nothing to compute.`;
}
