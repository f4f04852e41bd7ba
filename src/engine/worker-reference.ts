import { existsSync, statSync } from 'node:fs';
import { extname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FanfoldError } from '../errors.js';

/** A worker as the user names it. */
export interface WorkerReference {
  /** Absolute path. */
  readonly file: string;
  readonly export: string;
}

const EXTENSIONS = ['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts', '.tsx', '.jsx'];

/**
 * Reads `FILE` or `FILE:name`, the name being that of an export.
 * @throws FanfoldError where there is no such file, or it is not JavaScript or TypeScript
 */
export function parseWorkerReference(text: string): WorkerReference {
  const path = text.startsWith('file:') ? fileURLToPath(text) : text;
  const split = /^(?<file>.+):(?<name>[\p{L}_$][\p{L}\p{N}_$]*)$/u.exec(path)?.groups;
  // A file whose own name holds a colon is meant as it stands.
  const [file, name] =
    split === undefined || existsSync(path)
      ? [path, 'default']
      : [split['file'] ?? path, split['name'] ?? 'default'];
  const absolute = resolve(file);
  if (!existsSync(absolute)) {
    throw new FanfoldError(
      'FANFOLD_WORKER',
      `Expected the worker to be a file, got "${file}" (no such file: ${absolute}).`,
    );
  }
  if (!statSync(absolute).isFile()) {
    throw new FanfoldError(
      'FANFOLD_WORKER',
      `Expected the worker to be a file, got "${file}", which is none.`,
    );
  }
  if (!EXTENSIONS.includes(extname(absolute))) {
    throw new FanfoldError(
      'FANFOLD_WORKER',
      `Expected the worker to be a JavaScript or TypeScript module (${EXTENSIONS.join(', ')}), got "${file}".`,
    );
  }
  return { file: absolute, export: name };
}
