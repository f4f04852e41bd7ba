import { readFileSync, rmSync, statSync, unlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { FanfoldError, systemCode } from '../errors.js';
import { createLock, isAlive, startTime, underGuard } from '../lock-file.js';

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
  if (!createLock(path, ourText())) takeOver(path);
  return () => {
    if (isOurs(readHolder(path))) unlinkSync(path);
  };
}

/** The living coordinator of a run directory, or undefined. A holder on another host counts as living. */
export function lockHolder(path: string): { host: string; pid: number } | undefined {
  const holder = readHolder(path);
  return holder !== undefined && isHeld(holder) ? holder : undefined;
}

// --- internal ---

/** Only one process at a time may judge a lock dead and replace it. */
function takeOver(path: string): void {
  refuseIfAlive(path);
  const guard = `${path}.takeover`;
  const isLeft = (): boolean => {
    const guarded = statSync(guard, { throwIfNoEntry: false })?.mtimeMs;
    return guarded !== undefined && Date.now() - guarded > TAKEOVER_STALE_MS;
  };
  const action = (): void => {
    refuseIfAlive(path);
    rmSync(path, { force: true });
    if (!createLock(path, ourText())) throw held(readHolder(path), path);
  };
  if (!underGuard(guard, ourText(), { isLeft, action })) throw held(readHolder(guard), path);
}

function refuseIfAlive(path: string): void {
  const holder = readHolder(path);
  if (holder !== undefined && isHeld(holder)) throw held(holder, path);
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

function ourText(): string {
  return `${JSON.stringify(ourselves())}\n`;
}

function isOurs(holder: LockHolder | undefined): boolean {
  const { host, pid } = ourselves();
  return holder?.host === host && holder.pid === pid;
}

function isHeld({ host, pid, started }: LockHolder): boolean {
  if (host !== hostname()) return true;
  // It may have the number of a holder that has died; where another user's process hides its time, nobody can tell.
  return isAlive(pid) && ['', started].includes(startTime(pid));
}
