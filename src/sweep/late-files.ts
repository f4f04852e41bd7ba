import { readdirSync } from 'node:fs';
import { FanfoldError } from '../errors.js';
import { fileLatencyMs } from '../run/file-system.js';
import { lookAgain, type LateOptions } from '../run/look-again.js';
import { DamagedManifestError, readManifest, type Manifest } from '../run/manifest.js';
import { isRunFile, runPaths, type RunPaths } from '../run/paths.js';
import { readJournals } from '../run/records.js';
import { recordedFiles, type TaskState } from '../run/task-state.js';

// On a file system of the network a rename of another process may show up late. What the records say was finished is
// looked for again, in the listing of the folder, before it counts as lost.

/**
 * The states of tasks, once those are seen that the records call complete, or the wait for them is over.
 * @param look reads them
 */
export async function awaitTaskStates(
  paths: RunPaths,
  look: () => TaskState[],
  options: LateOptions,
): Promise<TaskState[]> {
  const isSeen = (states: readonly TaskState[]): boolean => {
    if (states.every(({ status }) => status === 'complete')) return true;
    // A file without a record: it may be the record that shows late.
    if (states.some(({ status }) => status === 'foreign')) return false;
    const files = recordedFiles(readJournals(paths));
    return states.every(({ index, status }) => status === 'complete' || !files.has(index));
  };
  return lookAgain(paths.directory, { ...options, look, isSeen, what: 'the files of finished tasks' });
}

/** Does what needs files that were seen in the listing; again where one of them can't be opened yet. */
export async function withLateFiles<T>(directory: string, action: () => T, options: LateOptions): Promise<T> {
  const look = (): { value: T } | { error: FanfoldError } => {
    try {
      return { value: action() };
    } catch (error) {
      if (error instanceof FanfoldError && error.code === 'FANFOLD_INCOMPLETE') return { error };
      throw error;
    }
  };
  const isSeen = (found: ReturnType<typeof look>): boolean => 'value' in found;
  const found = await lookAgain(directory, { ...options, look, isSeen, what: 'a task file' });
  if ('value' in found) return found.value;
  throw found.error;
}

/**
 * The manifest of a run directory; waited for where the directory holds other files of a run, or where neither it nor its
 * copy is whole.
 * @param onDamage called where it is damaged, and its copy was read
 * @throws FanfoldError where it and its copy are damaged
 */
export async function awaitManifest(
  directory: string,
  options: LateOptions,
  onDamage?: (text: string) => void,
): Promise<Manifest | undefined> {
  const look = async (): Promise<FoundManifest> => {
    let damage: string | undefined;
    try {
      const manifest = await readManifest(runPaths(directory).manifest, (text) => (damage = text));
      return { manifest, damage };
    } catch (error) {
      if (error instanceof DamagedManifestError) return { error };
      throw error;
    }
  };
  const isSeen = ({ manifest, error }: FoundManifest): boolean =>
    error === undefined && (manifest !== undefined || !holdsRun(directory));
  const { manifest, damage, error } = await lookAgain(directory, {
    ...options,
    look,
    isSeen,
    what: 'sweep.json',
  });
  if (error !== undefined) throw error;
  const mayBeLate = fileLatencyMs(directory, options.latencyMs) > 0;
  if (damage !== undefined) onDamage?.(mayBeLate ? `${damage} It may only be seen late.` : damage);
  return manifest;
}

// --- internal ---

/** A manifest, what is wrong with it where its copy was read, or why there is none. */
interface FoundManifest {
  readonly manifest?: Manifest | undefined;
  readonly damage?: string | undefined;
  readonly error?: FanfoldError;
}

function holdsRun(directory: string): boolean {
  try {
    return readdirSync(directory).some((name) => isRunFile(name) || name === 'lock' || name === 'sweep.json');
  } catch {
    // No folder holds no run.
    return false;
  }
}
