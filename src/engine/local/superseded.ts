import { statSync } from 'node:fs';
import { FanfoldError } from '../../errors.js';
import type { RunPaths } from '../../run/paths.js';
import { readJournals } from '../../run/records.js';
import { setForeignAside } from '../../run/run-directory.js';
import { recordedFiles } from '../../run/task-state.js';
import type { Task } from '../engine.js';

/** A process of an earlier coordinator may take a task's file once; more often than this, somebody is at work. */
const MOST_TIMES = 3;

/**
 * Looks at the files of a task that another process has taken from its host. A file in the task's final place that is not
 * as it was recorded is moved aside.
 * @param times how often that has come to pass with this task
 * @returns true where the task is complete
 * @throws FanfoldError where it was too often
 */
export function isCompleteNow({ index }: Task, paths: RunPaths, times: number): boolean {
  const size = statSync(paths.task(index), { throwIfNoEntry: false })?.size;
  if (size !== undefined) {
    const recorded = recordedFiles(readJournals(paths)).get(index) ?? [];
    if (recorded.some(({ bytes }) => bytes === size)) return true;
    setForeignAside(paths, [{ index, status: 'foreign' }]);
  }
  if (times < MOST_TIMES) return false;
  throw new FanfoldError(
    'FANFOLD_LOCKED',
    `Expected to be the only one at work on ${paths.directory}, but another process took task ${String(index)} ${String(times)} times. End the other one, then resume.`,
    { exitCode: 1 },
  );
}
