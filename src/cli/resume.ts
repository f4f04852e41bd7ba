import { existsSync } from 'node:fs';
import { usableProcessors } from '../engine/local/processors.js';
import type { StartMethod } from '../engine/worker-reference.js';
import { planOf, requireManifest } from '../sweep/existing-run.js';
import { shortPath } from '../report/command-line.js';
import { execute } from './execute.js';
import { tell } from '../report/tell.js';
import { inQueue } from './in-queue.js';
import { refuseLocalOptions, slurmSettings, tellPack, type EngineOptions } from './slurm-options.js';
import { limitsGiven, type LimitOptions } from './limit-options.js';

/** `fanfold resume` and `fanfold retry`: gives the exit code. */
export async function resume(
  directory: string,
  options: LimitOptions &
    EngineOptions & {
      jobs?: number | undefined;
      python?: string | undefined;
      startMethod?: StartMethod | undefined;
      threads?: number | undefined;
      quiet?: true | undefined;
      detach?: true | undefined;
      allowChangedWorker?: true | undefined;
      retryFailed: boolean;
    },
): Promise<number> {
  const late = { latencyMs: options.fsLatency, onNotice: tell };
  const { slurm: begun } = await requireManifest(directory, undefined, late);
  const slurm = slurmSettings(options, begun);
  if (slurm !== undefined) refuseLocalOptions(options);
  const plan = await planOf(directory, {
    jobs: options.jobs ?? usableProcessors(),
    python: options.python,
    startMethod: options.startMethod,
    limits: limitsGiven(options),
    slurm,
    pack: options.pack,
    late,
  });
  if (options.quiet !== true) tellPack(options, plan);
  const { exitCode, areElementsGone } = await inQueue(plan, options);
  if (exitCode !== undefined) return exitCode;
  const { worker } = plan.request;
  if (worker.kind === 'module' && !existsSync(worker.file) && options.quiet !== true) {
    tell(`The worker ${shortPath(worker.file)} is not there; the run goes on with its own copy.`);
  }
  return execute(plan, {
    retryFailed: options.retryFailed,
    threads: options.threads,
    areElementsGone,
    timeLimitMs: options.timeLimit,
    fsLatencyMs: options.fsLatency,
    allowChangedWorker: options.allowChangedWorker === true,
    isQuiet: options.quiet === true,
    isDetached: options.detach === true,
  });
}
