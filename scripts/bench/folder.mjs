import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Makes a temporary folder that is removed as this process ends. */
export function makeFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'fanfold-bench-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
