import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
} from 'node:fs';
import { writeAll } from './atomic-file.js';
import { readWholeLines } from './slice-file.js';

const NEWLINE = 10;
const SETTLE_MS = 10;

/**
 * Appends one record as a line of a `.jsonl` file, in one write, so that the lines of several processes never mix. It
 * starts on a line of its own also where a full disk has torn the record before it.
 */
export function appendRecord(path: string, record: object, options: { sync?: boolean } = {}): void {
  const file = openSync(path, 'a+');
  try {
    const line = `${JSON.stringify(record)}\n`;
    writeAll(file, Buffer.from(endsTorn(file) ? `\n${line}` : line));
    if (options.sync === true) fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/**
 * The records of a `.jsonl` file from byte `offset` on, and the offset after the last whole line. A file that isn't there
 * has no records. A line that is no record was torn by a full disk or a power cut and is left out: nothing that is
 * written here is needed for the result; at worst a task is computed again.
 */
export function readRecords(path: string, offset = 0): { records: object[]; offset: number } {
  const records: object[] = [];
  let end = offset;
  for (const { bytes } of readWholeLines(path, offset)) {
    end += bytes.length;
    for (const line of bytes.toString('utf8').split('\n')) {
      const record = parseRecord(line);
      if (record !== undefined) records.push(record);
    }
  }
  return { records, offset: end };
}

/** Cuts a torn last line off. Only under the run's lock. */
export function repairJournal(path: string): void {
  if (!existsSync(path)) return;
  const bytes = readFileSync(path);
  const end = bytes.lastIndexOf(NEWLINE) + 1;
  if (end === bytes.length) return;
  const file = openSync(path, 'r+');
  ftruncateSync(file, end);
  closeSync(file);
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

function parseRecord(line: string): object | undefined {
  if (line === '') return undefined;
  try {
    const record: unknown = JSON.parse(line);
    return typeof record === 'object' && record !== null && !Array.isArray(record) ? record : undefined;
  } catch {
    return undefined;
  }
}
