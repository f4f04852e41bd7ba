import { existsSync, statSync } from 'node:fs';
import { extname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FanfoldError } from '../errors.js';
import type { CommandSpec } from '../run/spec.js';

/** A worker as the user names it. */
export type WorkerReference = ModuleReference | CommandReference;

/** A function that a module exports. */
export interface ModuleReference {
  readonly kind: 'module';
  /** Absolute path. */
  readonly file: string;
  readonly export: string;
}

/** A program that is started for each point, or once for each job slot. */
export interface CommandReference {
  readonly kind: 'command';
  readonly spec: CommandSpec;
  /** Absolute path of the program. */
  readonly program: string;
  /** Absolute path of the folder in which it runs. */
  readonly folder: string;
  /** Leave each point's scratch folder where it is. */
  readonly keepScratch: boolean;
}

const EXTENSIONS = ['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts', '.tsx', '.jsx'];

/**
 * Reads `FILE` or `FILE:name`, the name being that of an export.
 * @throws FanfoldError where there is no such file, or it is not JavaScript or TypeScript
 */
export function parseWorkerReference(text: string): ModuleReference {
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
  return { kind: 'module', file: absolute, export: name };
}
