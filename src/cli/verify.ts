import { usableProcessors } from '../engine/local/processors.js';
import { describeVerification, verificationJson } from '../report/verification.js';
import { printable } from '../report/printable.js';
import { describeTrouble } from '../report/summary.js';
import { planOf } from '../sweep/existing-run.js';
import { repairRun } from '../sweep/repair.js';
import { verifyRun, type Verification } from '../sweep/verify.js';
import { runShown } from './execute.js';
import { tell } from '../report/tell.js';

interface VerifyOptions {
  readonly json?: true | undefined;
  readonly repair?: true | undefined;
  readonly fsLatency?: number | undefined;
}

/** `fanfold verify`: gives the exit code, 1 where a file is not as it was recorded. */
export async function verify(directory: string, options: VerifyOptions): Promise<number> {
  const { fsLatency } = options;
  const found = await verifyRun(directory, { latencyMs: fsLatency, onNotice: tell });
  if (options.repair !== true || found.problems.length === 0) return print(found, options);
  for (const { file, kind, text } of found.problems) tell(`${kind}: ${file}: ${text}`);
  await repairRun(found, tell, fsLatency);
  const mended = await verifyRun(directory, { latencyMs: 0 });
  const isLeft = mended.problems.length > 0 || mended.lines < mended.manifest.points;
  if (!found.wasComplete || !isLeft) return print(mended, options);
  const exitCode = await goOn(directory);
  return Math.max(print(await verifyRun(directory, { latencyMs: 0 }), options), exitCode);
}

// --- internal ---

/** What is damaged beyond that is computed again, or copied from where it came from, as a run does that goes on. */
async function goOn(directory: string): Promise<number> {
  const plan = await planOf(directory, { jobs: usableProcessors(), limits: {} });
  const { outcome, signalExitCode } = await runShown(plan, { isQuiet: true, fsLatencyMs: 0 });
  if (outcome.computed > 0) tell(`Computed again: ${String(outcome.computed)} points.`);
  // Of a run with failed points, all that there is may be well.
  if (outcome.status !== 'stopped') return 0;
  tell(describeTrouble(outcome));
  return signalExitCode ?? 1;
}

function print(found: Verification, { json }: VerifyOptions): number {
  process.stdout.write(
    `${json === true ? verificationJson(found) : printable(describeVerification(found))}\n`,
  );
  return found.problems.length === 0 ? 0 : 1;
}
