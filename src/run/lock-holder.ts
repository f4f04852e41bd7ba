import { randomUUID } from 'node:crypto';
import { statSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { identify, lifeOf, type RecordedProcess } from './process-identity.js';

/** Who holds a run directory, as the lock says. */
export interface LockHolder extends RecordedProcess {
  /** Of this holding alone. */
  readonly id?: string;
  /** The run directory, as its holder names it. */
  readonly path?: string;
  /** The directory itself, so that a copy of it is told from it. */
  readonly folder?: string;
  /** How often its holder changes the lock while it lives, in milliseconds. */
  readonly beatMs?: number;
  /** Set where elements of a batch job may compute meanwhile. */
  readonly isBeside?: true;
}

/** This process as the holder of the lock at `path`. */
export function ourselves(
  path: string,
  { beatMs, isBeside = false }: { beatMs: number; isBeside?: boolean | undefined },
): LockHolder & { readonly id: string } {
  const directory = dirname(path);
  return {
    id: randomUUID(),
    ...identify(process.pid),
    path: directory,
    folder: folderId(directory),
    beatMs,
    ...(isBeside ? { isBeside } : {}),
  };
}

/** The text of a lock; of the same length for every beat, so that a new one is written over an old one in one go. */
export function textOf(holder: LockHolder, beat: number): string {
  return `${JSON.stringify({ ...holder, beat: String(beat).padStart(12, '0') })}\n`;
}

/** The holder that a lock's text names; undefined for a torn one. */
export function parseHolder(text: string): LockHolder | undefined {
  try {
    const holder: unknown = JSON.parse(text);
    const names = typeof holder === 'object' && holder !== null && 'pid' in holder && 'host' in holder;
    return names && Number.isSafeInteger(holder.pid) ? (holder as LockHolder) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Whether a lock may lie in a copy of its holder's directory, which is on this machine. */
export function mayBeCopied({ path, folder }: LockHolder, lock: string): boolean {
  const here = folderId(dirname(lock));
  // Both are looked up now, for some file systems number their files anew from time to time.
  return path !== undefined && folder !== here && folderId(path) !== here;
}

/** What tells a folder from every other one of this machine; empty where it isn't there. */
export function folderId(folder: string): string {
  const found = statSync(folder, { bigint: true, throwIfNoEntry: false });
  return found === undefined ? '' : `${String(found.dev)}:${String(found.ino)}`;
}

/** A holder for a message: `process 12 on node17`. */
export function nameHolder(holder: LockHolder | undefined): string {
  if (holder === undefined) return 'another process';
  const name = `process ${String(holder.pid)} on ${holder.host}`;
  const isElsewhere = holder.host === hostname() && lifeOf(holder) === 'unseen';
  return isElsewhere ? `${name} (another container or machine of this name)` : name;
}
