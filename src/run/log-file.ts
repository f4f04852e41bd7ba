import { appendFileSync, closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { systemCode } from '../errors.js';

// The log of a task, seen from the coordinator. A log that can't be read or written must not end a run.

export function appendToLog(path: string, bytes: Buffer): void {
  try {
    appendFileSync(path, bytes);
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
  }
}

/** Bytes of a log; 0 where there is none. */
export function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** The end of what was written into a log after its first `since` bytes, at most `most` bytes of it. */
export function endOfLog(path: string, since: number, most: number): string {
  const size = sizeOf(path);
  const start = Math.max(since, size - most);
  if (start >= size) return '';
  try {
    const file = openSync(path, 'r');
    try {
      const bytes = Buffer.alloc(size - start);
      return bytes.toString('utf8', 0, readSync(file, bytes, 0, bytes.length, start));
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return '';
  }
}

/** How often a log is looked at that somebody watches. */
const FOLLOW_MS = 50;

/**
 * Gives what is written into a log, soon after.
 * @returns a function that ends that, once the rest is given
 */
export function followLog(path: string, sink: (bytes: Buffer) => void): () => void {
  let given = 0;
  const look = (): void => {
    if (sizeOf(path) <= given) return;
    const bytes = readFileSync(path).subarray(given);
    given += bytes.length;
    sink(bytes);
  };
  const timer = setInterval(look, FOLLOW_MS);
  return () => {
    clearInterval(timer);
    look();
  };
}
