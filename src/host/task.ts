import { rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { performance } from 'node:perf_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { inspect } from 'node:util';
import { appendRecord, readRecords, repairJournal } from '../run/journal.js';
import { runPaths, type RunPaths } from '../run/paths.js';
import { storableParameters, type FailureRecord, type RunEvent } from '../run/records.js';
import { failedIndices, failedLine, isFailedLine, openSliceFile, type SliceFile } from '../run/slice-file.js';
import type { Computer } from './compute.js';
import type { RunJob, TaskJob } from './protocol.js';

/** Lines of fast points are written this often, so that at most so much computing is in memory only. */
const WRITE_EVERY_MS = 10;
/** A worker that waits for something leaves the time to write what came before. */
const IDLE_WRITE_MS = 100;
/** Long strings of many short ones are slow to build, so fast points are written in pieces. */
const PIECE_CHARACTERS = 1 << 15;
/** Only after so many fast points in a row are lines held back: an hour-long one may follow a few. */
const FAST_POINTS = 256;

export interface TaskOptions {
  readonly job: RunJob;
  readonly task: TaskJob;
  readonly computer: Computer;
  readonly signal: AbortSignal;
  /** Called before each point of a careful task. */
  readonly announce: (index: number) => void;
}

/** Computes what is missing of one task, and puts its file in place when it is whole. */
export async function computeTask(options: TaskOptions): Promise<void> {
  const { task, job } = options;
  const paths = runPaths(job.directory, job.spec.format);
  const started = performance.now();
  // Counted where a point fails: to look at each line for it would cost as much as writing it.
  const tally = { failed: 0 };
  const withPaths = { ...options, paths, tally };
  const compute: ComputePoint = (index) => computePoint(index, withPaths);

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
    const computed = await computeRest(file, withPaths, compute);
    const seconds = (performance.now() - started) / 1000;
    finish(file, options, { paths, seconds, points: retried + computed });
  } finally {
    file.close();
  }
}

// --- internal ---

/** The line of a point; undefined where a stop came while it was computed, which is no failure. */
type ComputePoint = (index: number) => Promise<string | undefined> | string | undefined;

interface PointOptions extends TaskOptions {
  readonly paths: RunPaths;
  readonly tally: { failed: number };
}

function computePoint(index: number, options: PointOptions): ReturnType<ComputePoint> {
  const { task, computer, announce } = options;
  if (task.doomed.includes(index)) {
    options.tally.failed++;
    return failedLine(index);
  }
  if (task.isCareful) announce(index);
  try {
    const line = computer.line(index);
    if (typeof line === 'string') return line;
    return line.catch((error: unknown) => failPoint(index, error, options));
  } catch (error) {
    return failPoint(index, error, options);
  }
}

function failPoint(index: number, error: unknown, options: PointOptions): string | undefined {
  if (options.signal.aborted) return undefined;
  const { paths, computer, task, tally } = options;
  appendRecord(paths.failures, {
    time: Date.now(),
    index,
    task: task.index,
    parameters: storableParameters(computer.parameters(index)),
    attempt: (task.attempts[index] ?? 0) + 1,
    ...describeError(error),
  } satisfies FailureRecord);
  tally.failed++;
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
    if (!isFailedLine(line)) appendRecord(retried, { index, line });
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
async function computeRest(file: SliceFile, options: PointOptions, compute: ComputePoint): Promise<number> {
  const { task, signal, tally } = options;
  tally.failed = 0;
  const lines = lineBuffer(file, tally);
  const pace = pacing(task.isCareful);
  let computed = 0;
  let isStopping = false;
  if (!task.isCareful) options.computer.mayComputeTo(task.stop);
  for (let index = task.start + file.lines; index < task.stop; index++) {
    const found = compute(index);
    const line = typeof found === 'string' || found === undefined ? found : await lines.whileWaiting(found);
    if (line === undefined) break;
    lines.add(line);
    computed++;
    if (isStopping || !pace.mayHoldBack()) {
      lines.write();
      if (pace.isTurnDue()) await nextTurn();
      isStopping = signal.aborted;
    }
    // What is computed already is kept.
    if (isStopping && !options.computer.isComputed(index + 1)) break;
  }
  lines.write();
  return computed;
}

/** Lines on their way into the file. */
function lineBuffer(
  file: SliceFile,
  tally: { failed: number },
): {
  add(line: string): void;
  readonly write: () => void;
  whileWaiting<T>(pending: Promise<T>): Promise<T>;
} {
  let text = '';
  let lines = 0;
  const write = (): void => {
    if (lines === 0) return;
    file.append(text, lines, tally.failed);
    text = '';
    lines = 0;
    tally.failed = 0;
  };
  return {
    add: (line) => {
      text += line;
      lines++;
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

/** Says after each point whether its line may wait for others: only in a series of fast points, and not for long. */
function pacing(isCareful: boolean): { mayHoldBack(): boolean; isTurnDue(): boolean } {
  let last = Date.now();
  let wrote = last;
  let turned = last;
  let fast = 0;
  return {
    mayHoldBack: () => {
      // Date.now, the cheapest clock: it is read for every point. One that jumps back is taken for a slow point.
      const now = Date.now();
      const isSlow = now < last || now - last >= WRITE_EVERY_MS;
      last = now;
      fast = isSlow ? 0 : fast + 1;
      if (fast > FAST_POINTS && now - wrote < WRITE_EVERY_MS && !isCareful) return true;
      wrote = now;
      return false;
    },
    // Other messages, such as a stop, are only read between turns.
    isTurnDue: () => {
      if (last === turned && !isCareful) return false;
      turned = last;
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
  const nans = computer.nans();
  appendRecord(
    paths.events,
    {
      event: 'end',
      ...stamp(task.index),
      seconds,
      points,
      failed: file.failed,
      ...(Object.keys(numbers).length > 0 ? { numbers } : {}),
      ...(Object.keys(nans).length > 0 ? { nans } : {}),
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

/** Enough to understand it; a message can be as long as the data it is about. */
const MOST_CHARACTERS = 8192;

function describeError(error: unknown): { error: string; stack?: string } {
  if (!(error instanceof Error))
    return { error: `The worker threw ${inspect(error).slice(0, MOST_CHARACTERS)}.` };
  const message = `${error.name}: ${error.message}`.slice(0, MOST_CHARACTERS);
  return {
    error: message,
    ...(error.stack === undefined ? {} : { stack: error.stack.slice(0, MOST_CHARACTERS) }),
  };
}
