import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, extname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FanfoldError } from '../errors.js';
import type { CommandSpec } from '../run/spec.js';
import { findPython } from './python-interpreter.js';

/** A worker as the user names it. */
export type WorkerReference = FunctionReference | CommandReference;

/** A function in a file. */
export type FunctionReference = ModuleReference | PythonReference;

/** A function that a module exports. */
export interface ModuleReference {
  readonly kind: 'module';
  /** Absolute path. */
  readonly file: string;
  readonly export: string;
}

/** A function in a Python file, called with keyword arguments. */
export interface PythonReference {
  readonly kind: 'python';
  /** Absolute path. */
  readonly file: string;
  readonly export: string;
  /** Absolute path. */
  readonly interpreter: string;
  readonly startMethod: StartMethod;
}

/**
 * How Python processes come about, in the words of its `multiprocessing`: `fork` copies one that has imported the model,
 * `spawn` starts a new interpreter for each.
 */
export type StartMethod = 'fork' | 'spawn';

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

/** What is asked of Python workers. */
export interface PythonOptions {
  /** The interpreter: a path, or a name on PATH. */
  readonly python?: string | undefined;
  readonly startMethod?: StartMethod | undefined;
  /** They are no error of a worker in another language, to which they mean nothing. */
  readonly mayBeIdle?: boolean;
}

/**
 * Reads `FILE` or `FILE:name`: an export of a module, by default its default one, or a function of a Python file.
 * @throws FanfoldError where there is no such file, it is of another language, or there is no interpreter for it
 */
export function parseWorkerReference(text: string, options: PythonOptions = {}): FunctionReference {
  const path = text.startsWith('file:') ? fileURLToPath(text) : text;
  const split = /^(?<file>[^]+):(?<name>[\p{L}_$][\p{L}\p{N}_$]*)$/u.exec(path)?.groups;
  // A file whose own name holds a colon is meant as it stands.
  const [file, name] =
    split === undefined || existsSync(path) ? [path, undefined] : [split['file'] ?? path, split['name']];
  const absolute = resolve(file);
  checkFile(absolute, file);
  if (extname(absolute) === '.py') return pythonReference(absolute, name, options);
  refusePythonOptions(file, options);
  if (absolute.includes('\\') && process.platform !== 'win32') {
    throw new FanfoldError(
      'FANFOLD_WORKER',
      `Expected the path of a JavaScript worker to be without backslashes, which node can't import, got "${absolute}". Rename it.`,
    );
  }
  if (EXTENSIONS.includes(extname(absolute)))
    return { kind: 'module', file: absolute, export: name ?? 'default' };
  throw new FanfoldError(
    'FANFOLD_WORKER',
    `Expected the worker to be a JavaScript or TypeScript module (${EXTENSIONS.join(', ')}) or a Python file (.py), got "${file}". A program in another language is run as a command: fanfold --param … -- ./program {x}.`,
  );
}

// --- internal ---

function checkFile(absolute: string, file: string): void {
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
}

function pythonReference(
  file: string,
  name: string | undefined,
  { python, startMethod = process.platform === 'win32' ? 'spawn' : 'fork' }: PythonOptions,
): PythonReference {
  if (name === undefined) {
    const names = Array.from(
      readFileSync(file, 'utf8').matchAll(/^(?:async )?def ([^\W\d_]\w*)/gmu),
      ([, found]) => found,
    );
    throw new FanfoldError(
      'FANFOLD_WORKER',
      `Expected a Python worker as FILE:FUNCTION, such as ${basename(file)}:${names[0] ?? 'energy'}, got "${basename(file)}" alone. Its functions: ${names.join(', ') || 'none'}.`,
    );
  }
  if (startMethod === 'fork' && process.platform === 'win32') {
    throw new FanfoldError(
      'FANFOLD_USAGE',
      'Expected --start-method spawn on Windows, which has no fork, got fork.',
    );
  }
  return { kind: 'python', file, export: name, interpreter: findPython(python), startMethod };
}

function refusePythonOptions(file: string, { python, startMethod, mayBeIdle }: PythonOptions): void {
  const name = python !== undefined ? '--python' : startMethod !== undefined ? '--start-method' : undefined;
  if (name === undefined || mayBeIdle === true) return;
  throw new FanfoldError(
    'FANFOLD_USAGE',
    `Expected ${name} with a Python worker, such as model.py:energy, got "${file}".`,
  );
}
