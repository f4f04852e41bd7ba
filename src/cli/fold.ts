import { shortPath } from '../report/command-line.js';
import { refold } from '../sweep/existing-run.js';

/** `fanfold fold`: gives the exit code. */
export function foldRun(directory: string, options: { header?: boolean | undefined }): number {
  process.stdout.write(`${shortPath(refold(directory, options.header))}\n`);
  return 0;
}
