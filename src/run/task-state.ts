import { existsSync, readdirSync, statSync } from 'node:fs';
import { sliceOf, type Slice } from '../slicing.js';
import { layoutOfRun } from './layouts.js';
import type { Manifest } from './manifest.js';
import { readPart } from './part.js';
import { runPaths, taskFiles, type RunPaths } from './paths.js';
import { isRecorded, provenFile, type FileRecord } from './proof.js';
import { readJournals, type RunEvent } from './records.js';
import { readRetriedPart } from './retried.js';

/** What the run directory says of one task. */
export interface TaskState extends Slice {
  readonly index: number;
  /**
   * `complete`: its file is there, as the host that finished it recorded; `changed`: it is there, but not so; `foreign`: a
   * file of its name that no host of this run finished; `partial`: some lines; `waiting`: none.
   */
  readonly status: 'complete' | 'changed' | 'foreign' | 'partial' | 'waiting';
  /** Lines that are believed, those of failed points counted. */
  readonly lines: number;
  /** Those of failed points, without those that have a new line which waits for its place. */
  readonly failed: number;
  /** How many bytes of its part, where it has one, are believed. */
  readonly bytes: number;
}

/**
 * The state of every task, from the listing of the run directory and the journals; files of finished tasks are told by
 * their lengths.
 * @throws an error of the system where the directory is gone
 * @param options.readsTouched hold those that were written to since they were recorded against their hashes too
 * @param options.beat called again and again while these are read
 */
export function readTaskStates(
  directory: string,
  manifest: Manifest,
  { readsTouched = false, beat }: { readsTouched?: boolean; beat?: () => void } = {},
): TaskState[] {
  const paths = runPaths(directory, manifest.spec.format);
  const names = new Set(readdirSync(directory));
  const has = (path: string): boolean => names.has(path.slice(paths.directory.length + 1));
  const states = statesOf(
    Array.from({ length: manifest.tasks }, (_, index) => index),
    { paths, manifest, has, readsTouched, beat },
  );
  // Files of a directory that was moved away meanwhile seemed to be missing.
  statSync(directory);
  return states;
}

/** The state of an element's tasks: each is looked for by its name, for a listing holds those of all elements. */
export function readElementStates(
  paths: RunPaths,
  manifest: Manifest,
  tasks: readonly number[],
): TaskState[] {
  return statesOf(tasks, { paths, manifest, has: existsSync, readsTouched: false });
}

/**
 * The files of finished tasks as they were recorded, by task. Of each journal its last word on a task counts; where two
 * journals have one, an element's and that of a later coordinator say, a file is right that is as either has it.
 */
export function recordedFiles(journals: readonly (readonly RunEvent[])[]): Map<number, RecordedFile[]> {
  const files = new Map<number, RecordedFile[]>();
  for (const events of journals) {
    const ends = new Map(events.filter((event) => event.event === 'end').map((event) => [event.task, event]));
    for (const { task, file, time } of ends.values())
      if (file !== undefined) files.set(task, [...(files.get(task) ?? []), { ...file, time }]);
  }
  const lost = lostTasks(journals);
  if (lost.size === 0) return files;
  const times = timesFinished(journals);
  // Given up by a repair, unless it was finished again since.
  for (const [task, before] of lost) if ((times.get(task) ?? 0) <= before) files.delete(task);
  return files;
}

/** How often each task was finished. */
export function timesFinished(journals: readonly (readonly RunEvent[])[]): Map<number, number> {
  const times = new Map<number, number>();
  for (const event of journals.flat())
    if (event.event === 'end' && event.file !== undefined)
      times.set(event.task, (times.get(event.task) ?? 0) + 1);
  return times;
}

/** The file of a finished task, and when it was recorded, in milliseconds since 1970. */
export interface RecordedFile extends FileRecord {
  readonly time: number;
}

/** True where nothing of the task is left to compute; its failed points may be left to retry. */
export function isComputed({ status, lines, start, stop }: TaskState): boolean {
  return status === 'complete' || (status === 'partial' && lines === stop - start);
}

