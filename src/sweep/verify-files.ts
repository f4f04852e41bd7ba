import { createHash } from 'node:crypto';
import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import type { Manifest } from '../run/manifest.js';
import { listElements } from '../run/elements.js';
import { runPaths, type RunPaths } from '../run/paths.js';
import { beginsAsRecorded, isRecorded, provenFile, type FileRecord, type Piece } from '../run/proof.js';
import { scanRecords } from '../run/journal.js';
import { readJournals } from '../run/records.js';
import { recordedFiles, type TaskState } from '../run/task-state.js';
import { sliceOf } from '../slicing.js';

/** One file that is not as it was recorded. */
export interface Problem {
  /** Its name in the run directory. */
  readonly file: string;
  readonly kind: 'missing' | 'truncated' | 'edited' | 'foreign';
  /** What is wrong, in words. */
  readonly text: string;
  /** The task whose file it is. */
  readonly task?: number;
}

/** Holds each task's file against what its process and the fold have recorded: its length, lines and hash. */
export function checkTasks(
  paths: RunPaths,
  manifest: Manifest,
  names: ReadonlySet<string>,
): { problems: Problem[]; complete: number } {
  const files = recordedFiles(readJournals(paths));
  const has = (path: string): boolean => names.has(basename(path));
  const problems: Problem[] = [];
  let complete = 0;
  for (let task = 0; task < manifest.tasks; task++) {
    const records = [provenFile(manifest.proof, task), ...(files.get(task) ?? [])].filter(
      (record) => record !== undefined,
    );
    const path = paths.task(task);
    const { start, stop } = sliceOf(manifest.points, manifest.tasks, manifest.spec.slicing, task);
    const problem = has(path)
      ? faultOfTask(path, records, stop - start)
      : records.length > 0 && !has(paths.part(task))
        ? ({ kind: 'missing', text: 'it was finished, but is not there' } as const)
        : undefined;
    if (problem !== undefined) problems.push({ file: basename(path), ...problem, task });
    else if (has(path)) complete++;
  }
  return { problems, complete };
}

/** Files that bear the name of a task, but of none of this run's: another number, or another format. */
export function strayTasks(paths: RunPaths, { tasks }: Manifest, names: Iterable<string>): string[] {
  return [...names].filter((name) => {
    const { index } = /^task_index=(?<index>\d+)\.(?:txt|csv|jsonl)(?:\.part)?$/.exec(name)?.groups ?? {};
    if (index === undefined) return false;
    const task = Number(index);
    return task >= tasks || ![paths.task(task), paths.part(task)].includes(join(paths.directory, name));
  });
}

/** Holds the parts of tasks under way against the checksums of their blocks. */
export function checkParts(paths: RunPaths, states: readonly TaskState[]): Problem[] {
  return states
    .filter(({ status }) => status === 'partial')
    .flatMap(({ index, lines, bytes }) => {
      const path = paths.part(index);
      const size = statSync(path, { throwIfNoEntry: false })?.size ?? bytes;
      if (size <= bytes) return [];
      const text = `${String(lines)} of its lines, ${String(bytes)} of ${String(size)} bytes, are as they were written; the rest is computed again`;
      return [{ file: basename(path), kind: 'edited', text } as const];
    });
}

/** Looks for damaged lines, and holds what the journals held at the fold against its hash. */
export function checkJournals(
  paths: RunPaths,
  { proof }: Manifest,
  { isBegun, hasFailed, isRunning }: { isBegun: boolean; hasFailed: boolean; isRunning: boolean },
): Problem[] {
  const events = faultOfJournal(paths.events, proof?.journals.events, isRunning);
  const failures = faultOfJournal(paths.failures, proof?.journals.failures, isRunning);
  const elements = listElements(paths);
  // Elements that nobody submitted from here have journals of their own only.
  const isLost = (path: string): boolean => elements.length === 0 && !existsSync(path);
  const ofElements = elements.flatMap((element) => {
    const own = runPaths(paths.directory, undefined, element);
    return [own.events, own.failures].map((path) => {
      const fault = faultOfJournal(path, undefined, isRunning);
      return fault && { ...fault, file: relative(paths.directory, path) };
    });
  });
  return [
    ...(events === undefined && isBegun && isLost(paths.events) ? [lostJournal(paths.events)] : []),
    ...(failures === undefined && hasFailed && isLost(paths.failures) ? [lostJournal(paths.failures)] : []),
    ...[events, failures, ...ofElements].filter(isProblem),
  ];
}

