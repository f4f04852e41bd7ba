import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { writeAll, writeAtomically } from './atomic-file.js';
import type { Manifest } from './manifest.js';
import type { RunPaths } from './paths.js';
import { hashOfPiece, provenFile, type Piece } from './proof.js';

const COPY_BYTES = 1 << 20;

interface RestoreOptions {
  /** Indices of tasks without a file as it should be. */
  readonly tasks: readonly number[];
  /** Called before the file of a task is put back. */
  readonly onRestore: (index: number) => void;
  /** Called every so often. */
  readonly beat: () => void;
}

/**
 * Puts task files that were lost or damaged back from the result of the run, which holds their bytes: those pieces of it
 * that are as the fold has recorded them. So nothing that was finished is computed again.
 * @returns which of them have one now
 */
export function restoreTasks(
  paths: RunPaths,
  { proof }: Manifest,
  { tasks, onRestore, beat }: RestoreOptions,
): number[] {
  if (proof === undefined || tasks.length === 0 || !existsSync(paths.result)) return [];
  const starts = startsOf(proof.tasks, Buffer.byteLength(proof.result.header));
  const result = openSync(paths.result, 'r');
  try {
    return tasks.filter((index) => {
      const [start, piece] = [starts[index], provenFile(proof, index)];
      if (start === undefined || piece === undefined) return false;
      if (hashOfPiece(result, start, piece.bytes, beat) !== piece.sha256) return false;
      onRestore(index);
      writeAtomically(paths.task(index), (output) => {
        copyPiece(result, output, { start, bytes: piece.bytes, beat });
      });
      return true;
    });
  } finally {
    closeSync(result);
  }
}

// --- internal ---

/** Where the piece of each task begins in the result. */
function startsOf(pieces: readonly Piece[], first: number): number[] {
  let next = first;
  return pieces.map(({ bytes }) => {
    const start = next;
    next += bytes;
    return start;
  });
}

function copyPiece(
  input: number,
  output: number,
  { start, bytes, beat }: { start: number; bytes: number; beat: () => void },
): void {
  const buffer = Buffer.allocUnsafe(Math.min(bytes, COPY_BYTES));
  for (let done = 0; done < bytes;) {
    const read = readSync(input, buffer, 0, Math.min(buffer.length, bytes - done), start + done);
    if (read === 0) return;
    beat();
    writeAll(output, buffer.subarray(0, read));
    done += read;
  }
}
