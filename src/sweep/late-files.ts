import { readdirSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { setTimeout } from 'node:timers/promises';
import { FanfoldError } from '../errors.js';
import { fileLatencyMs } from '../run/file-system.js';
import { readManifest, type Manifest } from '../run/manifest.js';
import { isRunFile, runPaths } from '../run/paths.js';
import { readJournals } from '../run/records.js';
import { readTaskStates, recordedFiles, type TaskState } from '../run/task-state.js';

// On a file system of the network a rename of another process may show up late. What the records say was finished is
// looked for again, in the listing of the folder, before it counts as lost.

const FIRST_GAP_MS = 20;
const LONGEST_GAP_MS = 5_000;

export interface LateOptions {
  /** How long is waited, in milliseconds; what the file system's kind suggests where it is undefined. */
  readonly latencyMs?: number | undefined;
  readonly onNotice?: ((text: string) => void) | undefined;
  /** Ends the wait. */
  readonly signal?: AbortSignal | undefined;
}

/** The state of every task, once those are seen that the records call complete, or the wait for them is over. */
export async function awaitTaskStates(
  directory: string,
  manifest: Manifest,
  options: LateOptions,
): Promise<TaskState[]> {
  const paths = runPaths(directory, manifest.spec.format);
  const look = (): TaskState[] => readTaskStates(directory, manifest);
  const isSeen = (states: readonly TaskState[]): boolean => {
    if (states.every(({ status }) => status === 'complete')) return true;
    const files = recordedFiles(readJournals(paths));
    return states.every(({ index, status }) => status === 'complete' || !files.has(index));
  };
  return lookAgain(directory, { ...options, look, isSeen, what: 'the files of finished tasks' });
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
 * The manifest of a run directory; waited for where the directory holds other files of a run.
 * @param onDamage called where it is damaged, and its copy was read
 */
export async function awaitManifest(
  directory: string,
  options: LateOptions,
  onDamage?: (text: string) => void,
): Promise<Manifest | undefined> {
  const { manifest } = runPaths(directory);
  const look = (): Promise<Manifest | undefined> => readManifest(manifest, onDamage);
  const first = await look();
  if (first !== undefined || !holdsRun(directory)) return first;
  const isSeen = (found: Manifest | undefined): boolean => found !== undefined;
  return lookAgain(directory, { ...options, look, isSeen, what: 'sweep.json' });
}

// --- internal ---

interface LookOptions<T> extends LateOptions {
  readonly look: () => T | Promise<T>;
  readonly isSeen: (found: T) => boolean;
  /** What is waited for, in words. */
  readonly what: string;
}

/** Looks with growing gaps until what must be there is seen, or the time is over. */
async function lookAgain<T>(
  directory: string,
  { latencyMs, onNotice, signal, look, isSeen, what }: LookOptions<T>,
): Promise<T> {
  const startMs = performance.now();
  let gapMs = FIRST_GAP_MS;
  for (let tries = 0; ; tries++) {
    const found = await look();
    if (isSeen(found) || signal?.aborted === true) return found;
    const leftMs = fileLatencyMs(directory, latencyMs) - (performance.now() - startMs);
    if (leftMs <= 0) return found;
    if (tries === 0)
      onNotice?.(
        `Waiting up to ${String(Math.ceil(leftMs / 1000))} s for ${what} to show up in ${directory} (--fs-latency).`,
      );
    await setTimeout(Math.min(gapMs, leftMs));
    gapMs = Math.min(gapMs * 2, LONGEST_GAP_MS);
  }
}

function holdsRun(directory: string): boolean {
  try {
    return readdirSync(directory).some((name) => isRunFile(name) || name === 'lock' || name === 'sweep.json');
  } catch {
    // No folder holds no run.
    return false;
  }
}
