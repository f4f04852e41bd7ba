import { closeSync, openSync, statfsSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { systemCode } from '../../errors.js';
import { OwnError } from '../own-error.js';

/**
 * Looks whether a command could write in a folder, before its failure is taken for its own. Other processes make room and take
 * it again meanwhile, so there must be some to spare.
 * @param place as `OwnError` has it
 * @throws OwnError where there is no room
 */
export function requireRoom(folder: string, place?: string): void {
  const path = join(folder, `.fanfold-room-${String(process.pid)}`);
  try {
    // What another process has just given back proves nothing: it may have been gone when the command wrote.
    if (isScarce(folder)) throw Object.assign(new Error(SCARCE), { code: 'ENOSPC' });
    // A quota isn't seen by that.
    const file = openSync(path, 'w');
    try {
      for (let left = ROOM_BYTES; left > 0;) left -= writeSync(file, block, 0, left);
    } finally {
      closeSync(file);
      unlinkSync(path);
    }
  } catch (error) {
    // Anything else, such as a folder that the command has removed, is its own doing.
    if (REFUSALS.has(systemCode(error) ?? '')) throw new OwnError(error, place);
  }
}

/** True where a full disk may have cut a file off, or have lost what came before something else. */
export function mayBeCut(path: string): boolean {
  const { size } = statSync(path);
  // A quota isn't seen, but cuts where a block ends.
  if (size > 0 && size % SECTOR_BYTES === 0) return true;
  return isScarce(dirname(path));
}

// --- internal ---

function isScarce(folder: string): boolean {
  const { blocks, bavail, bsize, files, ffree } = statfsSync(folder);
  return (blocks > 0 && bavail * bsize < SCARCE_BYTES) || (files > 0 && ffree < SCARCE_INODES);
}

const SCARCE = 'ENOSPC: no space left on device, or less than 1 MB or 64 files';

const ROOM_BYTES = 64 << 10;
const SECTOR_BYTES = 512;
const SCARCE_BYTES = 1 << 20;
const SCARCE_INODES = 64;
const block = new Uint8Array(ROOM_BYTES);
const REFUSALS: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'ESTALE']);
