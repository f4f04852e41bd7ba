import { createHash, type Hash } from 'node:crypto';
import { closeSync, fstatSync, fsyncSync, openSync, readSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { systemCode } from '../errors.js';
import { syncFolder, writeAll } from './atomic-file.js';

const NEWLINE = 10;
const READ_BYTES = 1 << 20;
/** How a line that stands for a failed point begins; no row can: txt and csv quote `#`, jsonl rows are objects. */
const FAILED = '# failed ';
const FAILED_BYTES = Buffer.from(FAILED);

/** A task's file as a host writes it. */
export interface SliceFile {
  /** Whole lines that it holds. */
  readonly lines: number;
  /** How many of them stand for failed points. */
  readonly failed: number;
  /** The open file, for one who writes the beginning of what `append` then completes. */
  readonly descriptor: number;
  /** Appends whole lines. */
  append(bytes: Uint8Array, count: LineCount): void;
  /**
   * Makes the bytes durable and gives their size and hash; `publish` then puts the file in its final place. Both throw a
   * SupersededError where the name is another file's by now.
   */
  seal(): { lines: number; bytes: number; sha256: string };
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
}

/** True for the line of a failed point. */
export function isFailedLine(line: string): boolean {
  return line.startsWith(FAILED);
}

/** Thrown to a host whose task another host has taken over in the meantime. */
export class SupersededError extends Error {
  override readonly name = 'SupersededError';
}

/** The line that keeps the place of a failed point. */
export function failedLine(index: number): string {
  return `${FAILED}${String(index)}\n`;
}

/**
 * Opens `task_index=N.txt.part`, going on after its last whole line.
 *
 * The lines are copied into a new file that takes the old one's name, so that a host of a dead coordinator which still
 * runs holds a file without a name, and can neither write here nor publish.
 * @param replaced new lines, by their places in the file, counted from 0; they take these places while copying
 */
export function openSliceFile(part: string, final: string, replaced: ReadonlyMap<number, string>): SliceFile {
  const temporary = `${part}.${String(process.pid)}`;
  const file = openSync(temporary, 'w');
  const state = { lines: 0, failed: 0, bytes: 0, hash: createHash('sha256') };
  const add = (bytes: Uint8Array, { lines, failed, written = 0 }: LineCount): void => {
    writeAll(file, bytes, written);
    state.hash.update(bytes);
    state.lines += lines;
    state.failed += failed;
    state.bytes += bytes.length;
  };
  for (const block of readWholeLines(part, 0)) {
    const whole = replaced.size > 0 ? replaceLines(block, state.lines, replaced) : block;
    add(whole.bytes, whole);
  }
  // What was durable must stay so: without this a power cut could leave the new name with no bytes.
  if (state.bytes > 0) fsyncSync(file);
  renameSync(temporary, part);
  return sliceFile(file, state, add, { part, final });
}

/** Number of whole lines in a file from byte `offset` on, of those that stand for failed points, and where they end. */
export function countLines(path: string, offset = 0): { lines: number; failed: number; offset: number } {
  const count = { lines: 0, failed: 0, offset };
  for (const { bytes, lines, failed } of readWholeLines(path, offset)) {
    count.lines += lines;
    count.failed += failed;
    count.offset += bytes.length;
  }
  return count;
}

/** The indices of the failed points whose lines a `.part` file holds. */
export function failedIndices(path: string): number[] {
  const indices: number[] = [];
  for (const { bytes, failed } of readWholeLines(path, 0)) {
    if (failed === 0) continue;
    for (const line of bytes.toString('utf8').split('\n')) {
      if (isFailedLine(line)) indices.push(Number(line.slice(FAILED.length)));
    }
  }
  return indices;
}

/** Blocks of whole lines of a file; a torn last line is left out, a missing file has none. */
export function* readWholeLines(path: string, offset: number): Generator<LineBlock> {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return;
    throw error;
  }
  try {
    let position = offset;
    let length = READ_BYTES;
    for (;;) {
      const buffer = Buffer.allocUnsafe(length);
      const read = readSync(file, buffer, 0, length, position);
      const end = buffer.subarray(0, read).lastIndexOf(NEWLINE) + 1;
      if (end === 0 && read < length) return;
      // A line longer than the block is read again with a larger one.
      length = end === 0 ? length * 2 : READ_BYTES;
      if (end > 0) yield lineBlock(buffer.subarray(0, end));
      position += end;
    }
  } finally {
    closeSync(file);
  }
}

// --- internal ---

interface LineBlock {
  readonly bytes: Buffer;
  readonly lines: number;
  readonly failed: number;
}

function lineBlock(bytes: Buffer): LineBlock {
  let lines = 0;
  for (let index = 0; index < bytes.length; index++) if (bytes[index] === NEWLINE) lines++;
  return { bytes, lines, failed: countFailed(bytes) };
}

function countFailed(bytes: Buffer): number {
  let failed = 0;
  for (let at = bytes.indexOf(FAILED_BYTES); at >= 0; at = bytes.indexOf(FAILED_BYTES, at + 1)) {
    if (at === 0 || bytes[at - 1] === NEWLINE) failed++;
  }
  return failed;
}

/** @param first the place of the block's first line */
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
  file: number,
  state: SliceState,
  add: SliceFile['append'],
  { part, final }: { part: string; final: string },
): SliceFile {
  return {
    get lines() {
      return state.lines;
    },
    get failed() {
      return state.failed;
    },
    descriptor: file,
    append: add,
    seal: () => {
      fsyncSync(file);
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
      syncFolder(dirname(final));
    },
    close: () => {
      closeSync(file);
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
