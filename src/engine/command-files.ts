import { readFile, stat } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import { systemCode } from '../errors.js';
import { namesIn, parseTemplate } from '../host/command/placeholders.js';
import { sha256 } from '../sha256.js';
import type { WorkerBundle } from './worker-bundle.js';
import type { CommandReference } from './worker-reference.js';

/** Data of this size and more take longer to hash than a run should take to start. */
const MOST_BYTES = 64 << 20;

/**
 * The files that a command consists of, as far as its words tell: its program, and every file that an argument names, such
 * as a script or its data. A file of 64 MB or more is left out.
 */
export async function readCommandFiles(worker: CommandReference): Promise<WorkerBundle> {
  const { spec, program, folder } = worker;
  const named = (spec.shell ? shellWords(spec.command[0] ?? '') : spec.command.slice(1))
    .filter((word) => namesIn(parseTemplate(word)).length === 0)
    .map((word) => resolve(folder, word));
  const hashes = await Promise.all(
    [...new Set([program, ...named])].map(
      async (path) => [nameOf(path, folder), await hashOf(path)] as const,
    ),
  );
  const files = hashes.filter((entry): entry is [string, string] => entry[1] !== undefined);
  return { code: undefined, files: Object.fromEntries(files), exports: [] };
}

// --- internal ---

/** The words of a shell's line, but those into which it writes. */
function shellWords(line: string): string[] {
  return line.replace(/>>?\|?\s*\S+/g, ' ').split(/[\s'"`|;&<>()]+/);
}

/** A path that a project takes along when it moves, where it lies in the command's folder. */
function nameOf(path: string, folder: string): string {
  const name = relative(folder, path);
  return name === '' || name.startsWith('..') ? path : name;
}

async function hashOf(path: string): Promise<string | undefined> {
  try {
    const found = await stat(path);
    return found.isFile() && found.size < MOST_BYTES ? sha256(await readFile(path)) : undefined;
  } catch (error) {
    // An argument that is no file's name, or a program that may be run and not read.
    if (systemCode(error) === undefined) throw error;
    return undefined;
  }
}
