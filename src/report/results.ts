import { closeSync, createReadStream, existsSync, type ReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { lostColumns } from '../fold-layout.js';
import { cellsOf, type Layout } from '../format/layout.js';
import { readRow } from '../format/read-row.js';
import type { Scalar } from '../format/value.js';
import { layoutOfRun } from '../run/layouts.js';
import type { Manifest } from '../run/manifest.js';
import { believe } from '../run/part.js';
import { runPaths, type RunPaths } from '../run/paths.js';
import { readEvents } from '../run/records.js';
import { readRetried } from '../run/retried.js';
import { isFailedLine, openIfThere } from '../run/whole-lines.js';
import { sliceOf, type Slice } from '../slicing.js';
import { valueIn, type Point, type Space } from '../space/space.js';

/** One computed point. */
export interface Row {
  readonly index: number;
  readonly point: Point;
  /** As the worker returned it: a scalar, an array, or an object of named columns. */
  readonly result: Scalar | Scalar[] | Record<string, Scalar>;
}

/** The computed points of a run in order, failed and missing ones left out; read as they are asked for. */
export async function* readResults(directory: string, manifest: Manifest, space: Space): AsyncGenerator<Row> {
  const { spec, points, tasks } = manifest;
  const paths = runPaths(directory, spec.format);
  const layout = layoutOfRun(readEvents(paths), manifest);
  if (layout === undefined) {
    if (Array.from({ length: tasks }, (_, task) => paths.task(task)).some((path) => existsSync(path)))
      throw lostColumns(paths.directory);
    return;
  }
  const columns = [
    ...space.axes.map(({ values }) => values.dtype),
    ...layout.columns.map(({ dtype }) => dtype),
  ];
  for (let task = 0; task < tasks; task++) {
    const slice = sliceOf(points, tasks, spec.slicing, task);
    // First, for a host puts the lines into the part before it removes this.
    const retried = readRetried(paths.retried(task));
    const input = openTask(paths, task, slice);
    if (input === undefined) continue;
    let index = slice.start;
    for await (const found of createInterface({ input, crlfDelay: Infinity })) {
      const line = isFailedLine(found) ? (retried.get(index)?.slice(0, -1) ?? found) : found;
      if (!isFailedLine(line)) {
        const cells = readRow(line, spec.format, columns).slice(space.axes.length);
        yield { index, point: space.point(index), result: shape(cells, layout) };
      }
      index++;
    }
  }
}

/** Each parameter and each result column as an array, in the order of the points. */
export async function readColumns(
  directory: string,
  manifest: Manifest,
  space: Space,
): Promise<Record<string, Scalar[]>> {
  const layout = layoutOfRun(readEvents(runPaths(directory, manifest.spec.format)), manifest);
  const names = layout?.columns.map(({ name }) => name) ?? [];
  const columns = new Map<string, Scalar[]>(
    [...space.axes.map(({ name }) => name), ...names].map((name) => [name, []]),
  );
  for await (const { point, result } of readResults(directory, manifest, space)) {
    for (const { name } of space.axes) columns.get(name)?.push(valueIn(point, name) ?? NaN);
    cellsOf(result, layout as Layout).forEach((cell, index) => {
      columns.get(names[index] ?? '')?.push(cell as Scalar);
    });
  }
  return Object.fromEntries(columns);
}

// --- internal ---

/** The lines of a task as far as they are believed. */
function openTask(paths: RunPaths, task: number, slice: Slice): ReadStream | undefined {
  if (existsSync(paths.task(task))) return createReadStream(paths.task(task), 'utf8');
  const part = paths.part(task);
  // Opened once: whoever goes on with the task gives the part a new file.
  const fd = openIfThere(part);
  if (fd === undefined) return undefined;
  const { bytes } = believe(fd, paths.check(task), { ...slice, hasLayout: true });
  if (bytes > 0) return createReadStream(part, { fd, encoding: 'utf8', start: 0, end: bytes - 1 });
  closeSync(fd);
  return undefined;
}

function shape(cells: Scalar[], { kind, columns }: Layout): Row['result'] {
  if (kind === 'vector') return cells;
  if (kind === 'scalar') return cells[0] as Scalar;
  return Object.fromEntries(columns.map(({ name }, index) => [name, cells[index] as Scalar]));
}
