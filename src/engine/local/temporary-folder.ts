import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemCode } from '../../errors.js';
import type { Reaper } from './reaper.js';

/** A path for a temporary folder that nobody has. */
export function temporaryPath(): string {
  return join(tmpdir(), `fanfold-${randomBytes(6).toString('hex')}`);
}

/** Makes a temporary folder, of which the reaper is told first: this process may be killed right after. */
export function makeTemporary(folder: string, reaper: Reaper): void {
  reaper.remove(folder);
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    reaper.keep(folder);
    reaper.close();
    throw error;
  }
}

/** Removes a temporary folder, and only then takes it from the reaper. */
export function removeTemporary(folder: string, reaper: Reaper): void {
  try {
    // A process that was killed this moment may still have made a file.
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    // Why the run ends must not be hidden by this; the reaper tries again.
    return;
  }
  reaper.keep(folder);
}
