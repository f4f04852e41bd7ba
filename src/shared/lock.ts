import { existsSync, linkSync, readFileSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { systemCode } from '../errors.js';

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
  if (!existsSync(lock)) return createLock(lock);
  if (isHeld(lock)) return false;
  takeAway(lock);
  return false;
}

let drafts = 0;

/** Creates the lock with its content in one step, by a hard link: a reader never meets a half-written one. */
function createLock(lock: string): boolean {
  const draft = `${lock}.${String(process.pid)}-${String(drafts++)}`;
  writeFileSync(draft, `${String(process.pid)}\n`, { mode: 0o600 });
  try {
    linkSync(draft, lock);
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  } finally {
    unlinkSync(draft);
  }
}

/**
 * Removes the lock of a dead process. Only one process at a time may judge a lock dead and remove it, otherwise the
 * second would remove the lock that the first has just taken.
 */
function takeAway(lock: string): void {
  const guard = `${lock}.takeover`;
  if (!createLock(guard)) {
    if (!isHeld(guard)) rmSync(guard, { force: true });
    return;
  }
  try {
    if (!isHeld(lock)) rmSync(lock, { force: true });
  } finally {
    rmSync(guard, { force: true });
  }
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

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return systemCode(error) !== 'ESRCH';
  }
  return !isZombie(pid);
}

/** A zombie has ended, whatever its parent has yet to read of it. */
function isZombie(pid: number): boolean {
  try {
    const text = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
    return text.charAt(text.lastIndexOf(')') + 2) === 'Z';
  } catch (error) {
    if (systemCode(error) !== undefined) return false;
    throw error;
  }
}
