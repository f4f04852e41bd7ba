import { hostname } from 'node:os';
import { basename } from 'node:path';
import { someOf } from '../format/some-of.js';
import { failedPoints } from '../run/failed-points.js';
import { lockHolder } from '../run/lock.js';
import type { Manifest } from '../run/manifest.js';
import { runPaths } from '../run/paths.js';
import { shortHash } from '../run/spec.js';
import { readTaskStates, type TaskState } from '../run/task-state.js';
import { isFolded } from '../fold-state.js';
import { commandFor, describeWorker, shortPath } from './command-line.js';
import { count, thousands } from './duration.js';

/** How a run stands, from its directory. */
export interface Status {
  readonly directory: string;
  readonly hash: string;
  readonly worker: string;
  readonly points: { readonly total: number; readonly done: number; readonly failed: number };
  readonly tasks: {
    readonly total: number;
    readonly complete: number;
    readonly partial: number;
    readonly waiting: number;
  };
  /** Names of task files that are not as they were recorded, by their lengths or, where they were written to since, their hashes. */
  readonly changed: readonly string[];
  /** Names of task files that no process of this run is known to have finished. */
  readonly foreign: readonly string[];
  /** The coordinator at work on it now. */
  readonly running?: { readonly host: string; readonly pid: number };
  readonly state: 'complete' | 'running' | 'failed' | 'incomplete';
  readonly result?: string;
  readonly failedPoints: readonly number[];
}

/**
 * Reads how a run stands; writes nothing.
 * @param options.isQueued whether a scheduler has jobs of it
 */
export function readStatus(
  directory: string,
  manifest: Manifest,
  { isQueued = false }: { isQueued?: boolean } = {},
): Status {
  const paths = runPaths(directory, manifest.spec.format);
  const states = readTaskStates(directory, manifest, { readsTouched: true });
  const number = (wanted: TaskState['status']): number =>
    states.filter(({ status }) => status === wanted).length;
  const named = (wanted: TaskState['status']): string[] =>
    states.filter(({ status }) => status === wanted).map(({ index }) => basename(paths.task(index)));
  const lines = states.reduce((sum, state) => sum + state.lines, 0);
  const failed = failedPoints(directory, manifest, states).map(({ index }) => index);
  const running = lockHolder(paths.lock);
  const hasResult = isFolded(directory, manifest);
  const isFilled = hasResult && (manifest.proof?.failed.count ?? 0) > 0;
  const isComplete = number('complete') === manifest.tasks && hasResult && !isFilled;
  return {
    directory: paths.directory,
    hash: manifest.hash,
    worker: describeWorker(manifest.spec),
    points: { total: manifest.points, done: lines - failed.length, failed: failed.length },
    tasks: {
      total: manifest.tasks,
      complete: number('complete'),
      partial: number('partial'),
      waiting: number('waiting') + number('foreign'),
    },
    changed: named('changed'),
    foreign: named('foreign'),
    ...(running === undefined ? {} : { running: { host: running.host, pid: running.pid } }),
    state: isComplete
      ? 'complete'
      : running !== undefined || isQueued
        ? 'running'
        : lines === manifest.points && failed.length > 0
          ? 'failed'
          : 'incomplete',
    ...(isComplete || isFilled ? { result: paths.result } : {}),
    failedPoints: failed,
  };
}

/** A status in a few lines for a person. */
export function describeStatus(status: Status): string {
  const { points, tasks, changed, foreign, running, directory, state } = status;
  const lines = [
    `${shortPath(directory)}: ${state} (worker ${status.worker}, spec ${shortHash(status.hash)})`,
    `points: ${thousands(points.done)} of ${thousands(points.total)} done, ${String(points.failed)} failed`,
    `tasks: ${String(tasks.complete)} of ${String(tasks.total)} complete, ${String(tasks.partial)} begun, ${String(tasks.waiting)} waiting${changed.length > 0 ? `, ${String(changed.length)} changed` : ''}`,
  ];
  if (running !== undefined)
    lines.push(
      `at work: process ${String(running.pid)} on ${running.host === hostname() ? 'this host' : running.host}`,
    );
  if (status.result !== undefined)
    lines.push(
      `result: ${shortPath(status.result)}${state === 'complete' ? '' : `, with nan for the ${count(points.failed, 'failed point')}`}`,
    );
  if (foreign.length > 0 && state !== 'running')
    lines.push(`not of this run: ${someOf(foreign)}; set aside when it goes on`);
  if (state === 'failed')
    lines.push(`retry the ${count(points.failed, 'failed point')} with: ${commandFor('retry', directory)}`);
  if (changed.length > 0)
    lines.push(
      `changed since finished: ${someOf(changed)}; to put back or compute again: ${commandFor('verify', directory)} --repair`,
    );
  else if (state === 'incomplete') lines.push(`go on with: ${commandFor('resume', directory)}`);
  return lines.join('\n');
}
