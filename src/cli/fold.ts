import { FanfoldError } from '../errors.js';
import { lockHolder, whenReleased } from '../run/lock.js';
import type { OnError } from '../run/limits.js';
import { runPaths } from '../run/paths.js';
import { shortPath } from '../report/command-line.js';
import { pathForStdout } from '../report/printable.js';
import { refold } from '../sweep/existing-run.js';
import { tell } from './tell.js';

export interface FoldCommandOptions {
  readonly header?: boolean | undefined;
  readonly onError?: OnError | undefined;
  /** Wait for one who is at work, and do nothing where the result is there then. */
  readonly wait?: true | undefined;
}

/** `fanfold fold`: gives the exit code. */
export async function foldRun(directory: string, options: FoldCommandOptions): Promise<number> {
  const result =
    options.wait === true ? await foldWhenReleased(directory, options) : await foldNow(directory, options);
  process.stdout.write(`${pathForStdout(shortPath(result))}\n`);
  return 0;
}

/**
 * Makes the result of a run once nobody is at work on it, unless it is there then.
 * @returns the path of the result
 */
export async function foldWhenReleased(directory: string, options: FoldCommandOptions = {}): Promise<string> {
  const { lock } = runPaths(directory);
  for (;;) {
    try {
      return await refold(directory, { ...options, onNotice: tell, isNeeded: true });
    } catch (error) {
      const holder = lockHolder(lock);
      if (!(error instanceof FanfoldError) || error.code !== 'FANFOLD_LOCKED' || holder === undefined)
        throw error;
      const end = await whenReleased(lock, holder, new AbortController().signal);
      if (end === 'silent') throw error;
    }
  }
}

// --- internal ---

function foldNow(directory: string, options: FoldCommandOptions): Promise<string> {
  return refold(directory, { ...options, onNotice: tell });
}
