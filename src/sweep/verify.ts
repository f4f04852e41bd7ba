import { readdirSync } from 'node:fs';
import { atWork } from '../run/at-work.js';
import { lookAgain, type LateOptions } from '../run/look-again.js';
import type { Manifest } from '../run/manifest.js';
import { runPaths } from '../run/paths.js';
import { isComputed, readTaskStates } from '../run/task-state.js';
import { checkCopies } from './verify-copies.js';
import {
  checkJournals,
  checkParts,
  checkResult,
  checkTasks,
  strayTasks,
  type Problem,
} from './verify-files.js';
import { requireManifest } from './existing-run.js';

/** What a check of all files of a run has found. */
export interface Verification {
  readonly directory: string;
  readonly manifest: Manifest;
  /** A coordinator or an element that is at work, so that files change while they are read. */
  readonly running?: { readonly host: string; readonly pid: number };
  /** How many tasks have all their lines, and how many lines the others have so far. */
  readonly complete: number;
  readonly lines: number;
  /** How many of those are of points that failed, and stand in no file of a task that is complete. */
  readonly failed: number;
  readonly problems: readonly Problem[];
  /** True where every task has been finished, whatever became of its file. */
  readonly wasComplete: boolean;
}

/**
 * Holds every file of a run against the manifest and the records of the processes that wrote it; again, where there is a
 * problem that may only be seen late. Computes and writes nothing, and takes no lock.
 * @throws FanfoldError where there is no run, or its manifest and the copy of it are damaged both
 */
export function verifyRun(directory: string, late: LateOptions = {}): Promise<Verification> {
  return lookAgain(directory, {
    ...late,
    look: () => lookThrough(directory, late),
    isSeen: ({ problems, running }) => problems.length === 0 || running !== undefined,
    what: 'what is missing or not as it was recorded',
  });
}

// --- internal ---

async function lookThrough(directory: string, late: LateOptions): Promise<Verification> {
  const manifest = await requireManifest(directory, undefined, late);
  const paths = runPaths(directory, manifest.spec.format);
  const names = new Set(readdirSync(directory));
  const running = atWork(paths);
  const states = readTaskStates(directory, manifest);
  const tasks = checkTasks(paths, manifest, names);
  const damaged = new Set(tasks.problems.map(({ task }) => task));
  const isFilled = (task: number): boolean => manifest.proof?.tasks[task]?.isFilled === true;
  const wasComplete = states.every(
    (state) => isComputed(state) || damaged.has(state.index) || isFilled(state.index),
  );
  const problems: Problem[] = [
    ...checkCopies(paths, manifest),
    ...tasks.problems,
    ...strayTasks(paths, manifest, names).map((file): Problem => ({
      file,
      kind: 'foreign',
      text: 'no task of this run has such a file',
    })),
    // A process may be at the last block of a part.
    ...(running === undefined ? checkParts(paths, states) : []),
    ...checkJournals(paths, manifest, {
      isBegun: states.some(({ status }) => status !== 'waiting'),
      hasFailed: states.some(({ failed }) => failed > 0),
      isRunning: running !== undefined,
    }),
    ...checkResult(paths, manifest, wasComplete),
  ];
  return {
    directory: paths.directory,
    manifest,
    ...(running === undefined ? {} : { running }),
    complete: tasks.complete,
    lines: states.reduce((sum, { lines }) => sum + lines, 0),
    failed: states.reduce((sum, { failed }) => sum + failed, 0),
    problems,
    wasComplete,
  };
}
