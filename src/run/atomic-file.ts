import { closeSync, fsyncSync, openSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Writes a whole file so that after any crash it holds either all of the new bytes or all of the old: a temporary file
 * beside it, fsync, rename, fsync of the folder.
 * @param options.isDurable false for a file that can be made anew, which then costs no wait for the disk
 */
export function writeFileAtomic(path: string, data: string, options: { isDurable?: boolean } = {}): void {
  writeAtomically(
    path,
    (file) => {
      writeAll(file, Buffer.from(data));
    },
    options,
  );
}

/** As `writeFileAtomic`, for what is written piece by piece. */
export function writeAtomically(
  path: string,
  write: (file: number) => void,
  options: { isDurable?: boolean } = {},
): void {
  const isDurable = options.isDurable ?? true;
  const temporary = `${path}.tmp-${String(process.pid)}`;
  const file = openSync(temporary, 'w');
  try {
    write(file);
    if (isDurable) fsyncSync(file);
  } catch (error) {
    closeSync(file);
    unlinkSync(temporary);
    throw error;
  }
  closeSync(file);
  renameSync(temporary, path);
  if (isDurable) syncFolder(dirname(path));
}

/** Writes every byte from `offset` on: a single write may be cut short, on a full disk or by a signal. */
export function writeAll(file: number, bytes: Uint8Array, offset = 0): void {
  let written = offset;
  while (written < bytes.length) written += writeSync(file, bytes, written);
}

/** Makes a rename in the folder outlive a power cut. */
export function syncFolder(folder: string): void {
  // Windows can't open a folder, and keeps its own journal of names.
  if (process.platform === 'win32') return;
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
