import { rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { performance } from 'node:perf_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { appendRecord, readRecords, repairJournal } from '../run/journal.js';
import { runPaths, type RunPaths } from '../run/paths.js';
import { readFailures, storableParameters, type FailureRecord, type RunEvent } from '../run/records.js';
import { failedIndices, failedLine, openSliceFile, type SliceFile } from '../run/slice-file.js';
import type { Computer } from './compute.js';
import type { RunJob, TaskJob } from './protocol.js';

/** Lines of fast points are written this often; the promise to users is 200 ms. */
const WRITE_EVERY_MS = 10;
/** A worker that waits for something leaves the time to write what came before. */
const IDLE_WRITE_MS = 100;
/** Long strings of many short ones are slow to build, so fast points are written in pieces. */
const PIECE_CHARACTERS = 1 << 15;
/** A point faster than this is fast: a write for each would cost more than a tenth of it. */
const FAST_POINT_MS = 0.05;
/** Only after so many fast points in a row are lines held back: a slow one may follow a few. */
const FAST_POINTS = 256;
/** Fast points are counted in strides, because looking at the clock costs as much as such a point. */
const LONGEST_STRIDE = 1024;

export interface TaskOptions {
  readonly job: RunJob;
  readonly task: TaskJob;
  readonly computer: Computer;
  readonly signal: AbortSignal;
  /** Called before each point of a careful task. */
  readonly announce: (index: number) => void;
}

export interface TaskOutcome {
  readonly seconds: number;
  readonly points: number;
  readonly failed: number;
  readonly stopped: boolean;
}

/** Computes what is missing of one task, and puts its file in place when it is whole. */
export async function computeTask(options: TaskOptions): Promise<TaskOutcome> {
  const { task, job, signal } = options;
  const paths = runPaths(job.directory, job.spec.format);
  const started = performance.now();
  const attempts = task.retryFailed ? readFailures(paths.failures) : new Map<number, FailureRecord>();
  const withRecords = { ...options, paths, attempts };
  const compute: ComputePoint = (index) => computePoint(index, withRecords);

  const retried = task.retryFailed ? await retryFailed(paths, options, compute) : 0;
  const file = openSliceFile(
    paths.part(task.index),
    paths.task(task.index),
    readRetried(paths.retried(task.index)),
  );
  try {
    rmSync(paths.retried(task.index), { force: true });
    appendRecord(paths.events, {
      event: 'start',
      ...stamp(task.index),
      lines: file.lines,
    } satisfies RunEvent);
    const computed = await computeRest(file, options, compute);
    const seconds = (performance.now() - started) / 1000;
    finish(file, options, { paths, seconds, points: retried + computed });
    return {
      seconds,
      points: retried + computed,
      failed: file.failed,
      stopped: isShort(file, task) && signal.aborted,
    };
  } finally {
    file.close();
  }
}

// --- internal ---

/** The line of a point; undefined where a stop came while it was computed, which is no failure. */
type ComputePoint = (index: number) => Promise<string | undefined> | string | undefined;

interface PointOptions extends TaskOptions {
  readonly paths: RunPaths;
  readonly attempts: ReadonlyMap<number, FailureRecord>;
}

function computePoint(index: number, options: PointOptions): ReturnType<ComputePoint> {
  const { task, computer, announce } = options;
  if (task.doomed.includes(index)) return failedLine(index);
  if (task.isCareful) announce(index);
  try {
    const line = computer.line(index);
    return typeof line === 'string' ? line : line.catch((error: unknown) => failPoint(index, error, options));
  } catch (error) {
    return failPoint(index, error, options);
  }
}

function failPoint(index: number, error: unknown, options: PointOptions): string | undefined {
  if (options.signal.aborted) return undefined;
  const { paths, computer, task, attempts } = options;
  appendRecord(paths.failures, {
    time: Date.now(),
    index,
    task: task.index,
    parameters: storableParameters(computer.parameters(index)),
    attempt: (attempts.get(index)?.attempt ?? 0) + 1,
    ...describeError(error),
  } satisfies FailureRecord);
  return failedLine(index);
}

/** Computes the failed points of a task again; each new line is safe in `.retried` before the next point starts. */
async function retryFailed(
  paths: RunPaths,
  { task, signal }: TaskOptions,
  compute: ComputePoint,
): Promise<number> {
  const retried = paths.retried(task.index);
  repairJournal(retried);
  const done = readRetried(retried);
  let points = 0;
  for (const index of failedIndices(paths.part(task.index))) {
    if (done.has(index)) continue;
    const line = await compute(index);
    if (line === undefined) break;
    points++;
    if (!line.startsWith('# failed')) appendRecord(retried, { index, line });
    await nextTurn();
    if (signal.aborted) break;
  }
  return points;
}

function readRetried(path: string): Map<number, string> {
  const records = readRecords(path).records as { index: number; line: string }[];
  return new Map(records.map(({ index, line }) => [index, line]));
}

/** Computes from the file's last line to the task's end, writing each line at once, or those of fast points together. */
async function computeRest(file: SliceFile, options: TaskOptions, compute: ComputePoint): Promise<number> {
  const { task, signal } = options;
  const lines = lineBuffer(file);
  const pace = pacing(task.isCareful);
  let computed = 0;
  for (let index = task.start + file.lines; index < task.stop; index++) {
    const found = compute(index);
    const line = typeof found === 'string' || found === undefined ? found : await lines.whileWaiting(found);
    if (line === undefined) break;
    lines.add(line);
    computed++;
    if (pace.mayHoldBack()) continue;
    lines.write();
    if (!pace.isTurnDue()) continue;
    await nextTurn();
    if (signal.aborted) break;
  }
  lines.write();
  return computed;
}

/** Lines on their way into the file. */
function lineBuffer(file: SliceFile): {
  add(line: string): void;
  readonly write: () => void;
  whileWaiting<T>(pending: Promise<T>): Promise<T>;
} {
  let text = '';
  let lines = 0;
  let failed = 0;
  const write = (): void => {
    if (lines === 0) return;
    file.append(text, lines, failed);
    text = '';
    lines = 0;
    failed = 0;
  };
  return {
    add: (line) => {
      text += line;
      lines++;
      // 35 is '#': only the line of a failed point begins so.
      if (line.charCodeAt(0) === 35) failed++;
      if (text.length >= PIECE_CHARACTERS) write();
    },
    write,
    whileWaiting: async (pending) => {
      if (lines === 0) return pending;
      const timer = setTimeout(write, IDLE_WRITE_MS);
      try {
        return await pending;
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

/** Learns how fast points are, and says after each whether its line may wait for others. */
function pacing(isCareful: boolean): { mayHoldBack(): boolean; isTurnDue(): boolean } {
  let stride = 1;
  let left = 1;
  let fast = 0;
  let looked = performance.now();
  let wrote = looked;
  let turned = looked;
  return {
    mayHoldBack: () => {
      if (--left > 0) return true;
      const now = performance.now();
      const isFast = now - looked < stride * FAST_POINT_MS && !isCareful;
      fast = isFast ? fast + stride : 0;
      stride = fast < FAST_POINTS ? 1 : Math.min(stride * 2, LONGEST_STRIDE);
      left = stride;
      looked = now;
      if (fast >= FAST_POINTS && now - wrote < WRITE_EVERY_MS) return true;
      wrote = now;
      return false;
    },
    // Other messages, such as a stop, are only read between turns.
    isTurnDue: () => {
      if (looked - turned < FAST_POINT_MS) return false;
      turned = looked;
      return true;
    },
  };
}

function finish(
  file: SliceFile,
  { task, computer }: TaskOptions,
  { paths, seconds, points }: { paths: RunPaths; seconds: number; points: number },
): void {
  const isComplete = !isShort(file, task) && file.failed === 0;
  const sealed = file.seal();
  const numbers = computer.numbers();
  appendRecord(
    paths.events,
    {
      event: 'end',
      ...stamp(task.index),
      seconds,
      points,
      failed: file.failed,
      ...(Object.keys(numbers).length > 0 ? { numbers } : {}),
      ...(isComplete ? { file: sealed } : {}),
    } satisfies RunEvent,
    { sync: isComplete },
  );
  // After the record: a file in its final place always has one, so a file without one is not ours.
  if (isComplete) file.publish();
}

function isShort(file: SliceFile, { start, stop }: TaskJob): boolean {
  return file.lines < stop - start;
}

function stamp(task: number): { time: number; task: number; host: string; pid: number } {
  return { time: Date.now(), task, host: hostname(), pid: process.pid };
}

function describeError(error: unknown): { error: string; stack?: string } {
  if (!(error instanceof Error)) return { error: `The worker threw ${String(error)}.` };
  return {
    error: `${error.name}: ${error.message}`,
    ...(error.stack === undefined ? {} : { stack: error.stack }),
  };
}
