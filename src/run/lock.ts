import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout } from 'node:timers/promises';
import { FanfoldError, systemCode } from '../errors.js';
import { createLock, draftOf, isDraft, readLock, removeLeft } from '../lock-file.js';
import { FS_LATENCY_MS } from './file-system.js';
import { mayBeCopied, nameHolder, ourselves, parseHolder, textOf, type LockHolder } from './lock-holder.js';
import type { LateOptions } from './look-again.js';
import { lifeOf } from './process-identity.js';

/** How often a holder shows that it lives. */
const BEAT_MS = 5_000;
/** A holder that is seen by its beats only must miss so many. */
const MISSED_BEATS = 3;
const LONGEST_LOOK_MS = 1_000;
/** How often one who waits for the end of a living one looks. */
const LOOK_MS = 200;
/** One that has made its lock is so long without its name in it, where there are no hard links. */
const NAMELESS_MS = 2_000;
/** A lock that is there and then isn't, over and over: a file system that contradicts itself. */
const MOST_TRIES = 500;

/** How a lock is taken, and waited for where its holder can't be seen; by default for `FS_LATENCY_MS`. */
export interface LockOptions extends LateOptions {
  /** Elements of a batch job compute beside the holder. */
  readonly isBeside?: boolean | undefined;
  /** The run directory, where it is not the lock's own folder. */
  readonly root?: string;
}

/** A run directory's lock while this process has it. */
export interface Lock {
  /** Of this holding alone. */
  readonly id: string;
  /** Aborted, with a FanfoldError, once it is seen that another process has taken the lock. */
  readonly lost: AbortSignal;
  /** @throws FanfoldError where the lock is another process's by now */
  readonly check: () => void;
  /** As `check`, once its next sign of life is due: for work that holds the thread, and with it the timer. */
  readonly beat: () => void;
  /** Gives it back. */
  readonly release: () => void;
}

/**
 * Makes this process the only coordinator of a run directory: a file created exclusively that names it, and that it
 * changes every few seconds. The lock of a dead process is taken over; that of a process which can't be seen from here,
 * on another machine say, once it has not changed for long. No clock is compared with another's, nor with a file's times.
 * @throws FanfoldError where another coordinator holds it
 */
export async function takeLock(path: string, options: LockOptions = {}): Promise<Lock> {
  const holder = ourselves(path, { beatMs: BEAT_MS, isBeside: options.isBeside });
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    if (createLock(path, textOf(holder, 0))) return keep(path, holder, options.root ?? dirname(path));
    const text = readLock(path);
    if (text === undefined) await setTimeout(1);
    else if (await isLeft(path, text, options)) {
      await removeLeft(path, text, {
        name: textOf(holder, 0),
        isLeft: (guard, guardText) => isLeft(guard, guardText, options),
      });
    }
  }
  throw held(undefined);
}

/**
 * True for the draft of a lock that a process which has died was making. One that names nobody may be that of a process which
 * creates it in this moment: to remove it does no harm, because that one makes another.
 */
export function isLeftDraft(path: string): boolean {
  const text = isDraft(path) ? readLock(path) : undefined;
  if (text === undefined) return false;
  const holder = parseHolder(text);
  return holder === undefined || lifeOf(holder) === 'dead';
}

/** The living coordinator of a run directory, or undefined. One that can't be seen from here counts as living. */
export function lockHolder(path: string): LockHolder | undefined {
  const text = readLock(path);
  const holder = text === undefined ? undefined : parseHolder(text);
  return holder !== undefined && lifeOf(holder) !== 'dead' && !looksCopied(holder, path) ? holder : undefined;
}

/**
 * Waits for the end of a holding: `released` where it is over, in whatever way, `silent` where a holder that can't be seen
 * has not changed its lock for long, `left` where the wait was ended.
 * @param options.mostSilentMs after which a holder that is seen to live is silent too
 */
export async function whenReleased(
  path: string,
  { id }: LockHolder,
  signal: AbortSignal,
  { mostSilentMs = Infinity }: { mostSilentMs?: number } = {},
): Promise<'released' | 'silent' | 'left'> {
  let last = { text: readLock(path), since: performance.now() };
  while (!signal.aborted) {
    const text = readLock(path);
    const holder = parseHolder(text ?? '');
    if (holder === undefined || holder.id !== id || lifeOf(holder) === 'dead') return 'released';
    if (text !== last.text) last = { text, since: performance.now() };
    const mostMs = lifeOf(holder) === 'unseen' ? FS_LATENCY_MS : mostSilentMs;
    if (performance.now() - last.since > mostMs) return 'silent';
    await setTimeout(LOOK_MS);
  }
  return 'left';
}

/** The error of a run directory on which somebody else is at work. */
export function held(holder: LockHolder | undefined): FanfoldError {
  return new FanfoldError(
    'FANFOLD_LOCKED',
    `Expected a run directory that nobody works on, but ${nameHolder(holder)} does: wait for it, or stop it.`,
  );
}

/** The error of a run that was stopped before it began. */
export function stoppedError(): FanfoldError {
  return new FanfoldError('FANFOLD_STOPPED', 'The run was stopped before it began; nothing was written.', {
    exitCode: 1,
  });
}

// --- internal ---

/**
 * Whether the holder of a lock is gone; false where the lock has changed, so that it is to be looked at again.
 * @throws FanfoldError where its holder lives
 */
