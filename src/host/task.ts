import { rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { performance } from 'node:perf_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { appendRecord } from '../run/journal.js';
import { readPart } from '../run/part.js';
import { runPaths, taskFiles, type RunPaths } from '../run/paths.js';
import type { FailureRecord, RunEvent } from '../run/records.js';
import { appendRetried, readRetried } from '../run/retried.js';
import { openSliceFile, SupersededError, type SliceFile } from '../run/slice-file.js';
import { nextTry } from '../run/tries.js';
import { failedLine } from '../run/whole-lines.js';
import type { RowSink } from '../format/row.js';
import type { Computer } from './compute.js';
import { deathOf, failedAttempt, firstAttempt, pause, wasStopped, type Attempt } from './failed-attempt.js';
import { lineBuffer, type LineBuffer } from './line-buffer.js';
import { refuseIfLost } from './holding.js';
import { OwnError } from './own-error.js';
import type { RunJob, TaskJob } from './protocol.js';

/** Lines of fast points are written this often, so that at most so much computing is in memory only. */
const WRITE_EVERY_MS = 10;
/** A worker that waits for something leaves the time to write what came before. */
const IDLE_WRITE_MS = 100;
/** Only after so many fast points in a row are lines held back: an hour-long one may follow a few. */
const FAST_POINTS = 256;

/** What the coordinator is told of a task under way. */
export interface Telling {
  /** The first point is about to be computed. */
  readonly begin: () => void;
  /** A point of a careful task is about to be computed. */
  readonly point: (index: number) => void;
  /** No point is in hand any more. */
  readonly computed: () => void;
  /** From here on lines may wait for others, or each is written at once again. */
  readonly pace: (isFast: boolean) => void;
  /** Points have failed for good. */
  readonly failed: (indices: readonly number[]) => void;
  /** A point is tried again after so many milliseconds. */
  readonly again: (index: number, afterMs: number) => void;
}

export interface TaskOptions {
  readonly job: RunJob;
  readonly task: TaskJob;
  readonly computer: Computer;
  readonly signal: AbortSignal;
  /** The task's log. */
  readonly log: string;
  readonly tell: Telling;
}

/** Computes what is missing of one task, and puts its file in place when it is whole. */
export async function computeTask(options: TaskOptions): Promise<void> {
  const { task, job } = options;
  const paths = runPaths(job.directory, job.spec.format, job.element);
  const started = performance.now();
  // Counted where a point fails: to look at each line for it would cost as much as writing it.
  const failed = { count: 0 };
  const withPaths = { ...options, paths, failed, doomed: new Set(task.doomed) };
  const compute: ComputePoint = (index, sink) => computePoint(index, sink, withPaths);

  const hasLayout = task.layout !== undefined;
  refuseIfLost(job);
  // Lines of columns that nobody knows any more.
  if (!hasLayout) rmSync(paths.retried(task.index), { force: true });
  const retried = task.retryFailed ? await retryFailed(paths, options, compute) : 0;
  const replaced = readRetried(paths.retried(task.index));
  const first: Session = { started, retried, replaced, failures: [], hasLayout };
  for (let session: Session | undefined = first; session !== undefined;) {
    session = await runSession(session, withPaths, compute);
  }
}

// --- internal ---

/** The work on a task's file from its opening to its closing. */
interface Session {
  /** When it began, in ms. */
  readonly started: number;
  /** How many points were computed again before it. */
  readonly retried: number;
  /** The lines that take the places of others, by index. */
  readonly replaced: ReadonlyMap<number, string>;
  /** What is to be recorded once they have. */
  readonly failures: readonly FailureRecord[];
  /** Whether the columns of the lines that are there are known. */
  readonly hasLayout: boolean;
}

/** Computes what is missing. Where results are taken back, the session that goes on without them is left to do. */
async function runSession(
  { started, retried, replaced, failures, hasLayout }: Session,
  options: PointOptions,
  compute: ComputePoint,
): Promise<Session | undefined> {
  const { job, task, computer, paths, signal } = options;
  refuseIfLost(job);
  const file = openSliceFile(taskFiles(paths, task.index), { ...task, hasLayout }, replaced);
  try {
    rmSync(paths.retried(task.index), { force: true });
    for (const failure of failures) appendRecord(paths.failures, failure);
    appendRecord(paths.events, {
      event: 'start',
      ...stamp(task.index),
      lines: file.lines,
    } satisfies RunEvent);
    const computed = signal.aborted ? 0 : await computeRest(file, options, compute);
    options.tell.computed();
    const recalled = await computer.recall?.take();
    const seconds = (performance.now() - started) / 1000;
    finish(file, options, { paths, seconds, points: retried + computed, isSound: recalled === undefined });
    if (recalled === undefined) return undefined;
    const { indices, error } = recalled;
    options.tell.failed(indices);
    return {
      started: performance.now(),
      retried: 0,
      replaced: new Map(indices.map((index) => [index, failedLine(index)])),
      failures: indices.map((index) => failedAttempt(firstAttempt(index, error, task), options)),
      hasLayout: true,
    };
  } finally {
    file.close();
  }
}

/** Gives the line of a point to a sink; false where a stop came while it was computed, which is no failure. */
type ComputePoint = (index: number, sink: RowSink) => Promise<boolean> | boolean;

interface PointOptions extends TaskOptions {
  readonly paths: RunPaths;
  readonly failed: { count: number };
  readonly doomed: ReadonlySet<number>;
}

function computePoint(index: number, sink: RowSink, options: PointOptions): ReturnType<ComputePoint> {
  const { task, computer, tell, doomed } = options;
  if (doomed.has(index)) {
    addFailed(index, sink, options);
    return true;
  }
  if (task.isCareful) tell.point(index);
  try {
    const pending = computer.add(index, sink);
    if (pending === undefined) return true;
    return pending.then(
      () => true,
      (error: unknown) => failPoint(firstAttempt(index, error, task), sink, options),
    );
  } catch (error) {
    return failPoint(firstAttempt(index, error, task), sink, options);
  }
}

/** Records an attempt that failed; the point is tried again where its own process died and tries are left. */
function failPoint(attempt: Attempt, sink: RowSink, options: PointOptions): ReturnType<ComputePoint> {
  const { error } = attempt;
  if (error instanceof OwnError || error instanceof SupersededError) throw error;
  if (options.signal.aborted) return false;
  if (deathOf(error) === undefined) return recordFailure(attempt, sink, options);
  return wasStopped(error, options.signal).then((isStopped) =>
    isStopped ? false : recordFailure(attempt, sink, options),
  );
}

function recordFailure(attempt: Attempt, sink: RowSink, options: PointOptions): Promise<boolean> | boolean {
  const { index, error, earlier } = attempt;
  refuseIfLost(options.job);
  const record = failedAttempt(attempt, options);
  appendRecord(options.paths.failures, record);
  if (deathOf(error) !== undefined) {
    const { tries, afterMs } = nextTry(record.certificate, attempt.tries, options.job.limits);
    const next = { index, earlier: earlier + 1, tries };
    if (afterMs !== undefined) return tryAgain(next, sink, options, afterMs);
  }
  addFailed(index, sink, options);
  return true;
}

async function tryAgain(
  { index, earlier, tries }: Omit<Attempt, 'error'>,
  sink: RowSink,
  options: PointOptions,
  afterMs: number,
): Promise<boolean> {
  options.tell.again(index, afterMs);
  if (!(await pause(afterMs, options.signal))) return false;
  try {
    await options.computer.add(index, sink);
    return true;
  } catch (error) {
    return failPoint({ index, error, earlier, tries }, sink, options);
  }
}

function addFailed(index: number, sink: RowSink, { failed, tell }: PointOptions): void {
  failed.count++;
  tell.failed([index]);
  sink.text(failedLine(index));
}

/** Computes the failed points of a task again; each line is safe in `.retried` before the next point starts. */
async function retryFailed(
  paths: RunPaths,
  { job, task, signal, tell }: TaskOptions,
  compute: ComputePoint,
): Promise<number> {
  const retried = paths.retried(task.index);
  const files = taskFiles(paths, task.index);
  const part = { ...task, hasLayout: task.layout !== undefined };
  // What one that was killed has left.
  const left = readRetried(retried);
  if (left.size > 0) openSliceFile(files, part, left).close();
  // It is there as long as failed points are computed.
  writeFileSync(retried, '');
  let points = 0;
  const { lines, failed } = readPart(files, part);
  appendRecord(paths.events, {
    event: 'start',
    ...stamp(task.index),
    lines,
    isRetry: true,
  } satisfies RunEvent);
  tell.begin();
  for (const index of failed) {
    const found = { line: '' };
    if (!(await compute(index, lineOf(found)))) break;
    points++;
    refuseIfLost(job);
    appendRetried(retried, { index, line: found.line });
    await nextTurn();
    if (signal.aborted) break;
  }
  tell.computed();
  return points;
}

/** A sink that keeps one line as text. */
function lineOf(found: { line: string }): RowSink {
  return {
    text: (line) => {
      found.line = line;
    },
    integers: (x, separator, y) => {
      found.line = `${String(x)}${separator}${String(y)}\n`;
    },
  };
}

/** Computes from the file's last line to the task's end, writing each line at once, or those of fast points together. */
async function computeRest(file: SliceFile, options: PointOptions, compute: ComputePoint): Promise<number> {
  const { task, signal, failed, computer, tell } = options;
  failed.count = 0;
  const lines = lineBuffer(file, failed);
  const pace = pacing(task.isCareful);
  let computed = 0;
  let isStopping = false;
  // Of points that are computed together it is never known which one is in hand.
  let isFast = computer.isAhead && !task.isCareful;
  tell.begin();
  if (isFast) tell.pace(true);
  if (!task.isCareful) computer.mayComputeTo(task.stop);
  for (let index = task.start + file.lines; index < task.stop; index++) {
    if (computer.recall?.isDue() === true) break;
    const found = compute(index, lines);
    if (found !== true && !(typeof found === 'boolean' ? found : await whileWaiting(found, lines))) break;
    computed++;
    if (!isStopping && pace.mayHoldBack()) {
      if (!isFast) tell.pace((isFast = true));
      lines.holdBack();
    } else {
      lines.write();
      if (isFast && !computer.isAhead && !pace.isFast()) tell.pace((isFast = false));
      if (pace.isTurnDue()) await nextTurn();
      isStopping = signal.aborted;
    }
    // What is computed already is kept.
    if (isStopping && !computer.isComputed(index + 1)) break;
  }
  lines.write();
  return computed;
}

/** Writes what came before while a point waits for something. */
async function whileWaiting<T>(pending: Promise<T>, lines: LineBuffer): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const refused = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      try {
        lines.write();
      } catch (error) {
        // Thrown in a timer it would be the death of this process.
        reject(error instanceof Error ? error : new OwnError(error));
      }
    }, IDLE_WRITE_MS);
  });
  try {
    return await Promise.race([pending, refused]);
  } finally {
    clearTimeout(timer);
  }
}

/** Says after each point whether its line may wait for others: only in a series of fast points, and not for long. */
function pacing(isCareful: boolean): { mayHoldBack(): boolean; isFast(): boolean; isTurnDue(): boolean } {
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
    isFast: () => fast > FAST_POINTS,
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
  { paths, seconds, points, isSound }: { paths: RunPaths; seconds: number; points: number; isSound: boolean },
): void {
  const isComplete = isSound && !isShort(file, task) && file.failed === 0;
  const sealed = file.seal(isComplete);
  const numbers = computer.numbers();
  const nans = computer.nans();
  const layout = computer.layout();
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
      ...(isComplete && layout !== undefined ? { layout } : {}),
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
