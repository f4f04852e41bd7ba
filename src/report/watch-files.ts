import { readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { Manifest } from '../run/manifest.js';
import { runPaths } from '../run/paths.js';
import { readEventsFrom, type RunEvent } from '../run/records.js';
import { sliceOf } from '../slicing.js';
import { sessionAtWork, type Coordinator, type Progress, type WatchOptions } from './watch.js';
import { NOTHING, watchFilesOf, type TaskProgress } from './watch-part.js';

/** A look at very many files takes long, and is made less often: it may take this share of the time. */
const SHARE_OF_TIME = 0.05;
const LEAST_GAP_MS = 200;
/** Of how many tasks under way the new lines are read at a look; those of others are at the next ones, in turn. */
const MOST_PARTS = 500;

/**
 * Follows a run that is computed on other machines: by one listing of its directory, and the new lines of the tasks that
 * are under way.
 * @returns a function that looks again, unless the last look was a moment ago
 */
export function watchFiles(
  directory: string,
  manifest: Manifest,
  { isUnderWay = false, holder, isRetry = false }: WatchOptions = {},
): () => Progress {
  const paths = runPaths(directory, manifest.spec.format);
  const { points, tasks, spec } = manifest;
  const retriesSinceMs = isUnderWay
    ? retryAtWork(readEventsFrom(paths.events).records, holder)
    : isRetry
      ? Date.now()
      : undefined;
  const parts = new Map<number, { progress: TaskProgress; readonly look: () => TaskProgress }>();
  const lengthOf = (task: number): number => {
    const { start, stop } = sliceOf(points, tasks, spec.slicing, task);
    return stop - start;
  };
  let turn = 0;
  const look = (most: number): Progress => {
    const names = new Set(readdirSync(directory));
    let [done, failed] = [0, 0];
    const open: number[] = [];
    for (let task = 0; task < tasks; task++) {
      if (names.has(basename(paths.task(task)))) {
        parts.delete(task);
        done += lengthOf(task);
      } else if (names.has(basename(paths.part(task)))) {
        open.push(task);
      }
    }
    const from = open.length > most ? turn % open.length : 0;
    for (const task of [...open.slice(from), ...open.slice(0, from)].slice(0, most)) {
      const { look } = parts.get(task) ?? { look: watchFilesOf(paths, task, retriesSinceMs) };
      parts.set(task, { look, progress: look() });
    }
    turn = from + Math.min(most, open.length);
    const busy: { task: number; done: number; points: number }[] = [];
    for (const task of open) {
      const part = parts.get(task)?.progress ?? NOTHING;
      done += part.done;
      failed += part.failed;
      if (part.done < lengthOf(task)) busy.push({ task, done: part.done, points: lengthOf(task) });
    }
    return { points, done, failed, busy };
  };
  let last = { progress: look(Infinity), atMs: performance.now(), gapMs: LEAST_GAP_MS };
  return () => {
    const startMs = performance.now();
    if (startMs - last.atMs < last.gapMs) return last.progress;
    const progress = look(MOST_PARTS);
    const atMs = performance.now();
    last = { progress, atMs, gapMs: Math.max(LEAST_GAP_MS, (atMs - startMs) / SHARE_OF_TIME) };
    return progress;
  };
}

// --- internal ---

/** When the session at work on a run began, in milliseconds since 1970; undefined where it is no retry. */
function retryAtWork(events: readonly RunEvent[], holder: Coordinator | undefined): number | undefined {
  const [open] = sessionAtWork(events, holder);
  return open?.event === 'open' && open.isRetry === true ? open.time : undefined;
}
