import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type * as z from 'zod/mini';
import { systemCode } from '../errors.js';
import { sha256 } from '../sha256.js';
import type { StoredFile, StoredPiece, StoredProof } from './manifest-schema.js';

/** What the fold has checked of a run's result and its tasks; part of the manifest. */
export type Proof = z.infer<typeof StoredProof>;

/** What is recorded of a file: how long it is, and its hash. */
export type FileRecord = z.infer<typeof StoredFile>;

/** A task's file as the fold found it; nothing of one into which it wrote nan in the places of failed points. */
export function provenFile(proof: Proof | undefined, task: number): FileRecord | undefined {
  const record = proof?.tasks[task];
  return record?.isFilled === true ? undefined : record;
}

/** Bytes from the start of a file, and their hash. */
export type Piece = z.infer<typeof StoredPiece>;

const READ_BYTES = 1 << 20;

/**
 * True where a file is there with just the bytes that are recorded: their number first, then their hash.
 * @param beat called again and again while it is read
 */
export function isRecorded(path: string, { bytes, sha256 }: Piece, beat?: () => void): boolean {
  return (
    withFile(path, (file) => {
      return fstatSync(file).size === bytes && hashOfPiece(file, 0, bytes, beat) === sha256;
    }) ?? false
  );
}

/** True where a file begins with the bytes that are recorded. */
export function beginsAsRecorded(path: string, { bytes, sha256 }: Piece): boolean {
  return withFile(path, (file) => hashOfPiece(file, 0, bytes) === sha256) ?? bytes === 0;
}

/** What is to be recorded of a file as it is now; one that isn't there has no bytes. */
export function pieceOf(path: string, beat?: () => void): Piece {
  const record = withFile(path, (file) => {
    const bytes = fstatSync(file).size;
    return { bytes, sha256: hashOfPiece(file, 0, bytes, beat) };
  });
  return record ?? { bytes: 0, sha256: sha256('') };
}

/** The sha256 of `bytes` bytes of an open file from `start` on, or of as many as there are. */
export function hashOfPiece(file: number, start: number, bytes: number, beat?: () => void): string {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(Math.min(bytes, READ_BYTES));
  for (let done = 0; done < bytes;) {
    const read = readSync(file, buffer, 0, Math.min(buffer.length, bytes - done), start + done);
    if (read === 0) break;
    beat?.();
    hash.update(buffer.subarray(0, read));
    done += read;
  }
  return hash.digest('hex');
}

// --- internal ---

/** Undefined where there is no such file. */
function withFile<T>(path: string, read: (file: number) => T): T | undefined {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return read(file);
  } finally {
    closeSync(file);
  }
}
