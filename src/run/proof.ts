import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type * as z from 'zod/mini';
import { systemCode } from '../errors.js';
import type { StoredFile, StoredProof } from './manifest-schema.js';

/** What the fold has checked of a run's result and its tasks; part of the manifest. */
export type Proof = z.infer<typeof StoredProof>;

/** What is recorded of a file: how long it is, and its hash. */
export type FileRecord = z.infer<typeof StoredFile>;

/** A task's file as the fold found it; nothing of a fold that wrote nan in the places of failed points. */
export function provenFile(proof: Proof | undefined, task: number): FileRecord | undefined {
  return proof === undefined || proof.failed.count > 0 ? undefined : proof.tasks[task];
}

const READ_BYTES = 1 << 20;

/** True where a file is there with the bytes that are recorded: their number first, then their hash. */
export function isRecorded(path: string, { bytes, sha256 }: FileRecord): boolean {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw error;
  }
  try {
    return fstatSync(file).size === bytes && hashOfPiece(file, 0, bytes) === sha256;
  } finally {
    closeSync(file);
  }
}

/** The sha256 of `bytes` bytes of an open file from `start` on, or of as many as there are. */
export function hashOfPiece(file: number, start: number, bytes: number): string {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(Math.min(bytes, READ_BYTES));
  for (let done = 0; done < bytes;) {
    const read = readSync(file, buffer, 0, Math.min(buffer.length, bytes - done), start + done);
    if (read === 0) break;
    hash.update(buffer.subarray(0, read));
    done += read;
  }
  return hash.digest('hex');
}
