import { createHash, type Hash } from 'node:crypto';
import { closeSync, fstatSync, fsyncSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { systemCode } from '../errors.js';
import { syncFolder, writeAll } from './atomic-file.js';
import { believe, CHECK_DIVIDER, checkLine, type PartOf, type TaskFiles } from './part.js';
import { lineBlock, openIfThere, wholeLinesOf, type LineBlock } from './whole-lines.js';

/** A task's file as a host writes it. */
export interface SliceFile {
  /** Whole lines that it holds. */
  readonly lines: number;
  /** How many of them stand for failed points. */
  readonly failed: number;
  /** The open files, for one who writes the beginning of what `append` then completes. */
  readonly descriptor: number;
  readonly checkDescriptor: number;
  /** Appends whole lines. */
  append(bytes: Uint8Array, count: LineCount): void;
  /**
   * Makes the bytes durable and gives their size and hash; `publish` then puts a complete file in its final place. Both
   * throw a SupersededError where the name is another file's by now.
   * @param isComplete false for a file that stays a part, and is believed only as far as its check file is durable too
   */
  seal(isComplete: boolean): { lines: number; bytes: number; sha256: string };
  publish(): void;
  close(): void;
}

/** What bytes of a task's file are. */
export interface LineCount {
  readonly lines: number;
  /** How many of the lines stand for failed points. */
  readonly failed: number;
  /** How many of the bytes, from the first, are in the file already. */
  readonly written?: number;
  /** How many of them have their line in the check file. */
  readonly checked?: number;
}

/** Thrown to a host whose task another host has taken over in the meantime. */
export class SupersededError extends Error {
  override readonly name = 'SupersededError';
}

/**
 * Opens `task_index=N.txt.part`, going on after the last line that is believed.
 *
 * The lines are copied into a new file that takes the old one's name, and so are those of the check file, so that a host of
 * a dead coordinator which still runs holds files without a name, and can neither write here nor publish.
 * @param replaced new lines, by the indices of their points; they take their places while copying
 */
export function openSliceFile(
  files: TaskFiles,
  task: PartOf,
  replaced: ReadonlyMap<number, string>,
): SliceFile {
  const { part, check } = files;
  const temporary = (path: string): string => `${path}.${String(process.pid)}`;
  const file = openSync(temporary(part), 'w');
  const checks = openSync(temporary(check), 'w');
  const state = { lines: 0, failed: 0, bytes: 0, hash: createHash('sha256') };
  const add = (bytes: Uint8Array, { lines, failed, written = 0, checked = 0 }: LineCount): void => {
    // First, so that it is the lines themselves that make a block count.
    if (checked < bytes.length) writeAll(checks, Buffer.from(checkLine(bytes.subarray(checked))));
    writeAll(file, bytes, written);
    state.hash.update(bytes);
    state.lines += lines;
    state.failed += failed;
    state.bytes += bytes.length;
  };
  if (replaced.size > 0) {
    // A crash may leave the new check file beside the old part.
    for (const { bytes } of believedLines(files, task)) writeAll(checks, Buffer.from(checkLine(bytes)));
    writeAll(checks, Buffer.from(CHECK_DIVIDER));
  }
  for (const block of believedLines(files, task)) {
    const whole = replaced.size > 0 ? replaceLines(block, task.start + state.lines, replaced) : block;
    add(whole.bytes, whole);
  }
  // What was durable must stay so: without this a power cut could leave the new names with no bytes.
  if (state.bytes > 0) for (const descriptor of [checks, file]) fsyncSync(descriptor);
  for (const path of [check, part]) renameSync(temporary(path), path);
  return sliceFile({ file, checks }, state, add, files);
}

/** The lines of a part that are believed. */
export function* believedLines({ part, check }: TaskFiles, task: PartOf): Generator<LineBlock> {
  const file = openIfThere(part);
  if (file === undefined) return;
  try {
    yield* wholeLinesOf(file, 0, believe(file, check, task).bytes);
  } finally {
    closeSync(file);
  }
}

// --- internal ---

/** @param first the index of the point of the block's first line */
function replaceLines({ bytes }: LineBlock, first: number, replaced: ReadonlyMap<number, string>): LineBlock {
  const lines = bytes.toString('utf8').split('\n').slice(0, -1);
  return lineBlock(
    Buffer.from(lines.map((line, index) => replaced.get(first + index) ?? `${line}\n`).join('')),
  );
}

interface SliceState {
  lines: number;
  failed: number;
  bytes: number;
  readonly hash: Hash;
}

function sliceFile(
  { file, checks }: { file: number; checks: number },
  state: SliceState,
  add: SliceFile['append'],
  { part, check, final }: TaskFiles,
): SliceFile {
  return {
    get lines() {
      return state.lines;
    },
    get failed() {
      return state.failed;
    },
    descriptor: file,
    checkDescriptor: checks,
    append: add,
    seal: (isComplete) => {
      for (const descriptor of isComplete ? [file] : [checks, file]) fsyncSync(descriptor);
      refuseIfTaken(file, part);
      return { lines: state.lines, bytes: state.bytes, sha256: state.hash.copy().digest('hex') };
    },
    publish: () => {
      refuseIfTaken(file, part);
      try {
        renameSync(part, final);
      } catch (error) {
        throw systemCode(error) === 'ENOENT' ? superseded(part) : error;
      }
      rmSync(check, { force: true });
      syncFolder(dirname(final));
    },
    close: () => {
      closeSync(file);
      closeSync(checks);
    },
  };
}

function refuseIfTaken(file: number, part: string): void {
  if (!isSameFile(file, part)) throw superseded(part);
}

function superseded(part: string): SupersededError {
  return new SupersededError(`${part} belongs to another process now`);
}

function isSameFile(file: number, path: string): boolean {
  try {
    return fstatSync(file, { bigint: true }).ino === statSync(path, { bigint: true }).ino;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw error;
  }
}
