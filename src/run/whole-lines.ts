import { closeSync, openSync, readSync } from 'node:fs';
import { systemCode } from '../errors.js';

const NEWLINE = 10;
const READ_BYTES = 1 << 20;
/** At the start and the end of a file: a run on a cluster has a journal for each element, and most are short. */
const SHORT_BYTES = 1 << 14;
/** How a line that stands for a failed point begins; no row can: txt and csv quote `#`, jsonl rows are objects. */
const FAILED = '# failed ';
const FAILED_BYTES = Buffer.from(FAILED);

/** Some whole lines of a file. */
export interface LineBlock {
  readonly bytes: Buffer;
  readonly lines: number;
  /** How many of them stand for failed points. */
  readonly failed: number;
}

/** The line that keeps the place of a failed point. */
export function failedLine(index: number): string {
  return `${FAILED}${String(index)}\n`;
}

/** True for the line of a failed point. */
export function isFailedLine(line: string): boolean {
  return line.startsWith(FAILED);
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

/** Blocks of whole lines of a file; a torn last line is left out, a missing file has none. */
export function* readWholeLines(path: string, offset: number): Generator<LineBlock> {
  const file = openIfThere(path);
  if (file === undefined) return;
  try {
    yield* wholeLinesOf(file, offset, Infinity);
  } finally {
    closeSync(file);
  }
}

/** Blocks of whole lines among the bytes [start, stop) of an open file. */
export function* wholeLinesOf(file: number, start: number, stop: number): Generator<LineBlock> {
  let position = start;
  let length = SHORT_BYTES;
  for (;;) {
    const wanted = Math.min(length, stop - position);
    const buffer = Buffer.allocUnsafe(wanted);
    const read = readSync(file, buffer, 0, wanted, position);
    const end = buffer.subarray(0, read).lastIndexOf(NEWLINE) + 1;
    if (end === 0 && read < length) return;
    // A line longer than the block is read again with a larger one.
    length = end === 0 ? length * 2 : read < wanted ? SHORT_BYTES : READ_BYTES;
    if (end > 0) yield lineBlock(buffer.subarray(0, end));
    position += end;
  }
}

/** @param bytes whole lines */
export function lineBlock(bytes: Buffer): LineBlock {
  let lines = 0;
  for (let index = 0; index < bytes.length; index++) if (bytes[index] === NEWLINE) lines++;
  return { bytes, lines, failed: countFailed(bytes) };
}

/** The file open for reading, or undefined where there is none. */
export function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

// --- internal ---

function countFailed(bytes: Buffer): number {
  let failed = 0;
  for (let at = bytes.indexOf(FAILED_BYTES); at >= 0; at = bytes.indexOf(FAILED_BYTES, at + 1)) {
    if (at === 0 || bytes[at - 1] === NEWLINE) failed++;
  }
  return failed;
}
