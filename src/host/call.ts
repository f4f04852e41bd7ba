import { openSync, writeSync } from 'node:fs';
import { isThenable } from './compute.js';
import { describeError } from './described-error.js';
import type { CallJob, CallReport, WireCall } from './protocol.js';
import { decodeValue, encodeValue } from './wire.js';

/** Calls a worker's function with the arguments of each call, one after another, up to the first that throws. */
export async function makeCalls(
  { id, calls, progress }: CallJob,
  fn: (...args: unknown[]) => unknown,
): Promise<CallReport> {
  const values: unknown[] = [];
  try {
    for (const call of calls) {
      if (progress !== undefined) noteProgress(progress, id, values.length);
      const result = fn(...argumentsOf(call));
      // Awaiting what is no promise would cost more than a small call.
      const value = isThenable(result) ? await result : result;
      values.push(encodeValue(value, 'the result'));
    }
    return { type: 'returned', id, values };
  } catch (error) {
    return { type: 'raised', id, position: values.length, values, ...describeError(error) };
  }
}

// --- internal ---

function argumentsOf({ args, kwargs }: WireCall): unknown[] {
  const values = args.map(decodeValue);
  return kwargs === undefined ? values : [...values, decodeEntries(kwargs)];
}

/** By hand, because an object of keyword arguments is never a tag. */
function decodeEntries(kwargs: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(kwargs).map(([name, value]) => [name, decodeValue(value)]));
}

const files = new Map<string, number>();
const note = new Uint32Array(2);
const noteBytes = new Uint8Array(note.buffer);

/** Written into the page cache, which outlives this process however it ends. */
function noteProgress(path: string, id: number, position: number): void {
  let file = files.get(path);
  if (file === undefined) {
    file = openSync(path, 'w', 0o600);
    files.set(path, file);
  }
  note[0] = id;
  note[1] = position;
  writeSync(file, noteBytes, 0, noteBytes.length, 0);
}
