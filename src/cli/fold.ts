import { setTimeout } from 'node:timers/promises';
import { FanfoldError } from '../errors.js';
import { lockAtWork } from '../run/at-work.js';
import { whenReleased } from '../run/lock.js';
import type { LockHolder } from '../run/lock-holder.js';
import type { OnError } from '../run/limits.js';
import { runPaths } from '../run/paths.js';
import { shortPath } from '../report/command-line.js';
import { pathForStdout } from '../report/printable.js';
import { refold, type FoldOptions } from '../sweep/existing-run.js';
import { tell } from '../report/tell.js';

export interface FoldCommandOptions {
  readonly header?: boolean | undefined;
  readonly onError?: OnError | undefined;
  /** Wait for one who is at work, and do nothing where the result is there then. */
  readonly wait?: true | undefined;
  /** How long files are waited for, in milliseconds. */
  readonly fsLatency?: number | undefined;
}

/** `fanfold fold`: gives the exit code. */
export async function foldRun(
  directory: string,
  { header, onError, wait, fsLatency }: FoldCommandOptions,
): Promise<number> {
  const options = { header, onError, latencyMs: fsLatency, onNotice: tell };
  const result = await (wait === true ? foldWhenReleased(directory, options) : refold(directory, options));
  process.stdout.write(`${pathForStdout(shortPath(result))}\n`);
  return 0;
}

/**
 * Makes the result of a run once nobody is at work on it, unless it is there then.
 * @returns the path of the result
 */
export async function foldWhenReleased(
  directory: string,
  options: FoldOptions = { onNotice: tell },
): Promise<string> {
  let vain = 0;
  // Those who have given no sign of life for long; whether they are dead is found out by who takes their lock.
  const silent = new Set<LockHolder['id']>();
  const isLeftOut = ({ id }: LockHolder): boolean => silent.has(id);
  for (;;) {
    try {
      return await refold(directory, { ...options, isNeeded: true, isLeftOut });
    } catch (error) {
      if (!(error instanceof FanfoldError) || error.code !== 'FANFOLD_LOCKED') throw error;
      const other = lockAtWork(runPaths(directory), isLeftOut);
      // It may have ended in this moment.
      if (other === undefined) {
        if (++vain > MOST_VAIN) throw error;
        await setTimeout(1_000);
        continue;
      }
      const end = await whenReleased(other.lock, other.holder, new AbortController().signal);
      if (end === 'silent') silent.add(other.holder.id);
    }
  }
}

// --- internal ---

/** A lock that is said to be held and isn't there, so often, is no lock. */
const MOST_VAIN = 10;
