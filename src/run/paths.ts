import { join, resolve } from 'node:path';
import type { Format } from '../format/cell.js';
import type { TaskFiles } from './part.js';

/** The newest layout of the run directory that this program knows. */
export const MANIFEST_VERSION = 1;

/** Every file of a run directory; no other module builds such a name. */
export interface RunPaths {
  readonly directory: string;
  readonly manifest: string;
  /** The same again, for where the manifest is damaged or lost. */
  readonly manifestCopy: string;
  readonly lock: string;
  /** A request to end. */
  readonly stop: string;
  /** Where each element of a batch job has a folder of its own. */
  readonly elements: string;
  /** The element whose journals and lock these are; undefined for those of the run itself. */
  readonly element: number | undefined;
  /** The script of the batch job, and that of the job which folds after it. */
  readonly jobScript: string;
  readonly foldScript: string;
  readonly points: string;
  /** The worker and what it imports of the user's files, as one module. */
  readonly workerModule: string;
  readonly failures: string;
  readonly events: string;
  readonly logs: string;
  /** What a coordinator without a terminal says. */
  readonly coordinatorLog: string;
  /** Where commands have a folder for each point in hand. */
  readonly scratch: string;
  readonly result: string;
  task(index: number): string;
  part(index: number): string;
  /** What the part holds, block by block: bytes and crc32. */
  check(index: number): string;
  /** Lines of failed points that were computed again, until they take their places in the part. */
  retried(index: number): string;
  log(index: number): string;
}

/**
 * The paths of the run in `directory`, whose files are named after the format.
 * @param element number of the element that uses them: its journals, lock and requests are its own, for files to which
 * several machines append are not to be relied on
 */
export function runPaths(directory: string, format: Format = 'txt', element?: number): RunPaths {
  const root = resolve(directory);
  const inRun = (name: string): string => join(root, name);
  const elements = inRun('elements');
  const own = element === undefined ? root : join(elements, String(element));
  return {
    directory: root,
    manifest: inRun('sweep.json'),
    manifestCopy: inRun('sweep.json.copy'),
    lock: join(own, 'lock'),
    stop: join(own, 'stop'),
    elements,
    element,
    jobScript: inRun('job.sh'),
    foldScript: inRun('fold.sh'),
    points: inRun('points.json'),
    workerModule: inRun('worker.mjs'),
    failures: join(own, 'failures.jsonl'),
    events: join(own, 'events.jsonl'),
    logs: inRun('logs'),
    coordinatorLog: join(root, 'logs', 'coordinator.log'),
    scratch: inRun('scratch'),
    result: inRun(`result.${format}`),
    task: (index) => inRun(taskName(index, format)),
    part: (index) => inRun(`${taskName(index, format)}.part`),
    check: (index) => inRun(`${taskName(index, format)}.part.check`),
    retried: (index) => inRun(`${taskName(index, format)}.part.retried`),
    log: (index) => join(root, 'logs', `task_index=${String(index)}.log`),
  };
}

/** The files of a task under way, and its place when it is finished. */
export function taskFiles(paths: RunPaths, index: number): TaskFiles {
  return { part: paths.part(index), check: paths.check(index), final: paths.task(index) };
}

/** The folder of one point in a run's scratch folder. */
export function pointFolder(scratch: string, index: number): string {
  return join(scratch, `point=${String(index)}`);
}

/** True for the name of a point's folder in the scratch folder. */
export function isPointFolder(name: string): boolean {
  return /^point=\d+$/.test(name);
}

/** True for the name of a file that a run writes beside its manifest and lock: what one run must not leave to another. */
export function isRunFile(name: string): boolean {
  return (
    /^task_index=\d+\.(?:txt|csv|jsonl)(?:\.part(?:(?:\.check)?(?:\.\d+)?|\.retried))?$/.test(name) ||
    /^result\.(?:txt|csv|jsonl)(?:\.tmp-\d+)?$/.test(name) ||
    /^(?:failures|events)\.jsonl$/.test(name)
  );
}

// --- internal ---

function taskName(index: number, format: Format): string {
  return `task_index=${String(index)}.${format}`;
}
