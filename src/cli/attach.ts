import { endedRun } from '../report/ended-run.js';
import { describeStatus, readStatus } from '../report/status.js';
import { showProgress } from '../report/progress.js';
import { lockHolder, whenReleased } from '../run/lock.js';
import { nameHolder } from '../run/lock-holder.js';
import { runPaths } from '../run/paths.js';
import { requireManifest } from '../sweep/existing-run.js';
import { exitCodeOf } from './exit-code.js';
import { exitCodeOfSignal, listenForSignals } from './signals.js';
import { tellEnd } from './tell-end.js';
import { followBatch } from './batch.js';
import { tell } from '../report/tell.js';

/** `fanfold attach`: shows the progress of a run that goes on, and gives the exit code with which it ends. */
export async function attach(directory: string): Promise<number> {
  const manifest = await requireManifest(directory, tell);
  const { lock } = runPaths(directory);
  const holder = lockHolder(lock);
  if (holder === undefined) {
    const followed = await followBatch(directory, manifest);
    if (followed !== undefined) return followed;
    tell('Nobody is at work on this run.');
    process.stdout.write(`${describeStatus(readStatus(directory, manifest))}\n`);
    const { outcome, stoppedBy } = endedRun(directory, manifest);
    return exitCodeOf(outcome, exitCodeOfSignal(stoppedBy));
  }
  const signals = listenForSignals('The run goes on; only the view of it ends.');
  tell(`fanfold: ${nameHolder(holder)} is at work; Ctrl-C ends this view of it, not the run.`);
  const endProgress = showProgress(directory, manifest, process.stderr, {
    isElsewhere: holder.isBeside === true,
    isUnderWay: true,
    holder,
  });
  const end = await whenReleased(lock, holder, signals.controls.stop);
  endProgress();
  signals.close();
  if (end === 'left') return signals.exitCode() ?? 1;
  // The jobs of a scheduler don't end with the one who watched them.
  const followed = holder.isBeside === true ? await followBatch(directory, manifest) : undefined;
  if (followed !== undefined) return followed;
  if (end === 'silent') {
    tell(`${nameHolder(holder)} has given no sign of life for a minute.`);
    return 1;
  }
  return tellEnd(directory);
}
