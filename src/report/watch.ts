import type { Manifest } from '../run/manifest.js';
import { runPaths } from '../run/paths.js';
import { readEventsFrom, type RunEvent } from '../run/records.js';
import { countLines } from '../run/whole-lines.js';
import { readTaskStates } from '../run/task-state.js';
import { sliceOf } from '../slicing.js';

/** A task that a process is at. */
export interface BusySlot {
  readonly task: number;
  /** Unknown on another machine. */
  readonly pid?: number;
  readonly done: number;
  readonly points: number;
}

/** How far a run is. */
export interface Progress {
  readonly points: number;
  /** Points with a line, failed ones counted. */
  readonly done: number;
  readonly failed: number;
  readonly busy: readonly BusySlot[];
}

/**
 * Follows a run by its directory alone: new records of `events.jsonl`, and new lines of the tasks that are under way.
 * @returns a function that looks again
 */
export function watchRun(directory: string, manifest: Manifest): () => Progress {
  const paths = runPaths(directory, manifest.spec.format);
  const { points, tasks, spec } = manifest;
  const ended = new Map<number, Lines>();
  for (const { index, lines, failed } of readTaskStates(directory, manifest)) {
    if (lines > 0) ended.set(index, { lines, failed });
  }
  // What came before is in the states just read.
  let offset = readEventsFrom(paths.events).offset;
  const busy = new Map<number, Lines & { pid: number; offset: number }>();

  const follow = (event: RunEvent): void => {
    if (event.event === 'start') {
      ended.delete(event.task);
      busy.set(event.task, { pid: event.pid, lines: 0, failed: 0, offset: 0 });
    } else if (event.event === 'end' || event.event === 'died') {
      const last = busy.get(event.task);
      const rest = countLines(paths.part(event.task), last?.offset ?? 0);
      const isWhole = event.event === 'end' && event.file !== undefined;
      ended.set(
        event.task,
        isWhole
          ? { lines: event.file.lines, failed: 0 }
          : { lines: (last?.lines ?? 0) + rest.lines, failed: (last?.failed ?? 0) + rest.failed },
      );
      busy.delete(event.task);
    }
  };
  return () => {
    const news = readEventsFrom(paths.events, offset);
    offset = news.offset;
    news.records.forEach(follow);
    for (const [task, slot] of busy) {
      const more = countLines(paths.part(task), slot.offset);
      slot.lines += more.lines;
      slot.failed += more.failed;
      slot.offset = more.offset;
    }
    const all = [...ended.values(), ...busy.values()];
    return {
      points,
      done: all.reduce((sum, { lines }) => sum + lines, 0),
      failed: all.reduce((sum, { failed }) => sum + failed, 0),
      busy: [...busy].map(([task, { pid, lines }]) => {
        const { start, stop } = sliceOf(points, tasks, spec.slicing, task);
        return { task, pid, done: lines, points: stop - start };
      }),
    };
  };
}

// --- internal ---

interface Lines {
  lines: number;
  failed: number;
}