/** Holds the result against the proof. */
export function checkResult(paths: RunPaths, { proof }: Manifest, wasComplete: boolean): Problem[] {
  const file = basename(paths.result);
  if (!existsSync(paths.result)) {
    return proof === undefined || !wasComplete ? [] : [{ file, kind: 'missing', text: 'it is not there' }];
  }
  if (proof === undefined)
    return [{ file, kind: 'foreign', text: 'the manifest has no record of a fold that made it' }];
  if (isRecorded(paths.result, proof.result)) return [];
  return [{ file, ...difference(measure(paths.result), proof.result) }];
}

// --- internal ---

type Fault = Pick<Problem, 'kind' | 'text'>;

function isProblem(problem: Problem | undefined): problem is Problem {
  return problem !== undefined;
}

function faultOfTask(path: string, records: readonly FileRecord[], lines: number): Fault | undefined {
  const [record] = records;
  if (record === undefined) return { kind: 'foreign', text: 'no process of this run has finished it' };
  const found = measure(path);
  const isRight = records.some(({ bytes, sha256 }) => bytes === found.bytes && sha256 === found.sha256);
  if (isRight && found.lines === lines) return undefined;
  return difference(found, record);
}

function faultOfJournal(path: string, recorded: Piece | undefined, isRunning: boolean): Problem | undefined {
  if (!existsSync(path))
    return recorded === undefined || recorded.bytes === 0 ? undefined : lostJournal(path);
  const file = basename(path);
  const { size } = statSync(path);
  const { damaged, offset } = scanRecords(path, 0, () => undefined);
  if (damaged > 0) return { file, kind: 'edited', text: `${String(damaged)} of its lines are damaged` };
  if (recorded !== undefined && size < recorded.bytes) {
    return { file, kind: 'truncated', text: `${String(size)} bytes, of at least ${String(recorded.bytes)}` };
  }
  if (recorded !== undefined && !beginsAsRecorded(path, recorded)) {
    return { file, kind: 'edited', text: 'it does not begin with the records that it had at the fold' };
  }
  // A coordinator may be at its last line.
  if (offset === size || isRunning) return undefined;
  return { file, kind: 'truncated', text: 'its last line has no end' };
}

function lostJournal(path: string): Problem {
  return { file: basename(path), kind: 'missing', text: 'it is not there' };
}

function difference(found: FileRecord, recorded: FileRecord): Fault {
  const sizes = `${String(found.bytes)} bytes and ${String(found.lines)} lines, recorded were ${String(recorded.bytes)} and ${String(recorded.lines)}`;
  if (found.bytes < recorded.bytes) return { kind: 'truncated', text: sizes };
  if (found.bytes > recorded.bytes || found.lines !== recorded.lines) return { kind: 'edited', text: sizes };
  return { kind: 'edited', text: `${String(found.bytes)} bytes as recorded, but of another sha256` };
}

const READ_BYTES = 1 << 20;
const NEWLINE = 10;

/** Length, lines and hash of a file as it is. */
function measure(path: string): FileRecord {
  const file = openSync(path, 'r');
  try {
    const hash = createHash('sha256');
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    let [bytes, lines] = [0, 0];
    for (;;) {
      const read = readSync(file, buffer, 0, buffer.length, null);
      if (read === 0) return { lines, bytes, sha256: hash.digest('hex') };
      hash.update(buffer.subarray(0, read));
      for (let index = 0; index < read; index++) if (buffer[index] === NEWLINE) lines++;
      bytes += read;
    }
  } finally {
    closeSync(file);
  }
}
