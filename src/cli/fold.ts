import { shortPath } from '../report/command-line.js';
import type { OnError } from '../run/limits.js';
import { pathForStdout } from '../report/printable.js';
import { tell } from './tell.js';
import { refold } from '../sweep/existing-run.js';

/** `fanfold fold`: gives the exit code. */
export async function foldRun(
  directory: string,
  options: { header?: boolean | undefined; onError?: OnError | undefined },
): Promise<number> {
  const result = await refold(directory, { ...options, onNotice: tell });
  process.stdout.write(`${pathForStdout(shortPath(result))}\n`);
  return 0;
}
