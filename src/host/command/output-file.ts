import {
  closeSync,
  fstatSync,
  openSync,
  readSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { systemCode } from '../../errors.js';

/** Takes what programs print into the log of the task in hand. */
export type WriteLog = (bytes: Uint8Array) => void;

/** As much of what a command prints as is read as its result. */
const MOST_RESULT_BYTES = 64 << 20;
const END_BYTES = 1 << 16;
const BLOCK_BYTES = 1 << 16;

/**
 * A file that takes what one command after another prints: unlike a pipe it is no one's to empty while a command runs, and
 * costs one look for a command that prints nothing.
 */
export interface OutputFile {
  readonly path: string;
  /** Makes it empty for the next command, which appends to it. */
  readonly empty: () => void;
  /** All of it. Throws where that is too long for a result. */
  readonly text: () => string;
  /** The last 64 kB. */
  readonly end: () => string;
  /** The end from the beginning of some line on, with the last line that is not blank. Throws where that is too long. */
  readonly lastLines: () => string;
  /** Hands all of it over, in blocks. */
  copy(write: WriteLog): void;
}

/**
 * @param isOwn each command has a file of its own, so that a process that an earlier one left in the background writes into
 *   one that has no name any more. Making a file takes longer than emptying one, so this is for results.
 */
export function outputFile(path: string, isOwn: boolean): OutputFile {
  writeFileSync(path, '');
  return {
    path,
    empty: () => {
      if (!isOwn) {
        if (statSync(path).size > 0) truncateSync(path);
        return;
      }
      try {
        unlinkSync(path);
      } catch (error) {
        if (systemCode(error) !== 'ENOENT') throw error;
      }
      // Here and not by the shell, which would tell of a full disk as the command's failure.
      writeFileSync(path, '');
    },
    text: () => withFile(path, (file, size) => readFrom(file, 0, size)),
    end: () => withFile(path, (file, size) => readFrom(file, Math.max(0, size - END_BYTES), size)),
    lastLines: () =>
      withFile(path, (file, size) => {
        for (let length = END_BYTES; ; length *= 2) {
          const from = Math.max(0, size - length);
          const text = readFrom(file, from, size);
          if (from === 0) return text;
          const start = text.indexOf('\n') + 1;
          if (start > 0 && text.slice(start).trim() !== '') return text.slice(start);
        }
      }),
    copy: (write) => {
      if (statSync(path).size === 0) return;
      withFile(path, (file, size) => {
        const block = Buffer.allocUnsafe(Math.min(size, BLOCK_BYTES));
        for (let position = 0, count = 0; position < size; position += count) {
          count = readSync(file, block, 0, block.length, position);
          if (count === 0) return;
          write(block.subarray(0, count));
        }
      });
    },
  };
}

// --- internal ---

function withFile<T>(path: string, use: (file: number, size: number) => T): T {
  const file = openSync(path, 'r');
  try {
    return use(file, fstatSync(file).size);
  } finally {
    closeSync(file);
  }
}

function readFrom(file: number, from: number, size: number): string {
  if (size - from > MOST_RESULT_BYTES) {
    throw new Error(
      `Expected at most ${String(MOST_RESULT_BYTES >> 20)} MB on its stdout, got more: let it write into a file in {out}, or use --result last-line.`,
    );
  }
  const bytes = Buffer.allocUnsafe(size - from);
  let length = 0;
  for (let count = -1; length < bytes.length && count !== 0; length += count) {
    count = readSync(file, bytes, length, bytes.length - length, from + length);
  }
  return bytes.toString('utf8', 0, length);
}
