import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { systemCode } from '../errors.js';
import { createLock, isAlive, underGuard } from '../lock-file.js';

// The lock of a shared file is a file beside it that exists while a process holds it and names that process: `PATH.lock`
// with "pid\n". Any language can keep to that.

/** The waits between two tries grow to this. */
const LONGEST_WAIT_MS = 10;
/** A lock that names nobody after this long was left by a process that ended while it wrote its name. */
const NAMELESS_MS = 2000;

/**
 * Does something while no other process that keeps to this lock does. Not recursive: who holds it waits for himself.
 * @param path of the shared file
 */
export async function withLock<T>(path: string, action: () => T | Promise<T>): Promise<T> {
  const lock = `${path}.lock`;
  // Most holders need it for microseconds only.
  for (let tries = 0; !tryLock(lock); tries++) {
    if (tries < 3) await setImmediate();
    else await setTimeout(Math.min(LONGEST_WAIT_MS, tries - 2));
  }
  try {
    return await action();
  } finally {
    rmSync(lock, { force: true });
  }
}

// --- internal ---

function tryLock(lock: string): boolean {
  if (!existsSync(lock)) return createLock(lock, ourName());
  if (isHeld(lock)) return false;
  takeAway(lock);
  return false;
}

/** Removes the lock of a dead process, or lets another one do so. */
function takeAway(lock: string): void {
  const guard = `${lock}.takeover`;
  underGuard(guard, ourName(), {
    isLeft: () => !isHeld(guard),
    action: () => {
      if (!isHeld(lock)) rmSync(lock, { force: true });
    },
  });
}

function ourName(): string {
  return `${String(process.pid)}\n`;
}

/** False where the lock is there, but its holder is dead. */
function isHeld(lock: string): boolean {
  try {
    const name = readFileSync(lock, 'utf8');
    if (/^\d+\n/.test(name)) return isAlive(Number.parseInt(name, 10));
    return Date.now() - statSync(lock).mtimeMs < NAMELESS_MS;
  } catch (error) {
    // Given back meanwhile: whoever is first may have it.
    if (systemCode(error) === 'ENOENT') return true;
    throw error;
  }
}
