import type { Worker } from 'node:worker_threads';
import type { RowSink } from '../format/row.js';
import type { SliceFile } from '../run/slice-file.js';
import { own } from './own-error.js';

/** Lines of fast points on their way into a task's file. */
export interface LineBuffer extends RowSink {
  /** Lets lines wait in the buffer; they are written within 200 ms, also while a point holds this thread. */
  holdBack(): void;
  /** Writes what waits. */
  readonly write: () => void;
}

/** Written when so many bytes wait: fewer calls than lines, small enough for the processor's cache. */
const FULL_BYTES = 1 << 15;
const CAPACITY_BYTES = 1 << 16;
/** No character takes more bytes in UTF-8, counted by JavaScript's length. */
const BYTES_A_CHARACTER = 3;
/** A row of two integers: two numbers of at most 17 characters, a separator and a newline. */
const INTEGER_ROW_BYTES = 40;

const [LOCK, END, WRITTEN, GENERATION, FILE, CHECKED, CHECKS] = [0, 1, 2, 3, 4, 5, 6] as const;
const [MINUS, ZERO, NEWLINE] = [45, 48, 10] as const;

// Made once in a process, for the thread that watches it: whole lines end at control[END], and of those
// control[WRITTEN] bytes are in the file control[FILE]; the first control[CHECKED] have their lines in the check file
// control[CHECKS].
const memory = new SharedArrayBuffer(CAPACITY_BYTES);
const bytes = Buffer.from(memory);
const control = new Int32Array(new SharedArrayBuffer(7 * Int32Array.BYTES_PER_ELEMENT));
let watchman: Worker | undefined;

/**
 * The buffer of a task's file. One task at a time has it. What can't be written is an OwnError.
 * @param failed how many of the lines that wait stand for failed points; set back when they are written
 */
export function lineBuffer(file: SliceFile, failed: { count: number }): LineBuffer {
  let end = 0;
  let lines = 0;
  control[FILE] = file.descriptor;
  control[CHECKS] = file.checkDescriptor;
  const write = (): void => {
    if (lines === 0) return;
    lock();
    try {
      const [written = 0, checked = 0] = [control[WRITTEN], control[CHECKED]];
      own(() => {
        file.append(bytes.subarray(0, end), { lines, failed: failed.count, written, checked });
      });
    } finally {
      end = lines = failed.count = 0;
      control[END] = control[WRITTEN] = control[CHECKED] = 0;
      control[GENERATION] = ((control[GENERATION] ?? 0) + 1) | 0;
      unlock();
    }
  };
  const lineAdded = (): void => {
    lines++;
    Atomics.store(control, END, end);
    if (end >= FULL_BYTES) write();
  };
  return {
    text: (line) => {
      if (end + line.length * BYTES_A_CHARACTER > CAPACITY_BYTES) {
        write();
        if (line.length * BYTES_A_CHARACTER > CAPACITY_BYTES) {
          // Longer than the buffer, so it is no failed point's.
          own(() => {
            file.append(Buffer.from(line), { lines: 1, failed: 0 });
          });
          return;
        }
      }
      end += bytes.write(line, end, 'utf8');
      lineAdded();
    },
    integers: (x, separator, y) => {
      if (end + INTEGER_ROW_BYTES + separator.length > CAPACITY_BYTES) write();
      end = putInteger(x, end);
      for (let index = 0; index < separator.length; index++) bytes[end++] = separator.charCodeAt(index);
      end = putInteger(y, end);
      bytes[end++] = NEWLINE;
      lineAdded();
    },
    holdBack: () => {
      watchman ??= startWatchman();
    },
    write,
  };
}

// --- internal ---

const WATCH_MS = 60;

// A constant program. Main flushes the buffer many times between two looks; where it has not, a point holds it. Only the
// holder of the lock writes, and bytes up to END are not changed under it.
const WATCHMAN = `
const { writeSync } = require('node:fs');
const { crc32 } = require('node:zlib');
const { bytes, control } = require('node:worker_threads').workerData;
const [LOCK, END, WRITTEN, GENERATION, FILE, CHECKED, CHECKS] = [0, 1, 2, 3, 4, 5, 6];
const pause = new Int32Array(new SharedArrayBuffer(4));
let seen = control[GENERATION];
for (;;) {
  Atomics.wait(pause, 0, 0, ${String(WATCH_MS)});
  const generation = Atomics.load(control, GENERATION);
  if (generation === seen && Atomics.load(control, END) > Atomics.load(control, WRITTEN)) write();
  seen = generation;
}
function write() {
  if (Atomics.compareExchange(control, LOCK, 0, 1) !== 0) return;
  try {
    const written = control[WRITTEN];
    const end = Atomics.load(control, END);
    if (end > written && check(end)) control[WRITTEN] = written + writeSync(control[FILE], bytes, written, end - written);
  } catch {
    // The main thread meets the same error when it writes, and tells of it.
  } finally {
    Atomics.store(control, LOCK, 0);
    Atomics.notify(control, LOCK);
  }
}
function check(end) {
  const checked = control[CHECKED];
  if (end <= checked) return true;
  const block = bytes.subarray(checked, end);
  const line = '\\n' + block.length + ' ' + crc32(block).toString(16).padStart(8, '0');
  if (writeSync(control[CHECKS], line) < line.length) return false;
  control[CHECKED] = end;
  return true;
}
`;

function startWatchman(): Worker {
  // Loaded only now: most tasks need no other thread.
  const { Worker: Thread } = process.getBuiltinModule('node:worker_threads');
  const worker = new Thread(WATCHMAN, {
    eval: true,
    workerData: { bytes: new Uint8Array(memory), control },
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 },
  });
  worker.unref();
  return worker;
}

function lock(): void {
  while (Atomics.compareExchange(control, LOCK, 0, 1) !== 0) Atomics.wait(control, LOCK, 1);
}

function unlock(): void {
  Atomics.store(control, LOCK, 0);
  Atomics.notify(control, LOCK);
}

/** Writes the digits of a safe integer at `at`, and gives the place after them. */
function putInteger(value: number, at: number): number {
  if (value > 0x7fffffff || value < -0x7fffffff) return at + bytes.write(String(value), at, 'latin1');
  let rest = value;
  let start = at;
  if (rest < 0) {
    bytes[start++] = MINUS;
    rest = -rest;
  }
  const end = start + countDigits(rest);
  for (let place = end - 1; place >= start; place--) {
    const tenth = (rest / 10) | 0;
    bytes[place] = ZERO + (rest - tenth * 10);
    rest = tenth;
  }
  return end;
}

function countDigits(value: number): number {
  let digits = 1;
  for (let bound = 10; value >= bound; bound *= 10) digits++;
  return digits;
}
