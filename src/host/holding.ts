import { existsSync } from 'node:fs';
import { readLock } from '../lock-file.js';
import { runPaths } from '../run/paths.js';
import { SupersededError } from '../run/slice-file.js';
import type { RunJob } from './protocol.js';

/**
 * Makes sure that a run directory is still that of the coordinator whose host this is. A directory that was removed and made
 * anew has the same path, and what is written there by path would be taken for the new run's.
 * @throws SupersededError where another coordinator has it
 */
export function refuseIfLost({ directory, element, spec, holding }: RunJob): void {
  if (holding === undefined) return;
  const { lock } = runPaths(directory, spec.format, element);
  const text = readLock(lock);
  // Where the whole directory is gone, writing tells what is wrong with it.
  if (text === undefined && !existsSync(directory)) return;
  if (text?.includes(holding) !== true)
    throw new SupersededError(`${directory} belongs to another process now`);
}
