import { basename } from 'node:path';
import type { Manifest } from '../run/manifest.js';
import { runPaths } from '../run/paths.js';
import { restoreTasks } from '../run/restore-tasks.js';
import { setForeignAside } from '../run/run-directory.js';
import { readTaskStates, type TaskState } from '../run/task-state.js';

const MOST_NAMED = 5;

/**
 * Moves task files aside that are not this run's, and puts those that are lost back from the result; only under the
 * run's lock.
 * @param onNotice called with what was put back
 * @returns the state of every task then, and the new names of what was moved aside
 */
export function mendTasks(
  directory: string,
  manifest: Manifest,
  onNotice: (text: string) => void = () => undefined,
): { states: TaskState[]; setAside: string[] } {
  const paths = runPaths(directory, manifest.spec.format);
  const found = readTaskStates(directory, manifest);
  const setAside = setForeignAside(paths, found);
  const lost = found.filter(({ status }) => status !== 'complete').map(({ index }) => index);
  const restored = restoreTasks(paths, manifest, lost);
  if (restored.length > 0) {
    const names = restored.slice(0, MOST_NAMED).map((index) => basename(paths.task(index)));
    const rest = restored.length - names.length;
    const files = rest > 0 ? `${names.join(', ')} and ${String(rest)} more` : names.join(', ');
    onNotice(`Lost or damaged, and put back from ${basename(paths.result)}: ${files}.`);
  }
  const isMended = setAside.length > 0 || restored.length > 0;
  return { states: isMended ? readTaskStates(directory, manifest) : found, setAside };
}
