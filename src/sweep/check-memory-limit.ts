import { listProcesses } from '../engine/local/process-list.js';
import { usage } from '../errors.js';
import type { Limits } from '../run/limits.js';

/**
 * Refuses a limit that can't be kept.
 * @throws FanfoldError where this system doesn't tell what memory processes hold
 */
export function checkMemoryLimit({ maxMemoryBytes }: Limits): void {
  if (maxMemoryBytes === undefined || listProcesses() !== undefined) return;
  throw usage(
    'Expected a system that tells what memory processes hold, for --max-memory, but neither /proc nor ps does. Leave it out.',
  );
}
