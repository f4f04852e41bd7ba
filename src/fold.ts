import { createHash } from 'node:crypto';
import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { FanfoldError, systemCode } from './errors.js';
import { describeLayout, sameLayout, type Layout } from './format/layout.js';
import { headerLine } from './format/row.js';
import { writeAll, writeAtomically } from './run/atomic-file.js';
import type { Manifest } from './run/manifest.js';
import { runPaths, type RunPaths } from './run/paths.js';
import { readEvents, type RunEvent, type TaskEnd } from './run/records.js';
import { lastEnds } from './run/task-state.js';
import { sliceOf } from './slicing.js';

const COPY_BYTES = 1 << 20;
const NO_RESULTS: Layout = { kind: 'scalar', columns: [] };

/**
 * Concatenates the task files that the manifest names, in index order and constant memory, into the result file, which
 * appears by rename. Each file is held against the number of lines, the bytes and the hash that its host recorded.
 * @returns the path of the result
 * @throws FanfoldError where a task is not complete, a file was changed, or tasks have different columns
 */
export function fold(directory: string, manifest: Manifest): string {
  const paths = runPaths(directory, manifest.spec.format);
  const events = readEvents(paths.events).records;
  const ends = lastEnds(events);
  const header = manifest.header ? headerOf(manifest, events, paths.directory) : '';
  checkLayouts(events);
  writeAtomically(paths.result, (output) => {
    writeAll(output, Buffer.from(header));
    const buffer = Buffer.allocUnsafe(COPY_BYTES);
    for (let index = 0; index < manifest.tasks; index++) {
      appendTask(output, paths.task(index), {
        buffer,
        end: ends.get(index),
        lines: linesOf(manifest, index),
      });
    }
  });
  return paths.result;
}

/** True where the result file is there, with as many bytes as the fold would give it. */
export function isFolded(directory: string, manifest: Manifest): boolean {
  const paths = runPaths(directory, manifest.spec.format);
  const events = readEvents(paths.events).records;
  const ends = lastEnds(events);
  if (manifest.header && manifest.points > 0 && layoutOfRun(events) === undefined) return false;
  let bytes = manifest.header ? Buffer.byteLength(headerOf(manifest, events, paths.directory)) : 0;
  for (let index = 0; index < manifest.tasks; index++) bytes += ends.get(index)?.file?.bytes ?? NaN;
  return sizeOf(paths) === bytes;
}

/** The layout of a run's results, once a point is computed. Every record of a complete task has it too. */
export function layoutOfRun(events: readonly RunEvent[]): Layout | undefined {
  const [first] = tellingLayout(events);
  return first?.layout;
}

// --- internal ---

function* tellingLayout(events: readonly RunEvent[]): Generator<{ task: number; layout: Layout }> {
  for (const event of events) {
    if (event.event !== 'layout' && event.event !== 'end') continue;
    const { task, layout } = event;
    if (layout !== undefined) yield { task, layout };
  }
}

function linesOf({ points, tasks, spec }: Manifest, index: number): number {
  const { start, stop } = sliceOf(points, tasks, spec.slicing, index);
  return stop - start;
}

function appendTask(
  output: number,
  path: string,
  { buffer, end, lines }: { buffer: Buffer; end: TaskEnd | undefined; lines: number },
): void {
  const recorded = end?.file;
  const input = openTask(path);
  try {
    const hash = createHash('sha256');
    let bytes = 0;
    for (;;) {
      const read = readSync(input, buffer, 0, buffer.length, null);
      if (read === 0) break;
      const block = buffer.subarray(0, read);
      hash.update(block);
      writeAll(output, block);
      bytes += read;
    }
    if (recorded?.lines !== lines || recorded.bytes !== bytes || recorded.sha256 !== hash.digest('hex')) {
      throw new FanfoldError(
        'FANFOLD_DAMAGED',
        `Expected ${path} to hold the ${String(lines)} lines that were computed, but it was changed since. Restore it, or remove it and resume, which computes that task again.`,
        { exitCode: 1 },
      );
    }
  } finally {
    closeSync(input);
  }
}

function openTask(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
    throw new FanfoldError(
      'FANFOLD_INCOMPLETE',
      `Expected every task to be complete, but ${basename(path)} is not there${existsSync(`${path}.part`) ? ', only its part: points failed or are missing' : ''}. fanfold status ${dirname(path)} tells what to do.`,
      { exitCode: 1 },
    );
  }
}

/** Tasks that began at the same time could not know of each other's columns. */
function checkLayouts(events: readonly RunEvent[]): void {
  const layouts = [...tellingLayout(events)];
  const [first] = layouts;
  const other = layouts.find(({ layout }) => first !== undefined && !sameLayout(first.layout, layout));
  if (first === undefined || other === undefined) return;
  throw new FanfoldError(
    'FANFOLD_COLUMNS',
    `Expected every result to have the same columns, got ${describeLayout(first.layout)} in task ${String(first.task)} and ${describeLayout(other.layout)} in task ${String(other.task)}. Let the worker always return the same columns in the same order, or declare them, and start anew with --force.`,
    { exitCode: 1 },
  );
}

/** @throws FanfoldError where no record of the columns is left */
function headerOf({ spec, points }: Manifest, events: readonly RunEvent[], directory: string): string {
  const layout = layoutOfRun(events) ?? (points === 0 ? NO_RESULTS : undefined);
  if (layout === undefined) {
    throw new FanfoldError(
      'FANFOLD_DAMAGED',
      `Expected events.jsonl in ${directory} to name the columns of the results, which the header needs, but no record of them is left whole. Remove any one task file and resume: computing it again records them.`,
      { exitCode: 1 },
    );
  }
  return headerLine({ format: spec.format, axes: spec.space.groups.flat(), layout });
}

function sizeOf(paths: RunPaths): number | undefined {
  try {
    return statSync(paths.result).size;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
