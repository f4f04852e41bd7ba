import { readdirSync, rmSync } from 'node:fs';
import { basename } from 'node:path';
import { sliceOf } from '../slicing.js';
import { layoutOfRun } from './layouts.js';
import type { Manifest } from './manifest.js';
import { runPaths, taskFiles } from './paths.js';
import { readEvents } from './records.js';
import { readRetried } from './retried.js';
import { openSliceFile } from './slice-file.js';

/**
 * Puts the new lines that a retry has left behind into their parts, such as one that was killed; only under the run's lock.
 * @returns whether there were any
 */
export function placeRetried(directory: string, manifest: Manifest): boolean {
  const { spec, points, tasks } = manifest;
  const paths = runPaths(directory, spec.format);
  const names = new Set(readdirSync(directory).filter((name) => name.endsWith('.part.retried')));
  // Lines of columns that nobody knows any more are not believed.
  if (names.size === 0 || layoutOfRun(readEvents(paths), manifest) === undefined) return false;
  for (let index = 0; index < tasks; index++) {
    const path = paths.retried(index);
    if (!names.has(basename(path))) continue;
    const lines = readRetried(path);
    if (lines.size > 0) {
      const slice = sliceOf(points, tasks, spec.slicing, index);
      openSliceFile(taskFiles(paths, index), { ...slice, hasLayout: true }, lines).close();
    }
    rmSync(path);
  }
  return true;
}
