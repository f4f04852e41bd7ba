import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { startReaper, type Reaper } from '../engine/local/reaper.js';

/** Ends this program's processes and removes its folders, however it ends: one for all of them, as long as it runs. */
export function programReaper(): Reaper {
  reaper ??= startReaper();
  return reaper;
}

/**
 * This program's own folder in another one, for its owner alone. It is gone when the program has ended, however it did.
 * @returns the same path every time
 */
export function programFolder(parent: string): string {
  const known = folders.get(parent);
  if (known !== undefined) return known;
  const made = mkdtempSync(join(parent, 'fanfold-'));
  programReaper().remove(made);
  // Where it ends by itself, they are gone before it has ended.
  if (folders.size === 0) process.once('exit', removeFolders);
  folders.set(parent, made);
  return made;
}

// --- internal ---

let reaper: Reaper | undefined;
const folders = new Map<string, string>();

function removeFolders(): void {
  for (const folder of folders.values()) rmSync(folder, { recursive: true, force: true });
}
