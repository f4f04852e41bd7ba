import { mayBeQueued } from '../engine/slurm/submitted.js';
import type { PythonOptions } from '../engine/worker-reference.js';
import { FanfoldError } from '../errors.js';
import { commandFor } from '../report/command-line.js';
import type { Manifest } from '../run/manifest.js';
import { runPaths } from '../run/paths.js';
import { requireManifest } from '../sweep/existing-run.js';
import type { Plan } from '../sweep/plan.js';
import { changedLimits, type LimitOptions } from './limit-options.js';
import { changedOptions, type EngineOptions } from './slurm-options.js';
import { tell } from '../report/tell.js';

interface InQueueOptions extends LimitOptions, PythonOptions, Pick<EngineOptions, 'pack'> {
  readonly detach?: true | undefined;
  readonly force?: true | undefined;
  readonly retryFailed?: boolean;
  readonly allowChangedWorker?: true | undefined;
}

/**
 * Looks whether a run that is to be gone on with has jobs in a scheduler's queue already, and follows those.
 * @returns the exit code of what was followed; none where the run is to be gone on with, and whether the scheduler says
 * that none of its elements is at work
 * @throws FanfoldError where it is to be computed otherwise than its jobs do, or the scheduler does not tell
 */
export async function inQueue(
  { directory, request }: Pick<Plan, 'directory' | 'request'>,
  options: InQueueOptions,
): Promise<{ readonly exitCode?: number; readonly areElementsGone: boolean }> {
  const { detach, force, retryFailed, allowChangedWorker } = options;
  // Most runs never were, and need not load what follows.
  if (!mayBeQueued(runPaths(directory))) return { areElementsGone: false };
  const { describeBatch, followBatch, isComplete, isQueued, noAnswer, foldBehind, readBatch, refuseQueued } =
    await import('./batch.js');
  if (request.slurm === undefined || force === true) {
    return { areElementsGone: await refuseQueued(directory, { isForced: force === true }) };
  }
  const batch = await readBatch(directory);
  if (batch === undefined) return { areElementsGone: false };
  const { submitted, queue } = batch;
  // Of none on record nothing is asked that could not be left out: whoever computes holds a lock.
  const isRecorded = submitted.jobs.length > 0;
  if (isRecorded && queue === undefined) {
    if (await isComplete(directory)) return { areElementsGone: false };
    throw noAnswer(submitted);
  }
  if (!isQueued(queue)) return { areElementsGone: isRecorded };
  const manifest = await requireManifest(directory, tell);
  const undone = [
    ...(retryFailed === true ? ['retry'] : []),
    ...(allowChangedWorker === true ? ['--allow-changed-worker'] : []),
    ...(manifest.slurm === undefined ? [] : changedOptions(manifest.slurm, request.slurm)),
    ...changedLimits(manifest.limits, options),
    ...changedElements(manifest, request, options),
  ];
  if (undone.length > 0) throw asTheyWere(directory, undone, describeBatch(batch));
  tell(`The jobs of this run are in the queue already (${describeBatch(batch) ?? ''}).`);
  if (detach !== true) {
    const exitCode = await followBatch(directory, manifest);
    // They may have ended in this moment.
    return exitCode === undefined ? { areElementsGone: true } : { exitCode, areElementsGone: true };
  }
  await foldBehind(directory, manifest, batch);
  tell(`Its progress: ${commandFor('attach', directory)}`);
  return { exitCode: 0, areElementsGone: false };
}

// --- internal ---

/** The options that are given of how elements compute, and say otherwise than the run was begun. */
function changedElements(
  { tasks, pack: begunPack = 1, worker: begun }: Manifest,
  { worker }: Plan['request'],
  { pack = begunPack, python, startMethod }: InQueueOptions,
): string[] {
  const now = worker.kind === 'python' ? worker : undefined;
  return [
    // No element has more tasks than there are.
    ...(Math.min(pack, tasks) === begunPack ? [] : ['--pack']),
    ...(python === undefined || now?.interpreter === begun.interpreter ? [] : ['--python']),
    ...(startMethod === undefined || now?.startMethod === begun.startMethod ? [] : ['--start-method']),
  ];
}

/** The error of a wish that jobs in the queue know nothing of. */
function asTheyWere(directory: string, undone: readonly string[], queue = ''): FanfoldError {
  return new FanfoldError(
    'FANFOLD_LOCKED',
    `Expected no jobs of ${directory} in the queue for ${undone.join(', ')}, but there are (${queue}), and they go on as they were submitted. End them first with ${commandFor('stop', directory)}, or watch them with ${commandFor('attach', directory)}.`,
  );
}
