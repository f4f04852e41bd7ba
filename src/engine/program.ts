import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { systemCode } from '../errors.js';

/** What lies where a program is looked for. */
export interface FoundProgram {
  /** Absolute, and not resolved: a virtual environment is told by the place of its link. */
  readonly path: string;
  readonly state: 'runs' | 'folder' | 'not executable';
}

/** True for a name that is a path; others are looked for on PATH. */
export function isPath(name: string): boolean {
  return /[/\\]/.test(name);
}

/**
 * Looks for a program as a shell does: by PATH where its name has no slash.
 * @param folder in which a relative path lies
 * @returns undefined where there is none
 */
export function findProgram(name: string, folder: string, env: NodeJS.ProcessEnv): FoundProgram | undefined {
  const places = (env['PATH'] ?? '').split(delimiter).map((place) => resolve(folder, place));
  const paths = isPath(name) ? [resolve(folder, name)] : places.map((place) => join(place, name));
  const found = paths.flatMap((path) => candidates(path, env)).flatMap(look);
  return found.find(({ state }) => state === 'runs') ?? found[0];
}

// --- internal ---

function candidates(path: string, env: NodeJS.ProcessEnv): string[] {
  const endings = process.platform === 'win32' ? ['', ...(env['PATHEXT'] ?? '.EXE').split(';')] : [''];
  return endings.map((ending) => `${path}${ending}`);
}

function look(path: string): FoundProgram[] {
  try {
    if (statSync(path).isDirectory()) return [{ path, state: 'folder' }];
    accessSync(path, constants.X_OK);
    return [{ path, state: 'runs' }];
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return systemCode(error) === 'EACCES' ? [{ path, state: 'not executable' }] : [];
  }
}
