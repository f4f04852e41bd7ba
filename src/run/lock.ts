import { existsSync, linkSync, readFileSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { FanfoldError, systemCode } from '../errors.js';

/** Who holds a run directory. */
interface LockHolder {
  readonly host: string;
  readonly pid: number;
  /** The process's start time in clock ticks, so that another process with the same pid is not taken for it. */
  readonly started: string;
}

/** A crashed takeover blocks others for this long. */
const TAKEOVER_STALE_MS = 10_000;

/**
 * Makes this process the only coordinator of a run directory: a file created exclusively, with host and pid. The lock
 * of a dead process of this host is taken over.
 * @returns a function that gives the lock back
 * @throws FanfoldError where another coordinator holds it
 */
export function takeLock(path: string): () => void {
  if (!createLock(path)) takeOver(path);
  return () => {
    if (isOurs(readHolder(path))) unlinkSync(path);
  };
}

/** The living coordinator of a run directory, or undefined. A holder on another host counts as living. */
export function lockHolder(path: string): { host: string; pid: number } | undefined {
  const holder = readHolder(path);
  return holder !== undefined && isAlive(holder) ? holder : undefined;
}

// --- internal ---

/** Creates the lock with its content in one step, by a hard link: a reader never meets a half-written one. */
function createLock(path: string): boolean {
  const draft = `${path}.${String(process.pid)}`;
  writeFileSync(draft, `${JSON.stringify(ourselves())}\n`);
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    if (LINKLESS.includes(systemCode(error) ?? '')) return createPlainLock(path);
    throw error;
  } finally {
    unlinkSync(draft);
  }
}

/** What file systems without hard links answer, such as some of USB disks and of sshfs. */
const LINKLESS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'];

function createPlainLock(path: string): boolean {
  try {
    writeFileSync(path, `${JSON.stringify(ourselves())}\n`, { flag: 'wx' });
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Only one process at a time may judge a lock dead and replace it; `lock.takeover` is created exclusively for that. */
function takeOver(path: string): void {
  refuseIfAlive(path);
  const guard = `${path}.takeover`;
  const guarded = statSync(guard, { throwIfNoEntry: false })?.mtimeMs;
  if (guarded !== undefined && Date.now() - guarded > TAKEOVER_STALE_MS) rmSync(guard, { force: true });
  if (!createLock(guard)) throw held(readHolder(guard), path);
  try {
    refuseIfAlive(path);
    if (existsSync(path)) unlinkSync(path);
    if (!createLock(path)) throw held(readHolder(path), path);
  } finally {
    unlinkSync(guard);
  }
}

function refuseIfAlive(path: string): void {
  const holder = readHolder(path);
  if (holder !== undefined && isAlive(holder)) throw held(holder, path);
}

function held(holder: LockHolder | undefined, path: string): FanfoldError {
  const who = holder === undefined ? 'another process' : `process ${String(holder.pid)} on ${holder.host}`;
  const remedy =
    holder === undefined || holder.host === hostname()
      ? 'wait for it, or stop it'
      : `wait for it, or, if that host is dead, remove ${path}`;
  return new FanfoldError(
    'FANFOLD_LOCKED',
    `Expected a run directory that nobody works on, but ${who} does: ${remedy}.`,
  );
}

function readHolder(path: string): LockHolder | undefined {
  try {
    const holder: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof holder === 'object' && holder !== null && 'pid' in holder && 'host' in holder) {
      return holder as LockHolder;
    }
  } catch (error) {
    // A lock that a power cut left empty names nobody, so nobody holds it.
    if (systemCode(error) !== 'ENOENT' && !(error instanceof SyntaxError)) throw error;
  }
  return undefined;
}

function ourselves(): LockHolder {
  return { host: hostname(), pid: process.pid, started: startTime(process.pid) };
}

function isOurs(holder: LockHolder | undefined): boolean {
  const { host, pid } = ourselves();
  return holder?.host === host && holder.pid === pid;
}

function isAlive({ host, pid, started }: LockHolder): boolean {
  if (host !== hostname()) return true;
  const now = startTime(pid);
  try {
    process.kill(pid, 0);
  } catch (error) {
    // Another user's process: it may have the pid of a holder that has died, and /proc may hide when it started.
    return systemCode(error) === 'EPERM' && (now === '' || now === started);
  }
  return now === started;
}

/** Field 22 of /proc/PID/stat; empty where there is no /proc, and then the pid alone decides. */
function startTime(pid: number): string {
  try {
    const text = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
    const afterName = text.slice(text.lastIndexOf(')') + 2).split(' ');
    // A zombie has ended, whatever its parent has yet to read of it.
    return afterName[0] === 'Z' ? 'ended' : (afterName[19] ?? '');
  } catch {
    return '';
  }
}
