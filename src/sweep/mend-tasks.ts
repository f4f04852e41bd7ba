import { basename } from 'node:path';
import { someOf } from '../format/some-of.js';
import { refuseChanged } from '../run/changed-task.js';
import type { Manifest } from '../run/manifest.js';
import { runPaths } from '../run/paths.js';
import { restoreTasks } from '../run/restore-tasks.js';
import { setAside, setForeignAside } from '../run/run-directory.js';
import { readJournals } from '../run/records.js';
import { readTaskStates, recordedFiles, type TaskState } from '../run/task-state.js';

interface MendOptions {
  /** Called with what was put back. */
  readonly onNotice?: ((text: string) => void) | undefined;
  /** Called every so often. */
  readonly beat?: () => void;
}

/**
 * Puts task files that are lost or were changed back from the result, and moves aside those that were changed and those
 * that are not this run's; only under the run's lock.
 * @returns the state of every task then, and the new names of files that are not this run's
 * @throws FanfoldError where a file was changed and the result does not hold it
 */
export function mendTasks(
  directory: string,
  manifest: Manifest,
  { onNotice = () => undefined, beat = () => undefined }: MendOptions = {},
): { states: TaskState[]; setAside: string[] } {
  const paths = runPaths(directory, manifest.spec.format);
  const look = (): TaskState[] => readTaskStates(directory, manifest, { readsTouched: true, beat });
  const found = look();
  const kept: string[] = [];
  const restored = restoreTasks(paths, manifest, {
    beat,
    tasks: found.filter(({ status }) => status !== 'complete').map(({ index }) => index),
    onRestore: (index) => {
      if (found[index]?.status === 'changed') kept.push(basename(setAside(paths.task(index), 'damaged')));
    },
  });
  if (kept.length > 0)
    onNotice(`Task files that were changed since they were finished are kept as: ${someOf(kept)}.`);
  if (restored.length > 0) {
    const names = someOf(restored.map((index) => basename(paths.task(index))));
    onNotice(`Lost or changed, and put back from ${basename(paths.result)}: ${names}.`);
  }
  const mended = restored.length > 0 ? look() : found;
  refuseChanged(paths, mended);
  const aside = setForeignAside(paths, mended);
  return { states: aside.length > 0 ? look() : mended, setAside: aside };
}

/** Says of which tasks a finished file is gone, so that they are computed again; nothing where there are none. */
export function describeLost(
  directory: string,
  manifest: Manifest,
  states: readonly TaskState[],
): string | undefined {
  const waiting = states.filter(({ status }) => status === 'waiting');
  if (waiting.length === 0) return undefined;
  const paths = runPaths(directory, manifest.spec.format);
  const finished = recordedFiles(readJournals(paths));
  const lost = waiting.filter(({ index }) => finished.has(index));
  if (lost.length === 0) return undefined;
  return `Finished before, not there any more, and computed again: ${someOf(lost.map(({ index }) => basename(paths.task(index))))}.`;
}
