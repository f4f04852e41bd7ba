import { closeSync, existsSync, fstatSync, fsyncSync, ftruncateSync, openSync, readSync } from 'node:fs';
import { writeAll, writeAtomically } from './atomic-file.js';
import { checksum } from './checksum.js';
import { readWholeLines } from './whole-lines.js';

const NEWLINE = 10;
const SETTLE_MS = 10;
const PIECE_BYTES = 65_536;
/** How a line ends: with the checksum of all that stands before it. */
const sealOf = (body: Uint8Array): string => `,"crc":"${checksum(body)}"}`;
const SEAL_BYTES = sealOf(new Uint8Array()).length;

/**
 * Appends one record as a line of a `.jsonl` file, in one write, so that the lines of several processes never mix. It
 * starts on a line of its own also where a full disk has torn the record before it, and ends with a checksum of itself.
 */
export function appendRecord(path: string, record: object, options: { sync?: boolean } = {}): void {
  const file = openSync(path, 'a+');
  try {
    const line = sealedLine(record);
    writeAll(file, endsTorn(file) ? Buffer.concat([Buffer.from([NEWLINE]), line]) : line);
    if (options.sync === true) fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** How far a journal was read. */
export interface Reading {
  /** The offset after the last whole line. */
  readonly offset: number;
  /** Number of whole lines that are no record as it was written. */
  readonly damaged: number;
}

/** What a journal holds from some byte on. */
export interface Records<T = object> extends Reading {
  readonly records: T[];
}

/** The records of a `.jsonl` file from byte `offset` on, as `scanRecords` finds them. */
export function readRecords(path: string, offset = 0): Records {
  const records: object[] = [];
  const reading = scanRecords(path, offset, (record) => records.push(record));
  return { ...reading, records };
}

/**
 * Visits the records of a `.jsonl` file from byte `offset` on, and holds none: there may be more than fit into memory. A
 * file that isn't there has no records. A line whose checksum is missing or wrong was torn by a full disk or a power cut,
 * or damaged later, and is left out: nothing that is written here is needed for the result; at worst a task is computed
 * again.
 */
export function scanRecords(path: string, offset: number, visit: (record: object) => unknown): Reading {
  let end = offset;
  let damaged = 0;
  for (const { bytes } of readWholeLines(path, offset)) {
    end += bytes.length;
    for (const line of linesOf(bytes)) {
      const record = parseRecord(line);
      if (record !== undefined) visit(record);
      else if (line.length > 0) damaged++;
    }
  }
  return { offset: end, damaged };
}

/** True for a journal whose last line is torn, or is not seen whole yet. */
export function isTorn(path: string): boolean {
  if (!existsSync(path)) return false;
  const file = openSync(path, 'r');
  try {
    return lacksNewline(file);
  } finally {
    closeSync(file);
  }
}

/** Cuts a torn last line off. Only under the run's lock. */
export function repairJournal(path: string): void {
  if (!isTorn(path)) return;
  const file = openSync(path, 'r+');
  try {
    ftruncateSync(file, endOfWholeLines(file));
  } finally {
    closeSync(file);
  }
}

/**
 * Leaves only the whole records of a journal, and its lines as they stood beside it; only under the run's lock.
 * @param setAside moves the file that it is given, and returns where to
 * @returns false where nothing of it was damaged
 */
export function cleanJournal(path: string, setAside: (path: string) => string): boolean {
  if (scanRecords(path, 0, () => undefined).damaged === 0) return false;
  const before = setAside(path);
  writeAtomically(path, (file) => {
    scanRecords(before, 0, (record) => {
      writeAll(file, sealedLine(record));
    });
  });
  return true;
}

// --- internal ---

/** Another process's write may be seen half done, so what looks torn is looked at again a little later. */
function endsTorn(file: number): boolean {
  if (!lacksNewline(file)) return false;
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, SETTLE_MS);
  return lacksNewline(file);
}

function lacksNewline(file: number): boolean {
  const { size } = fstatSync(file);
  if (size === 0) return false;
  const last = Buffer.alloc(1);
  readSync(file, last, 0, 1, size - 1);
  return last[0] !== NEWLINE;
}

/** Looked for from the end, because a journal may be larger than what can be held. */
function endOfWholeLines(file: number): number {
  const piece = Buffer.alloc(PIECE_BYTES);
  for (let end = fstatSync(file).size; end > 0;) {
    const start = Math.max(0, end - PIECE_BYTES);
    const read = readSync(file, piece, 0, end - start, start);
    const at = piece.subarray(0, read).lastIndexOf(NEWLINE);
    if (at >= 0) return start + at + 1;
    end = start;
  }
  return 0;
}

function sealedLine(record: object): Buffer {
  const body = Buffer.from(JSON.stringify(record).slice(0, -1));
  return Buffer.concat([body, Buffer.from(`${sealOf(body)}\n`)]);
}

/** @param bytes whole lines */
function* linesOf(bytes: Buffer): Generator<Buffer> {
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(NEWLINE, start);
    yield bytes.subarray(start, end);
    start = end + 1;
  }
}

function parseRecord(line: Buffer): object | undefined {
  const body = line.subarray(0, -SEAL_BYTES);
  if (line.toString('latin1', body.length) !== sealOf(body)) return undefined;
  return JSON.parse(`${body.toString()}}`) as object;
}