/** True where nothing is left to do but failed points; one whose points are all computed may have its file to be put in place. */
export function isOver(state: TaskState): boolean {
  return state.status === 'complete' || (isComputed(state) && state.failed > 0);
}

/** How a run or an element ends. `failed`: all is computed, but points failed; `stopped`: something is left to do. */
export type Ending = 'complete' | 'failed' | 'stopped';

/**
 * How it ends with its tasks in these states.
 * @param failedAgain of a retry that something stopped: how many points have failed in it; it did not come to other failed ones
 */
export function endingOf(states: readonly TaskState[], failedAgain = Infinity): Ending {
  if (states.every(({ status }) => status === 'complete')) return 'complete';
  if (!states.every(isOver)) return 'stopped';
  return states.reduce((sum, { failed }) => sum + failed, 0) > failedAgain ? 'stopped' : 'failed';
}

/** Points with a result. */
export function countResults(states: readonly TaskState[]): number {
  return states.reduce((sum, { lines, failed }) => sum + lines - failed, 0);
}

/** A task with points to compute: missing ones, a file to put in place, or failed ones that are wanted again. */
export function isOpen(state: TaskState, retryFailed: boolean): boolean {
  return state.status !== 'complete' && (!isComputed(state) || state.failed === 0 || retryFailed);
}

// --- internal ---

/** The tasks that repairs have given up, and how often each was finished by then. */
function lostTasks(journals: readonly (readonly RunEvent[])[]): Map<number, number> {
  const repairs = journals.flat().filter((event) => event.event === 'repair');
  return new Map(repairs.flatMap(({ lost = [] }) => lost.map(({ task, times }) => [task, times])));
}

interface StateOptions {
  readonly paths: RunPaths;
  readonly manifest: Manifest;
  readonly has: (path: string) => boolean;
  readonly readsTouched: boolean;
  readonly beat?: (() => void) | undefined;
}

function statesOf(tasks: readonly number[], options: StateOptions): TaskState[] {
  const { paths, manifest, has, readsTouched, beat } = options;
  const journals = readJournals(paths);
  const files = recordedFiles(journals);
  const hasLayout = layoutOfRun(journals.flat(), manifest) !== undefined;
  const foldedMs = readsTouched ? (statSync(paths.result, { throwIfNoEntry: false })?.mtimeMs ?? 0) : 0;
  return tasks.map((index) => {
    const slice = sliceOf(manifest.points, manifest.tasks, manifest.spec.slicing, index);
    const length = slice.stop - slice.start;
    // One who reads without the lock may find a file gone that was there a moment ago.
    const path = paths.task(index);
    const found = has(path) ? statSync(path, { throwIfNoEntry: false }) : undefined;
    if (found !== undefined) {
      const ends = files.get(index) ?? [];
      // Without its record, in a damaged journal, a file is still known by the fold's proof.
      const records = [...ends, provenFile(manifest.proof, index)].filter((record) => record !== undefined);
      const recordedMs = Math.max(foldedMs, ...ends.map(({ time }) => time));
      const isRead = readsTouched && Math.floor(found.mtimeMs) > recordedMs;
      const isOurs = records.some(
        (record) => record.bytes === found.size && (!isRead || isRecorded(path, record, beat)),
      );
      return {
        index,
        ...slice,
        status: isOurs ? 'complete' : records.length > 0 ? 'changed' : 'foreign',
        lines: isOurs ? length : 0,
        failed: 0,
        bytes: 0,
      };
    }
    if (!has(paths.part(index))) return { index, ...slice, status: 'waiting', lines: 0, failed: 0, bytes: 0 };
    const part = { ...slice, hasLayout };
    const { lines, failed, bytes } = has(paths.retried(index))
      ? readRetriedPart(paths, index, part)
      : readPart(taskFiles(paths, index), part);
    return { index, ...slice, status: 'partial', lines, failed: failed.length, bytes };
  });
}