async function isLeft(path: string, text: string, options: LockOptions): Promise<boolean> {
  const holder = parseHolder(text);
  // A power cut leaves a lock empty.
  if (holder === undefined) return staysAs(path, text, NAMELESS_MS, options.signal);
  if (maySeeCopy(holder, path) && !sharesFolder(holder, path)) return true;
  const life = lifeOf(holder);
  if (life === 'alive') throw held(holder);
  if (life === 'dead') return true;
  const waitMs = Math.max(options.latencyMs ?? FS_LATENCY_MS, MISSED_BEATS * (holder.beatMs ?? BEAT_MS));
  options.onNotice?.(
    `${dirname(path)} is locked by ${nameHolder(holder)}, which can't be seen from here: waiting up to ${String(Math.ceil(waitMs / 1000))} s for a sign of life.`,
  );
  if (await staysAs(path, text, waitMs, options.signal)) return true;
  const now = parseHolder(readLock(path) ?? '');
  if (now !== undefined && now.id === holder.id) throw held(now);
  return false;
}

/** The lock of a living holder of this machine, whose directory has another path. */
function maySeeCopy(holder: LockHolder, path: string): boolean {
  return lifeOf(holder) === 'alive' && mayBeCopied(holder, path);
}

/** As well as can be told by looking: two ways to one directory, of a file system that is mounted twice say, are no copy. */
function looksCopied(holder: LockHolder, path: string): boolean {
  if (!maySeeCopy(holder, path)) return false;
  const other = join(holder.path ?? '', basename(path));
  // Between the two looks the holder may have changed its lock, but not twice in a row.
  return !isOneFile(path, other) && !isOneFile(path, other);
}

function isOneFile(path: string, other: string): boolean {
  return readLock(other) === readLock(path) && changedAt(other) === changedAt(path);
}

function changedAt(path: string): bigint | undefined {
  return statSync(path, { bigint: true, throwIfNoEntry: false })?.ctimeNs;
}

/** Whether the directory of a lock is its holder's, by another way: a file that is made here is seen there then. */
function sharesFolder(holder: LockHolder, path: string): boolean {
  const probe = draftOf(path);
  writeFileSync(probe, textOf(ourselves(path, { beatMs: BEAT_MS }), 0));
  try {
    // Whoever has removed it meanwhile is at work here.
    return existsSync(join(holder.path ?? '', basename(probe))) || !existsSync(probe);
  } finally {
    rmSync(probe, { force: true });
  }
}

/** True where a lock keeps its text for so long, by the time that this process could have looked. */
async function staysAs(path: string, text: string, waitMs: number, signal?: AbortSignal): Promise<boolean> {
  const deadline = performance.now() + waitMs;
  const lookMs = Math.min(LONGEST_LOOK_MS, waitMs / 5);
  for (;;) {
    const isOver = performance.now() >= deadline;
    if (readLock(path) !== text) return false;
    if (isOver) return true;
    try {
      await setTimeout(lookMs, undefined, signal === undefined ? {} : { signal });
    } catch (error) {
      throw signal?.aborted === true ? stoppedError() : error;
    }
  }
}

function keep(path: string, holder: LockHolder & { readonly id: string }, root: string): Lock {
  const loss = new AbortController();
  const lose = (): void => {
    if (!loss.signal.aborted) loss.abort(taken(path, parseHolder(readLock(path) ?? '')));
  };
  let last = { beat: 0, at: performance.now() };
  const beat = (): void => {
    last = { beat: last.beat + 1, at: performance.now() };
    if (!isOurs(path, holder, { root, beat: textOf(holder, last.beat) })) lose();
  };
  const timer = setInterval(beat, BEAT_MS);
  timer.unref();
  return {
    id: holder.id,
    lost: loss.signal,
    check: () => {
      if (!isOurs(path, holder, { root })) lose();
      loss.signal.throwIfAborted();
    },
    beat: () => {
      if (performance.now() - last.at < BEAT_MS) return;
      beat();
      loss.signal.throwIfAborted();
    },
    release: () => {
      clearInterval(timer);
      if (parseHolder(readLock(path) ?? '')?.id === holder.id) unlinkSync(path);
    },
  };
}

/** True while a lock names this holding; a beat is then written into that very file. */
function isOurs(
  path: string,
  { id }: LockHolder,
  { root, beat }: { readonly root: string; readonly beat?: string },
): boolean {
  let file: number;
  try {
    file = openSync(path, beat === undefined ? 'r' : 'r+');
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    // Where the whole directory is gone, or the disk doesn't answer, the run itself ends by that.
    return systemCode(error) !== 'ENOENT' || !existsSync(root);
  }
  try {
    if (parseHolder(readFileSync(file, 'utf8'))?.id !== id) return false;
    if (beat !== undefined) writeSync(file, beat, 0);
  } catch (error) {
    // A beat that is missed costs the lock only where many are.
    if (systemCode(error) === undefined) throw error;
  } finally {
    closeSync(file);
  }
  return true;
}

function taken(path: string, holder: LockHolder | undefined): FanfoldError {
  const what = holder === undefined ? 'its lock was removed' : `${nameHolder(holder)} took it over`;
  return new FanfoldError(
    'FANFOLD_LOCKED',
    `Expected to be still the one at work on ${dirname(path)}, but ${what}; was this process suspended? It ends, and writes nothing more; what was finished is kept.`,
    { exitCode: 1 },
  );
}
