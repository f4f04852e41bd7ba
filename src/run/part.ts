import { closeSync, readSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import type { Slice } from '../slicing.js';
import { checksum } from './checksum.js';
import { failedLine, isFailedLine, openIfThere, wholeLinesOf } from './whole-lines.js';

// A part is believed as far as its check file bears it out: block by block, how many bytes were appended and their crc32.
// The line of a block is written before the block, so that a block that is there has one.

/** The files of a task under way, and its place when it is finished. */
export interface TaskFiles {
  readonly part: string;
  readonly check: string;
  readonly final: string;
}

/** What the lines of a part must fit. */
export interface PartOf extends Slice {
  /** Whether the run's columns are on record: without them nobody knows what the lines mean. */
  readonly hasLayout: boolean;
}

/** What of a part is believed: so many bytes from its first, which are whole lines. */
export interface BelievedPart {
  readonly bytes: number;
  readonly lines: number;
  /** The indices of the points for which lines of failed points stand. */
  readonly failed: readonly number[];
}

const NOTHING: BelievedPart = { bytes: 0, lines: 0, failed: [] };
const READ_BYTES = 1 << 20;
const DIVIDER = '-';

/**
 * The line of a block in the check file. It begins with its newline, so that one that a full disk tears doesn't take the
 * next one with it; the digits at its end tell whether it is whole.
 */
export function checkLine(block: Uint8Array): string {
  return `\n${String(block.length)} ${checksum(block)}`;
}

/** Stands between the lines for the part as it was before some of its lines were replaced, and those for the new one. */
export const CHECK_DIVIDER = `\n${DIVIDER}`;

/** What of a part is believed; nothing of one that is not there. */
export function readPart(files: TaskFiles, task: PartOf): BelievedPart {
  const file = openIfThere(files.part);
  if (file === undefined) return NOTHING;
  try {
    return believe(file, files.check, task);
  } finally {
    closeSync(file);
  }
}

/**
 * What of a part, open as `file`, is believed. One with more lines than its task, or with a failed point in the place of
 * another, is no part of this task: nothing of it is.
 */
export function believe(file: number, check: string, { start, stop, hasLayout }: PartOf): BelievedPart {
  const failed: number[] = [];
  let bytes = 0;
  let lines = 0;
  for (const block of wholeLinesOf(file, 0, checkedBytes(file, check))) {
    if (block.failed > 0) {
      for (const [place, line] of block.bytes.toString('latin1').split('\n').entries()) {
        if (!isFailedLine(line)) continue;
        const index = start + lines + place;
        if (`${line}\n` !== failedLine(index)) return NOTHING;
        failed.push(index);
      }
    }
    bytes += block.bytes.length;
    lines += block.lines;
  }
  if (lines > stop - start || (!hasLayout && lines > failed.length)) return NOTHING;
  return { bytes, lines, failed };
}

// --- internal ---

/** How many bytes of a part, from its first, are as they were appended. */
function checkedBytes(part: number, check: string): number {
  let most = 0;
  let reader = blockReader(part);
  let isOver = false;
  for (const line of checkLines(check)) {
    if (line === DIVIDER) {
      reader = blockReader(part);
      isOver = false;
    }
    const [, bytes, crc] = /^(\d{1,15}) ([\da-f]{8})$/.exec(line) ?? [];
    if (bytes === undefined || crc === undefined || isOver) continue;
    if (reader.skip(Number(bytes), parseInt(crc, 16))) most = Math.max(most, reader.position());
    else isOver = true;
  }
  return most;
}

function* checkLines(path: string): Generator<string> {
  const file = openIfThere(path);
  if (file === undefined) return;
  try {
    let rest = '';
    for (const bytes of chunksOf(file)) {
      const lines = `${rest}${bytes.toString('latin1')}`.split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
    }
    yield rest;
  } finally {
    closeSync(file);
  }
}

/** Goes through an open file block by block. */
function blockReader(file: number): { skip(bytes: number, crc: number): boolean; position(): number } {
  const chunks = chunksOf(file);
  let chunk: Buffer = Buffer.alloc(0);
  let position = 0;
  return {
    skip: (bytes, crc) => {
      let left = bytes;
      let found = 0;
      while (left > 0) {
        if (chunk.length === 0) {
          const next = chunks.next();
          if (next.done === true) return false;
          chunk = next.value;
        }
        const piece = chunk.subarray(0, left);
        found = crc32(piece, found);
        chunk = chunk.subarray(piece.length);
        left -= piece.length;
      }
      if (found !== crc) return false;
      position += bytes;
      return true;
    },
    position: () => position,
  };
}

function* chunksOf(file: number): Generator<Buffer> {
  for (let position = 0; ;) {
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    const read = readSync(file, buffer, 0, READ_BYTES, position);
    if (read === 0) return;
    yield buffer.subarray(0, read);
    position += read;
  }
}
