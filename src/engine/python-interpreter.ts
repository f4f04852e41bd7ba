import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { FanfoldError } from '../errors.js';
import { findProgram, isPath } from './program.js';

/** What the Python host needs, as in its docstring. */
const OLDEST = [3, 8] as const;

/**
 * The interpreter of Python workers: the one that is named, else that of the active virtual or conda environment, else
 * `python3` on PATH.
 * @param named a path, or a name on PATH
 * @returns an absolute path; not resolved, because a virtual environment is told by the place of its link
 * @throws FanfoldError where there is none
 */
export function findPython(named: string | undefined, env: NodeJS.ProcessEnv = process.env): string {
  const names = named === undefined ? defaults(env) : [named];
  const found = names
    .map((name) => findProgram(name, process.cwd(), env))
    .find((program) => program?.state === 'runs');
  if (found !== undefined) return found.path;
  if (named === undefined) {
    throw new FanfoldError(
      'FANFOLD_PYTHON',
      'Expected a Python interpreter for a Python worker, but no python3 is on PATH. Install Python 3.8 or newer, or name one by --python PATH.',
    );
  }
  throw new FanfoldError(
    'FANFOLD_PYTHON',
    `Expected --python to name a Python interpreter, got "${named}", which ${isPath(named) ? 'is no program that may be run' : 'is not found on PATH'}.`,
  );
}

/**
 * Says why an interpreter could not start the host, where it is the interpreter's own fault.
 * @returns undefined where it is a Python that is new enough
 */
export function faultOfPython(interpreter: string): string | undefined {
  const program = 'import sys; print("%d.%d.%d" % sys.version_info[:3])';
  let version: string;
  try {
    version = execFileSync(interpreter, ['-c', program], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trim();
  } catch (error) {
    const words = error instanceof Error ? error.message.trim() : String(error);
    return `Expected ${interpreter} to be a Python interpreter, but it could not be started: ${words}`;
  }
  if (!/^\d+\.\d+\.\d+$/.test(version))
    return `Expected ${interpreter} to be a Python interpreter, but it is another program.`;
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return undefined;
  return `Expected Python ${OLDEST.join('.')} or newer, got Python ${version} (${interpreter}). Name another by --python PATH.`;
}

// --- internal ---

function defaults(env: NodeJS.ProcessEnv): string[] {
  const environments = [env['VIRTUAL_ENV'], env['CONDA_PREFIX']].flatMap((folder) =>
    folder === undefined ? [] : [join(folder, 'bin', 'python'), join(folder, 'Scripts', 'python.exe')],
  );
  return [...environments, 'python3', 'python'];
}
