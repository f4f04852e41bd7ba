import { openCrew } from '../engine/local/open-crew.js';
import { temporaryPath } from '../engine/local/temporary-folder.js';
import { childEnvironment } from '../engine/local/threads.js';
import { withLearntFiles } from '../run/learnt-files.js';
import type { Manifest } from '../run/manifest.js';
import { runPaths } from '../run/paths.js';
import { checkDirectory, openDirectory } from '../run/run-directory.js';
import { checkWorker } from './check-worker.js';
import { workerBundle } from './existing-run.js';
import { awaitManifest } from './late-files.js';
import type { Plan } from './plan.js';
import { prepareDirectory, workerCommit } from './prepare.js';

export interface PrepareRunOptions {
  readonly isForced: boolean;
  readonly allowChangedWorker: boolean;
  readonly fsLatencyMs?: number | undefined;
  /** Called with what is otherwise than it was, or is waited for, in words for the user. */
  readonly onNotice?: (text: string) => void;
  /** Under the lock, once the run directory is made. */
  readonly onPrepared: (manifest: Manifest) => void;
}

/**
 * Checks a planned sweep as for a run, and makes its directory for others to compute it.
 * @throws FanfoldError where the worker, its parameters or the directory are not as they must be; nothing is written then
 */
export async function prepareRun(plan: Plan, options: PrepareRunOptions): Promise<void> {
  const { directory, request } = plan;
  const { isForced, allowChangedWorker, onNotice } = options;
  const late = { latencyMs: options.fsLatencyMs, onNotice };
  const stored = isForced ? undefined : await awaitManifest(directory, late, onNotice);
  checkDirectory(directory, { isForced });
  const existing = stored && withLearntFiles(runPaths(directory), stored);
  const bundling = workerBundle(plan, existing);
  bundling?.catch(() => undefined);
  const folder = temporaryPath();
  const crew = openCrew(request.worker, { count: 1, env: childEnvironment(1, undefined), folder });
  try {
    const checked = await checkWorker(plan, { existing, allowChangedWorker, crew, folder, bundling });
    const commit = await workerCommit(request.worker);
    const lock = await openDirectory(directory, late);
    try {
      const how = { ...checked, isForced, allowChangedWorker, commit, computes: true, onNotice };
      options.onPrepared(await prepareDirectory(plan, checked.bundle, how));
      await crew.end();
    } finally {
      lock.release();
    }
  } finally {
    crew.close();
  }
}
