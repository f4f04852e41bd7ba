import { usage } from '../errors.js';
import { printable } from '../report/printable.js';
import { planSweep } from '../sweep/plan.js';
import { execute } from './execute.js';
import { inQueue } from './in-queue.js';
import { readRequest, type RequestOptions } from './request.js';
import { tellPack } from './slurm-options.js';

export interface RunCommandOptions extends RequestOptions {
  readonly fresh?: true | undefined;
  readonly threads?: number | undefined;
  readonly compare?: true | undefined;
  readonly force?: true | undefined;
  readonly allowChangedWorker?: true | undefined;
  /** Index of a point of an existing run, to be run alone. */
  readonly point?: number | undefined;
  readonly detach?: true | undefined;
  readonly dryRun?: true | undefined;
  readonly quiet?: true | undefined;
}

/** `fanfold run`: gives the exit code. */
export async function run(worker: string | undefined, options: RunCommandOptions): Promise<number> {
  if (options.point !== undefined) {
    const { point } = await import('./point.js');
    return point(worker, { ...options, point: options.point });
  }
  const plan = planSweep(await readRequest(worker, options));
  if (options.quiet !== true) tellPack(options, plan);
  if (options.dryRun === true) {
    const { describePlan } = await import('./dry-run.js');
    process.stdout.write(`${printable(await describePlan(plan))}\n`);
    return 0;
  }
  const { exitCode, areElementsGone } = await inQueue(plan, options);
  if (exitCode !== undefined) return exitCode;
  const how = {
    isFresh: options.fresh === true,
    threads: options.threads,
    isForced: options.force === true,
    timeLimitMs: options.timeLimit,
    fsLatencyMs: options.fsLatency,
    allowChangedWorker: options.allowChangedWorker === true,
    isQuiet: options.quiet === true,
    areElementsGone,
  };
  if (options.compare !== true) return execute(plan, { ...how, isDetached: options.detach === true });
  if (options.detach === true) throw usage('Expected either --compare or --detach, got both.');
  const { compare } = await import('./compare.js');
  return compare(plan, how);
}
