import {
  appendFileSync,
  closeSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  statSync,
} from 'node:fs';
import { FanfoldError, systemCode } from '../errors.js';

/** Appends one record as a line of a `.jsonl` file, in one write, so that the lines of several processes never mix. */
export function appendRecord(path: string, record: object, options: { sync?: boolean } = {}): void {
  const line = `${JSON.stringify(record)}\n`;
  if (options.sync !== true) {
    appendFileSync(path, line);
    return;
  }
  const file = openSync(path, 'a');
  try {
    appendFileSync(file, line);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/**
 * The records of a `.jsonl` file from byte `offset` on, and the offset after the last whole line. A torn last line is
 * left out; a file that isn't there has no records.
 * @throws FanfoldError where any other line is no JSON object
 */
export function readRecords(path: string, offset = 0): { records: object[]; offset: number } {
  const bytes = readFrom(path, offset);
  const end = bytes.lastIndexOf(10) + 1;
  const lines = bytes.toString('utf8', 0, end).split('\n').slice(0, -1);
  return { records: lines.map((line) => parseLine(line, path)), offset: offset + end };
}

/** Cuts a torn last line off, so that the next record starts on a line of its own. Only under the run's lock. */
export function repairJournal(path: string): void {
  if (!existsSync(path)) return;
  const bytes = readFileSync(path);
  const end = bytes.lastIndexOf(10) + 1;
  if (end === bytes.length) return;
  const file = openSync(path, 'r+');
  ftruncateSync(file, end);
  closeSync(file);
}

// --- internal ---

function readFrom(path: string, offset: number): Buffer {
  try {
    const length = statSync(path).size - offset;
    if (length <= 0) return Buffer.alloc(0);
    const bytes = Buffer.alloc(length);
    const file = openSync(path, 'r');
    try {
      return bytes.subarray(0, readSync(file, bytes, 0, length, offset));
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
}

function parseLine(line: string, path: string): object {
  try {
    const record: unknown = JSON.parse(line);
    if (typeof record === 'object' && record !== null && !Array.isArray(record)) return record;
  } catch {
    // Falls through to the error below, which shows the line.
  }
  throw new FanfoldError(
    'FANFOLD_DAMAGED',
    `Expected one JSON object a line in ${path}, got ${JSON.stringify(line.slice(0, 80))}. Remove that line to go on.`,
    { exitCode: 1 },
  );
}
