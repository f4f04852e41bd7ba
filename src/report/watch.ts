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

export interface WatchOptions {
  /** Whether somebody is at work on it already. */
  readonly isUnderWay?: boolean;
  /** Whether failed points are computed again; told by the record of who is at work where it is not given. */
  readonly isRetry?: boolean | undefined;
}

/**
 * Follows a run by its directory alone: new records of `events.jsonl`, and new lines of the tasks that are under way.
 * @returns a function that looks again
 */
export function watchRun(
  directory: string,
  manifest: Manifest,
  { isRetry, isUnderWay = false }: WatchOptions = {},
): () => Progress {
  const paths = runPaths(directory, manifest.spec.format);
  const { points, tasks, spec } = manifest;
  const events = readEventsFrom(paths.events);
  const session = isUnderWay ? lastSessionOf(events.records) : [];
  // What came before the session is in the states.
  let offset = events.offset;
  const counts = new Map<number, TaskProgress>();
  const isOfRetry = isRetry ?? isRetrySession(session);
  for (const { index, lines, failed } of readTaskStates(directory, manifest)) {
    const found = { done: lines, failed };
    if (lines > 0) counts.set(index, isOfRetry ? beforeRetry(found) : found);
  }
  const busy = new Map<number, { readonly pid: number; readonly look: () => TaskProgress }>();

  const follow = (event: RunEvent): void => {
    if (event.event === 'start') {
      const watch = event.isRetry === true ? watchRetried : watchPart;
      busy.set(event.task, { pid: event.pid, look: watch(paths, event.task) });
    } else if (event.event === 'end' || event.event === 'died') {
      const isWhole = event.event === 'end' && event.file !== undefined;
      const look = busy.get(event.task)?.look ?? watchPart(paths, event.task);
      counts.set(event.task, isWhole ? { done: event.file.lines, failed: 0 } : look());
      busy.delete(event.task);
    }
  };
  session.forEach(follow);
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

/** Whether the session that somebody else has begun computes failed points again. */
export function isRetrySession(session: readonly RunEvent[]): boolean {
  const [open] = session;
  return open?.event === 'open' && open.isRetry === true;
}

/** What is on record of the session at work on a run. */
export function lastSessionOf(events: readonly RunEvent[]): readonly RunEvent[] {
  const open = events.findLastIndex(({ event }) => event === 'open');
  return open < 0 ? [] : events.slice(open);
}
