import type { Manifest } from '../run/manifest.js';
import { runPaths } from '../run/paths.js';
import { readEventsFrom, type RunEvent } from '../run/records.js';
import { readTaskStates } from '../run/task-state.js';
import { sliceOf } from '../slicing.js';
import { beforeRetry, NOTHING, watchPart, watchRetried, type TaskProgress } from './watch-part.js';

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

/** The process that records what becomes of a run. */
export interface Coordinator {
  readonly host: string;
  readonly pid: number;
}

export interface WatchOptions {
  /** Whether it was begun by somebody else. */
  readonly isUnderWay?: boolean;
  /** Who is at work on it, where that is known. */
  readonly holder?: Coordinator | undefined;
  /** Whether failed points are about to be computed again. */
  readonly isRetry?: boolean;
}

/**
 * Follows a run by its directory alone: new records of `events.jsonl`, and new lines of the tasks that are under way.
 * @returns a function that looks again
 */
export function watchRun(
  directory: string,
  manifest: Manifest,
  { isUnderWay = false, holder, isRetry }: WatchOptions = {},
): () => Progress {
  const paths = runPaths(directory, manifest.spec.format);
  const { points, tasks, spec } = manifest;
  const events = readEventsFrom(paths.events);
  let offset = events.offset;
  const counts = new Map<number, TaskProgress>();
  const busy = new Map<number, { readonly pid: number; readonly look: () => TaskProgress }>();
  let isOfRetry: boolean | undefined;

  const open = (retries: boolean): void => {
    busy.clear();
    if (retries === isOfRetry) return;
    isOfRetry = retries;
    counts.clear();
    for (const { index, lines, failed } of readTaskStates(directory, manifest)) {
      const found = { done: lines, failed };
      if (lines > 0) counts.set(index, retries ? beforeRetry(found) : found);
    }
  };
  const follow = (event: RunEvent): void => {
    if (event.event === 'open') {
      open(event.isRetry === true);
    } else if (event.event === 'start') {
      const watch = event.isRetry === true ? watchRetried : watchPart;
      busy.set(event.task, { pid: event.pid, look: watch(paths, event.task) });
    } else if (event.event === 'end' || event.event === 'died') {
      const isWhole = event.event === 'end' && event.file !== undefined;
      const look = busy.get(event.task)?.look ?? watchPart(paths, event.task);
      counts.set(event.task, isWhole ? { done: event.file.lines, failed: 0 } : look());
      busy.delete(event.task);
    }
  };
  open(isRetry === true);
  // What came before the session is in the states.
  if (isUnderWay) sessionAtWork(events.records, holder).forEach(follow);
  return () => {
    const news = readEventsFrom(paths.events, offset);
    offset = news.offset;
    news.records.forEach(follow);
    for (const [task, { look }] of busy) counts.set(task, look());
    const all = [...counts.values()];
    return {
      points,
      done: all.reduce((sum, { done }) => sum + done, 0),
      failed: all.reduce((sum, { failed }) => sum + failed, 0),
      busy: [...busy].map(([task, { pid }]) => {
        const { start, stop } = sliceOf(points, tasks, spec.slicing, task);
        return { task, pid, done: (counts.get(task) ?? NOTHING).done, points: stop - start };
      }),
    };
  };
}

/** What is on record of the last session of a run, where it is that of who is at work on it. */
export function sessionAtWork(events: readonly RunEvent[], holder?: Coordinator): readonly RunEvent[] {
  const from = events.findLastIndex(({ event }) => event === 'open');
  const open = events[from];
  if (open?.event !== 'open') return [];
  const isOther = holder !== undefined && (open.pid !== holder.pid || open.host !== holder.host);
  return isOther ? [] : events.slice(from);
}
