import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { resolve } from 'node:path';
import { FanfoldError, systemCode } from './errors.js';
import { writeAll, writeAtomically } from './run/atomic-file.js';

const COPY_BYTES = 1 << 20;

/**
 * Concatenates files of whole lines, in the order given and in constant memory, into one that appears by rename.
 * @returns the target's path
 * @throws FanfoldError where a file is not there or does not end with a newline; the target is then left as it was
 */
export function foldFiles(files: readonly string[], target: string): string {
  if (files.map((file) => resolve(file)).includes(resolve(target))) {
    throw new FanfoldError(
      'FANFOLD_USAGE',
      `Expected a target beside the files to fold, got one of them: ${target}.`,
    );
  }
  writeAtomically(target, (output) => {
    const buffer = Buffer.allocUnsafe(COPY_BYTES);
    for (const file of files) appendFile(output, file, buffer);
  });
  return target;
}

// --- internal ---

function appendFile(output: number, path: string, buffer: Buffer): void {
  const input = openFile(path);
  try {
    let last = NEWLINE;
    for (;;) {
      const read = readSync(input, buffer, 0, buffer.length, null);
      if (read === 0) break;
      writeAll(output, buffer.subarray(0, read));
      last = buffer[read - 1] ?? NEWLINE;
    }
    if (last === NEWLINE) return;
  } finally {
    closeSync(input);
  }
  throw new FanfoldError(
    'FANFOLD_INCOMPLETE',
    `Expected ${path} to hold whole lines, but its last one has no end: was it written to its end?`,
    { exitCode: 1 },
  );
}

const NEWLINE = 0x0a;

function openFile(path: string): number {
  try {
    const file = openSync(path, 'r');
    if (fstatSync(file).isFile()) return file;
    closeSync(file);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
  }
  throw new FanfoldError(
    'FANFOLD_INCOMPLETE',
    `Expected the file ${path}, but there is none: run its task.`,
    {
      exitCode: 1,
    },
  );
}
