import { readdirSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { Manifest } from '../run/manifest.js';
import { runPaths } from '../run/paths.js';
import { countLines } from '../run/whole-lines.js';
import { sliceOf } from '../slicing.js';
import type { Progress } from './watch.js';

/** A look at very many files takes long, and is made less often: it may take this share of the time. */
const SHARE_OF_TIME = 0.05;
const LEAST_GAP_MS = 200;

interface PartLines {
  readonly lines: number;
  readonly failed: number;
  readonly offset: number;
}

const NONE: PartLines = { lines: 0, failed: 0, offset: 0 };

/**
 * Follows a run that is computed on other machines: by one listing of its directory, and the new lines of the tasks that
 * are under way.
 * @returns a function that looks again, unless the last look was a moment ago
 */
export function watchFiles(directory: string, manifest: Manifest): () => Progress {
  const paths = runPaths(directory, manifest.spec.format);
  const { points, tasks, spec } = manifest;
  const parts = new Map<number, PartLines>();
  const lengthOf = (task: number): number => {
    const { start, stop } = sliceOf(points, tasks, spec.slicing, task);
    return stop - start;
  };
  const look = (): Progress => {
    const names = new Set(readdirSync(directory));
    let [done, failed] = [0, 0];
    const busy: { task: number; done: number; points: number }[] = [];
    for (let task = 0; task < tasks; task++) {
      if (names.has(basename(paths.task(task)))) {
        parts.delete(task);
        done += lengthOf(task);
      } else if (names.has(basename(paths.part(task)))) {
        const part = readOn(paths.part(task), parts.get(task) ?? NONE);
        parts.set(task, part);
        done += part.lines;
        failed += part.failed;
        if (part.lines < lengthOf(task)) busy.push({ task, done: part.lines, points: lengthOf(task) });
      }
    }
    return { points, done, failed, busy };
  };
  let last = { progress: look(), atMs: performance.now(), gapMs: LEAST_GAP_MS };
  return () => {
    const startMs = performance.now();
    if (startMs - last.atMs < last.gapMs) return last.progress;
    const progress = look();
    const atMs = performance.now();
    last = { progress, atMs, gapMs: Math.max(LEAST_GAP_MS, (atMs - startMs) / SHARE_OF_TIME) };
    return progress;
  };
}

// --- internal ---

function readOn(path: string, before: PartLines): PartLines {
  // A part that was begun anew is shorter.
  const isShorter = (statSync(path, { throwIfNoEntry: false })?.size ?? 0) < before.offset;
  const from = isShorter ? NONE : before;
  const more = countLines(path, from.offset);
  return { lines: from.lines + more.lines, failed: from.failed + more.failed, offset: more.offset };
}
