import { dirname } from 'node:path';
import { FanfoldError } from '../errors.js';
import { quoteForShell } from '../format/shell.js';
import type { RunPaths } from './paths.js';
import type { TaskState } from './task-state.js';

/** The error of a finished task whose file is not as it was recorded. */
export function changedTask(path: string, lines: number): FanfoldError {
  return new FanfoldError(
    'FANFOLD_DAMAGED',
    `Expected ${path} to hold the ${String(lines)} lines that were computed, but it was changed since. Put the old one back, or let fanfold verify ${quoteForShell(dirname(path))} --repair keep this one under another name and put the task back or compute it again.`,
    { exitCode: 1 },
  );
}

/**
 * Refuses to go on where a task's file was changed: what somebody may have edited on purpose is not computed again unasked.
 * @throws FanfoldError naming the first one
 */
export function refuseChanged(paths: RunPaths, states: readonly TaskState[]): void {
  const changed = states.find(({ status }) => status === 'changed');
  if (changed !== undefined) throw changedTask(paths.task(changed.index), changed.stop - changed.start);
}
