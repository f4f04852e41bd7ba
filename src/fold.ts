import { createHash } from 'node:crypto';
import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { FanfoldError, systemCode } from './errors.js';
import { checkLayouts, headerOf } from './fold-layout.js';
import { stateOfResult } from './fold-state.js';
import { canHoldNan, mentionsNan, NAN_OVERLAP, nanRows, type RowFormat } from './fold-rows.js';
import { copyFilled, nanRowsOf } from './fold-nan.js';
import { writeAll, writeAtomically } from './run/atomic-file.js';
import { changedTask } from './run/changed-task.js';
import { collectRanges, rangeText } from './run/index-ranges.js';
import { layoutOfRun } from './run/layouts.js';
import { writeManifest, type Manifest } from './run/manifest.js';
import { runPaths } from './run/paths.js';
import { pieceOf, provenFile, type FileRecord, type Proof } from './run/proof.js';
import { readJournals } from './run/records.js';
import { isComputed, readTaskStates, recordedFiles } from './run/task-state.js';
import { sliceOf } from './slicing.js';

const COPY_BYTES = 1 << 20;

export interface FoldOptions {
  /** Called where the result that is there was damaged. */
  readonly onNotice?: ((text: string) => void) | undefined;
  /** Write rows of nan in the places of failed points. */
  readonly fillsFailed?: boolean;
  /** Called again and again meanwhile: the fold holds the thread. What it throws ends the fold. */
  readonly beat?: (() => void) | undefined;
}

/**
 * Concatenates the task files that the manifest names, in index order and constant memory, into the result file, which
 * appears by rename. Each file is held against the number of lines, the bytes and the hash that its host recorded. What
 * was found is then written into the manifest; only under the run's lock.
 * @returns the manifest with its proof
 * @throws FanfoldError where a task is not complete, a file was changed, or tasks have different columns
 */
export function fold(directory: string, manifest: Manifest, options: FoldOptions = {}): Manifest {
  const { onNotice, fillsFailed = false, beat } = options;
  const paths = runPaths(directory, manifest.spec.format);
  if (onNotice !== undefined && stateOfResult(directory, manifest, beat) === 'damaged') {
    onNotice(
      `${basename(paths.result)} was damaged or edited since it was made; it is made anew from the task files.`,
    );
  }
  const journals = readJournals(paths);
  const events = journals.flat();
  checkLayouts(events);
  const layout = layoutOfRun(events, manifest);
  const header = headerOf(manifest, layout, paths.directory);
  const rows = { format: manifest.spec.format, axes: manifest.spec.space.groups.flat().length, layout };
  const hash = createHash('sha256');
  const nan = collectRanges();
  const failed = collectRanges();
  const nanRow = fillsFailed ? nanRowsOf(directory, manifest, layout) : undefined;
  let bytes = 0;
  const files = recordedFiles(journals);
  const tasks: Proof['tasks'] = [];
  writeAtomically(paths.result, (output) => {
    const buffer = Buffer.allocUnsafe(COPY_BYTES);
    const write = (block: Buffer): void => {
      beat?.();
      writeAll(output, block);
      hash.update(block);
      bytes += block.length;
    };
    write(Buffer.from(header));
    for (let index = 0; index < manifest.tasks; index++) {
      const slice = sliceOf(manifest.points, manifest.tasks, manifest.spec.slicing, index);
      const recorded = [...(files.get(index) ?? []), provenFile(manifest.proof, index)];
      const filled =
        nanRow === undefined || existsSync(paths.task(index))
          ? undefined
          : copyFilled(paths, index, { ...slice, write, rows, nanRow, failed, nan });
      if (filled !== undefined && filled.lines < slice.stop - slice.start)
        throw incomplete(paths.task(index));
      const file = filled ?? copyTask(paths.task(index), { ...slice, recorded, buffer, write, rows, nan });
      tasks.push({ ...slice, ...file, ...(filled === undefined ? {} : { isFilled: true }) });
    }
    checkSequence(tasks, manifest.points);
  });
  const proof: Proof = {
    indices: manifest.points === 0 ? '' : rangeText(0, manifest.points - 1),
    result: { header, lines: manifest.points + (header === '' ? 0 : 1), bytes, sha256: hash.digest('hex') },
    failed: failed.list(),
    nan: nan.list(),
    ...(layout === undefined ? {} : { layout: { kind: layout.kind, columns: [...layout.columns] } }),
    journals: { events: pieceOf(paths.events, beat), failures: pieceOf(paths.failures, beat) },
    tasks,
  };
  const proven = { ...manifest, proof };
  writeManifest(paths, proven);
  return proven;
}

