import type { Manifest } from '../run/manifest.js';
import { listElements } from '../run/elements.js';
import { runPaths, type RunPaths } from '../run/paths.js';
import { readEventsFrom, type RunEvent, type TaskEnd } from '../run/records.js';

/** What one process did in a session. */
export interface ProcessRecord {
  readonly pid: number;
  /** Name of its machine. */
  readonly host: string;
  readonly tasks: number;
  /** Time spent on tasks, in attempts that failed too. */
  readonly seconds: number;
  /** How it ended, where not by itself. */
  readonly end: 'died' | "killed at a point's --timeout" | 'ended with the run' | undefined;
}

/** The last time that a coordinator worked on a run. */
export interface Session {
  readonly jobs: number;
  readonly wallSeconds: number;
  /** What one process would have needed for the same tasks and attempts. */
  readonly taskSeconds: number;
  readonly processes: readonly ProcessRecord[];
  /** Result columns that hold both `1` and `0.5`, for want of a declared type. */
  readonly mixed: readonly string[];
  /** Points computed, failed ones counted. */
  readonly points: number;
  /** Points that had a result before it, where that is on record. */
  readonly done: number | undefined;
  /** How many of their values were nan, by result column. */
  readonly nans: ReadonlyMap<string, number>;
}

/** The last session of a run, from its events; undefined where there was none. */
export function lastSession(directory: string, manifest: Manifest): Session | undefined {
  const paths = runPaths(directory, manifest.spec.format);
  const events = readEventsFrom(paths.events).records;
  const from = events.findLastIndex(({ event }) => event === 'open');
  const open = events[from];
  if (open?.event !== 'open') return undefined;
  const ofElements = elementEvents(paths, events.slice(from));
  const session = [...events.slice(from), ...ofElements];
  const ends = session.filter((event) => event.event === 'end');
  const close = events.slice(from).findLast((event) => event.event === 'close');
  const processes = processRecords(session);
  const spanSeconds = (lastTime(session, open.time) - open.time) / 1000;
  const closeSeconds = close?.event === 'close' ? close.seconds : spanSeconds;
  return {
    jobs: open.jobs,
    // Elements go on when whoever submitted or watched them has ended.
    wallSeconds: ofElements.length > 0 ? Math.max(closeSeconds, spanSeconds) : closeSeconds,
    taskSeconds: processes.reduce((sum, { seconds }) => sum + seconds, 0),
    processes,
    mixed: mixedColumns(ends),
    points: ends.reduce((sum, { points }) => sum + points, 0),
    done: open.done,
    nans: countNans(ends),
  };
}

// --- internal ---

/** What the elements of the jobs that were submitted in a session have recorded. */
function elementEvents(paths: RunPaths, session: readonly RunEvent[]): RunEvent[] {
  const jobs = new Set(session.flatMap((event) => (event.event === 'submit' ? event.jobs : [])));
  if (jobs.size === 0) return [];
  return listElements(paths).flatMap((element) => {
    let isOfJob = false;
    return readEventsFrom(runPaths(paths.directory, undefined, element).events).records.filter((event) => {
      if (event.event === 'open') isOfJob = jobs.has(event.job?.split('_')[0] ?? '');
      return isOfJob;
    });
  });
}

function lastTime(events: readonly RunEvent[], first: number): number {
  return events.reduce((last, { time }) => Math.max(last, time), first);
}

function countNans(ends: readonly TaskEnd[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { nans = {} } of ends) {
    for (const [name, number] of Object.entries(nans)) counts.set(name, (counts.get(name) ?? 0) + number);
  }
  return counts;
}

function mixedColumns(ends: readonly TaskEnd[]): string[] {
  const sorts = new Map<string, Set<string>>();
  for (const { numbers = {} } of ends) {
    for (const [name, sort] of Object.entries(numbers))
      sorts.set(name, (sorts.get(name) ?? new Set()).add(sort));
  }
  return [...sorts].filter(([, found]) => found.has('both') || found.size > 1).map(([name]) => name);
}

function endOf({ isLate, isEnded }: Extract<RunEvent, { event: 'died' }>): ProcessRecord['end'] {
  if (isLate === true) return "killed at a point's --timeout";
  return isEnded === true ? 'ended with the run' : 'died';
}

type TaskStart = Extract<RunEvent, { event: 'start' }>;

function processRecords(events: readonly RunEvent[]): ProcessRecord[] {
  const records = new Map<string, { -readonly [Key in keyof ProcessRecord]: ProcessRecord[Key] }>();
  const begun = new Map<string, TaskStart>();
  for (const event of events) {
    if (event.event !== 'start' && event.event !== 'end' && event.event !== 'died') continue;
    // Processes of several machines may have one number.
    const key = `${String(event.pid)} ${event.host}`;
    if (event.event === 'start') {
      // A task of a retry has two: what is missing of it comes after its failed points.
      const first = begun.get(key);
      if (first?.isRetry !== true || first.task !== event.task) begun.set(key, event);
      continue;
    }
    const record = records.get(key) ?? {
      pid: event.pid,
      host: event.host,
      tasks: 0,
      seconds: 0,
      end: undefined,
    };
    if (event.event === 'end') {
      record.tasks++;
      record.seconds += event.seconds;
    } else {
      record.seconds += Math.max(0, event.time - (begun.get(key)?.time ?? event.time)) / 1000;
      record.end = endOf(event);
    }
    begun.delete(key);
    records.set(key, record);
  }
  return [...records.values()];
}
