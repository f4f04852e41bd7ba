import { shortPath } from '../report/command-line.js';
import type { OnError } from '../run/limits.js';
import { tell } from './tell.js';
import { refold } from '../sweep/existing-run.js';

/** `fanfold fold`: gives the exit code. */
export async function foldRun(
  directory: string,
  options: { header?: boolean | undefined; onError?: OnError | undefined },
): Promise<number> {
  process.stdout.write(`${shortPath(await refold(directory, { ...options, onNotice: tell }))}\n`);
  return 0;
}