/** As `fold`, where the result is not there already as it should be. */
export function foldIfNeeded(directory: string, manifest: Manifest, options: FoldOptions = {}): Manifest {
  return isFoldNeeded(directory, manifest, options) ? fold(directory, manifest, options) : manifest;
}

/**
 * Looks, without the run's lock, whether there is something for `foldIfNeeded` to do.
 * @throws FanfoldError naming the first task of which points are missing, or failed and are not to be filled with nan
 */
export function isFoldable(directory: string, manifest: Manifest, options: FoldOptions): boolean {
  if (!isFoldNeeded(directory, manifest, options)) return false;
  // What another one wrote is looked at by the fold itself.
  const missing = readTaskStates(directory, manifest).find((state) =>
    options.fillsFailed === true
      ? !isComputed(state) && state.status !== 'foreign' && state.status !== 'changed'
      : state.status === 'partial' || state.status === 'waiting',
  );
  if (missing === undefined) return true;
  throw incomplete(runPaths(directory, manifest.spec.format).task(missing.index));
}

// --- internal ---

function isFoldNeeded(directory: string, manifest: Manifest, options: FoldOptions): boolean {
  const { proof } = manifest;
  // One with nan in the places of failed points is not that of a run without any, nor of one where they were computed since.
  const isFilled = proof?.tasks.some((task) => task.isFilled === true) === true;
  const isOlder =
    isFilled && (options.fillsFailed !== true || countFailed(directory, manifest) !== proof.failed.count);
  return isOlder || stateOfResult(directory, manifest, options.beat) !== 'folded';
}

function countFailed(directory: string, manifest: Manifest): number {
  return readTaskStates(directory, manifest).reduce((sum, { failed }) => sum + failed, 0);
}

interface CopyOptions {
  /** The points whose rows the file holds. */
  readonly start: number;
  readonly stop: number;
  /** What is known of the file; one of it must be true. */
  readonly recorded: readonly (FileRecord | undefined)[];
  readonly buffer: Buffer;
  readonly write: (bytes: Buffer) => void;
  readonly rows: RowFormat;
  readonly nan: ReturnType<typeof collectRanges>;
}

/** Copies a task's file into the result, and collects its points with a nan. */
function copyTask(path: string, options: CopyOptions): FileRecord {
  const { start, stop, recorded, nan, rows } = options;
  const { bytes, sha256, hasNan } = copyFile(path, options);
  const file = { lines: stop - start, bytes, sha256 };
  if (!recorded.some((record) => record !== undefined && isSameFile(record, file)))
    throw changedTask(path, file.lines);
  // Only what mentions nan is read as rows: most results have none, and that search is fast.
  if (hasNan) for (const line of nanRows(path, rows)) nan.add(start + line);
  return file;
}

function copyFile(
  path: string,
  { buffer, write, rows }: CopyOptions,
): { bytes: number; sha256: string; hasNan: boolean } {
  const input = openTask(path);
  try {
    const hash = createHash('sha256');
    let bytes = 0;
    let hasNan = false;
    const isSearched = canHoldNan(rows);
    for (;;) {
      const read = readSync(input, buffer, NAN_OVERLAP, buffer.length - NAN_OVERLAP, null);
      if (read === 0) return { bytes, sha256: hash.digest('hex'), hasNan };
      const block = buffer.subarray(NAN_OVERLAP, NAN_OVERLAP + read);
      hash.update(block);
      write(block);
      hasNan ||=
        isSearched && mentionsNan(buffer.subarray(bytes === 0 ? NAN_OVERLAP : 0, NAN_OVERLAP + read));
      bytes += read;
      // The word may lie across two blocks.
      buffer.copy(buffer, 0, read, read + NAN_OVERLAP);
    }
  } finally {
    closeSync(input);
  }
}

function isSameFile(record: FileRecord, { lines, bytes, sha256 }: FileRecord): boolean {
  return record.lines === lines && record.bytes === bytes && record.sha256 === sha256;
}

/** The tasks' points follow each other without a gap, from the first to the last; this is ours to get right. */
function checkSequence(tasks: Proof['tasks'], points: number): void {
  const isGapless = tasks.every(({ start, lines, stop }, index) => {
    return start === (tasks[index - 1]?.stop ?? 0) && lines === stop - start;
  });
  if (!isGapless || tasks.at(-1)?.stop !== points) throw new Error('The tasks do not hold every point once.');
}

function openTask(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
    throw incomplete(path);
  }
}

function incomplete(path: string): FanfoldError {
  return new FanfoldError(
    'FANFOLD_INCOMPLETE',
    `Expected every task to be complete, but ${basename(path)} is not there${existsSync(`${path}.part`) ? ', only its part: points failed or are missing' : ''}. fanfold status ${dirname(path)} tells what to do.`,
    { exitCode: 1 },
  );
}
