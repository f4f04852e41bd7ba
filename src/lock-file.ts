import { existsSync, linkSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { systemCode } from './errors.js';
import { processStat } from './proc.js';
import { sha256 } from './sha256.js';

// Files that stand for a lock: there while somebody holds it, with a text that names the holder.

/** A path beside a lock that no other process has: another machine's may have the same number. */
export function draftOf(path: string): string {
  return `${path}.${String(process.pid)}-${Math.random().toString(36).slice(2, 10)}`;
}

/** True for a path that `draftOf` gave. */
export function isDraft(path: string): boolean {
  return /\.\d+-[0-9a-z]+$/.test(path);
}

/**
 * Creates a lock with its text in one step, by a hard link: a reader never meets a half-written one.
 * @returns false where it is there already
 */
export function createLock(path: string, text: string, tries = MOST_DRAFTS): boolean {
  const draft = draftOf(path);
  try {
    writeFileSync(draft, text);
    linkSync(draft, path);
    return true;
  } catch (error) {
    // A network file system that lost its first answer tells of the link that it has made.
    if (systemCode(error) === 'EEXIST') return statSync(draft, { throwIfNoEntry: false })?.nlink === 2;
    // Taken for one that was left, because nothing was in it yet.
    if (systemCode(error) === 'ENOENT' && tries > 1 && existsSync(dirname(path)))
      return createLock(path, text, tries - 1);
    if (LINKLESS.includes(systemCode(error) ?? '')) return createPlainly(path, text);
    throw error;
  } finally {
    // A full disk leaves it there, and empty.
    rmSync(draft, { force: true });
  }
}

/**
 * Does something as the only process that may judge a lock dead and take it away: a second one would take away the lock
 * that the first has just made.
 * @param guard the lock for that, `PATH.takeover`; one that `isLeft` is of a process that ended in between
 * @returns false where another process has the guard
 */
export function underGuard(
  guard: string,
  text: string,
  { isLeft, action }: { isLeft: () => boolean; action: () => void },
): boolean {
  if (existsSync(guard) && isLeft()) rmSync(guard, { force: true });
  if (!createLock(guard, text)) return false;
  try {
    action();
  } finally {
    rmSync(guard, { force: true });
  }
  return true;
}

/**
 * Takes away a lock that was left, unless it has changed: under a guard that is named for the lock's text, so that two who
 * judged one lock can't take away two. A guard that was left in turn is taken away first.
 * @param name the text of the guard, which names this process
 * @param isLeft whether the guard with that text was left
 */
export async function removeLeft(
  path: string,
  text: string,
  options: { name: string; isLeft: (guard: string, text: string) => Promise<boolean> },
): Promise<void> {
  const guard = `${path}.${sha256(text).slice(0, 8)}`;
  if (createLock(guard, options.name)) {
    if (readLock(path) === text) rmSync(path, { force: true });
    rmSync(guard, { force: true });
    return;
  }
  const guardText = readLock(guard);
  if (guardText !== undefined && (await options.isLeft(guard, guardText)))
    await removeLeft(guard, guardText, options);
}

/** The text of a lock; undefined where there is none. */
export function readLock(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** False for a process that has ended, also where its parent has yet to read how. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // Another user's is alive.
    if (systemCode(error) !== 'EPERM') return false;
  }
  return startTime(pid) !== ENDED;
}

/**
 * When a process started, in clock ticks, so that another one with the same number is not taken for it.
 * @returns an empty text where there is no /proc, or it hides this process
 */
export function startTime(pid: number): string {
  const stat = processStat(pid);
  return stat?.state === 'Z' ? ENDED : (stat?.started ?? '');
}

// --- internal ---

/** A zombie's time: it has ended, whatever its parent has yet to read of it. */
const ENDED = 'ended';

/** So often a draft is made again that vanished. */
const MOST_DRAFTS = 5;

/** What file systems without hard links answer, such as some of USB disks and of sshfs. */
const LINKLESS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'];

function createPlainly(path: string, text: string): boolean {
  try {
    writeFileSync(path, text, { flag: 'wx' });
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  }
}
