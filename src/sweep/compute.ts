import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { readCommandFiles } from '../engine/command-files.js';
import type { Engine } from '../engine/engine.js';
import type { Crew } from '../engine/local/crew.js';
import { localEngine } from '../engine/local/local-engine.js';
import type { CommandReference } from '../engine/worker-reference.js';
import { FanfoldError, systemCode } from '../errors.js';
import { someOf } from '../format/some-of.js';
import type { HostWorker } from '../host/protocol.js';
import { changedFiles, type FileHashes } from '../run/file-hashes.js';
import { layoutOfRun } from '../run/layouts.js';
import type { Lock } from '../run/lock.js';
import { writeManifest, type Manifest } from '../run/manifest.js';
import { runPaths } from '../run/paths.js';
import { readEvents } from '../run/records.js';
import type { SlurmSettings } from '../run/slurm-settings.js';
import type { TaskState } from '../run/task-state.js';
import type { Brakes } from './brakes.js';
import { certificateFacts } from './certificate-facts.js';
import { runJob } from './host-worker.js';
import type { Plan } from './plan.js';
import { recordSession, type EarlyEnd } from './record-session.js';
import type { RunOptions } from './run-options.js';

/** What is computed, and how. */
export interface ComputeOptions extends RunOptions {
  readonly load: HostWorker;
  readonly files: FileHashes | undefined;
  readonly crew: Crew;
  readonly brake: Brakes;
  readonly lock: Lock;
  /** Of a run on Slurm: the cluster's bound of array indices, where it was asked for. */
  readonly maxArraySize: number | undefined;
  /** When the run began to prepare, by performance.now. */
  readonly startedMs: number;
}

/**
 * Has an engine compute the open tasks of a run, and records the session.
 * @returns the manifest, with what was learnt of the worker's files
 */
export async function compute(
  plan: Plan,
  manifest: Manifest,
  options: ComputeOptions & {
    readonly tasks: readonly TaskState[];
    /** Points that have a result before. */
    readonly done: number;
  },
): Promise<Manifest> {
  const { directory, request } = plan;
  let current = manifest;
  const paths = runPaths(directory, manifest.spec.format);
  const { startedMs, brake } = options;
  const layout = layoutOfRun(readEvents(paths), manifest);
  const record = recordSession(paths, {
    jobs: jobsOf(plan),
    isRetry: options.retryFailed === true,
    done: options.done,
    startedMs,
  });
  const local = (): Engine =>
    localEngine({
      jobs: request.jobs,
      isFresh: options.isFresh === true,
      worker: options.load,
      files: options.files,
      crew: options.crew,
      onFailed: brake.countFailed,
      learn: (files) => {
        options.lock.check();
        const { worker } = current;
        current = { ...current, worker: { ...worker, files: { ...worker.files, ...files } } };
        writeManifest(paths, current);
      },
      limits: request.limits,
    });
  const engine =
    request.slurm === undefined ? local() : await onSlurm(request.slurm, plan, manifest, options);
  const job = runJob(request.worker, manifest, {
    directory,
    limits: request.limits,
    facts: certificateFacts(directory, brake.endsAtMs),
  });
  const { space } = request;
  const work = {
    lock: options.lock,
    job,
    tasks: options.tasks,
    layout,
    retryFailed: options.retryFailed === true,
    parameters: space.point,
  };
  const close = (reason: string): void => {
    record(reason, earlyEnd(options));
  };
  try {
    await engine.run(work, options.controls);
    options.lock.check();
  } catch (error) {
    // What another coordinator writes is not to be mixed with words of this one.
    if (isStillOurs(options.lock)) closeQuietly(close);
    throw error;
  }
  if (request.worker.kind === 'command') await tellChanged(request.worker, manifest, options.onNotice);
  const isLeft = request.slurm !== undefined && options.isDetached === true;
  close(options.controls.stop.aborted ? 'stopped' : isLeft ? 'submitted' : 'done');
  return current;
}

/**
 * Asks a cluster on which tasks are to be computed for its bound of array indices, before anything is written.
 * @throws FanfoldError where nobody answers
 */
export async function askCluster(
  { request }: Plan,
  { crew, signal }: { readonly crew: Crew; readonly signal: AbortSignal },
): Promise<number | undefined> {
  if (request.slurm === undefined || crew.size === 0) return undefined;
  const { readMaxArraySize } = await import('../engine/slurm/commands.js');
  return readMaxArraySize({ signal });
}

/** How many points have failed in a retry that something stopped; undefined for anything else. */
export function failedInStopped({ brake, retryFailed }: ComputeOptions): number | undefined {
  return retryFailed === true && brake.reason() !== undefined ? brake.failed() : undefined;
}

/** The most processes at once. */
export function jobsOf({ request, tasks }: Plan): number {
  const { slurm, pack = 1, jobs } = request;
  return slurm === undefined ? jobs : Math.min(tasks, (slurm.maxRunning ?? tasks) * pack);
}

// --- internal ---

/**
 * A command runs where it is, so it may be edited while the run goes on. Of the files that it names only those that can be
 * executed are told: others it may write itself.
 */
async function tellChanged(
  worker: CommandReference,
  manifest: Manifest,
  onNotice: RunOptions['onNotice'],
): Promise<void> {
  const { files } = await readCommandFiles(worker);
  const changed = changedFiles(manifest.worker.files, files).filter((name) =>
    isExecutable(resolve(worker.folder, name)),
  );
  if (changed.length === 0) return;
  onNotice?.(
    `Changed while the run went on: ${someOf(changed)}. Points may be of either version; start anew with fanfold run --force where that matters.`,
  );
}

async function onSlurm(
  settings: SlurmSettings,
  { spec, hash }: Plan,
  { tasks, pack = 1 }: Manifest,
  options: ComputeOptions,
): Promise<Engine> {
  const { brake, isDetached = false, command, onNotice } = options;
  if (command === undefined) throw new Error('Nobody said where the command is that jobs are to start.');
  const { slurmEngine } = await import('../engine/slurm/slurm-engine.js');
  const { jobName } = await import('../engine/slurm/job-script.js');
  const { readMaxArraySize } = await import('../engine/slurm/commands.js');
  return slurmEngine({
    settings,
    pack,
    tasks,
    name: jobName(spec, hash),
    command,
    isDetached,
    maxArraySize: options.maxArraySize ?? (await readMaxArraySize()),
    latencyMs: options.fsLatencyMs,
    leaves: () => brake.reason() === 'signal',
    onNotice: onNotice ?? (() => undefined),
  });
}

/** What ended the run early: the name of a signal, where its user's program tells. */
function earlyEnd(options: ComputeOptions): EarlyEnd {
  const reason = options.brake.reason();
  if (reason === undefined) return {};
  const { stop } = options.controls;
  const failedAgain = failedInStopped(options);
  return {
    stoppedBy: reason === 'signal' && typeof stop.reason === 'string' ? stop.reason : reason,
    ...(failedAgain === undefined ? {} : { failedAgain }),
  };
}

function isExecutable(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return found?.isFile() === true && (found.mode & 0o111) !== 0;
}

function isStillOurs(lock: Lock): boolean {
  try {
    lock.check();
    return true;
  } catch (error) {
    if (error instanceof FanfoldError) return false;
    throw error;
  }
}

/** The record of the end must not hide why the run ended, such as a full disk. */
function closeQuietly(close: (reason: string) => void): void {
  try {
    close('error');
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
  }
}
