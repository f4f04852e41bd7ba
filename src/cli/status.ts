import { escapeJson } from '../format/quote.js';
import { printable } from '../report/printable.js';
import { describeStatus, readStatus } from '../report/status.js';
import { tell } from './tell.js';
import { requireManifest } from '../sweep/existing-run.js';

/** `fanfold status`: gives the exit code. */
export async function status(directory: string, options: { json?: true | undefined }): Promise<number> {
  const found = readStatus(directory, await requireManifest(directory, tell));
  process.stdout.write(
    `${options.json === true ? escapeJson(JSON.stringify(found, undefined, 2)) : printable(describeStatus(found))}\n`,
  );
  return 0;
}
