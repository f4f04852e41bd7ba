import { createReadStream, existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { layoutOfRun } from '../fold-layout.js';
import { cellsOf, type Layout } from '../format/layout.js';
import { readRow } from '../format/read-row.js';
import type { Scalar } from '../format/value.js';
import type { Manifest } from '../run/manifest.js';
import { runPaths } from '../run/paths.js';
import { readEvents } from '../run/records.js';
import { isFailedLine } from '../run/slice-file.js';
import { sliceOf } from '../slicing.js';
import type { Point, Space } from '../space/space.js';

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
  const layout = layoutOfRun(readEvents(paths.events).records, manifest);
  if (layout === undefined) return;
  const columns = [
    ...space.axes.map(({ values }) => values.dtype),
    ...layout.columns.map(({ dtype }) => dtype),
  ];
  for (let task = 0; task < tasks; task++) {
    let index = sliceOf(points, tasks, spec.slicing, task).start;
    const path = [paths.task(task), paths.part(task)].find((file) => existsSync(file));
    if (path === undefined) continue;
    for await (const line of createInterface({
      input: createReadStream(path, 'utf8'),
      crlfDelay: Infinity,
    })) {
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
  const layout = layoutOfRun(readEvents(runPaths(directory, manifest.spec.format).events).records, manifest);
  const names = layout?.columns.map(({ name }) => name) ?? [];
  const columns = new Map<string, Scalar[]>(
    [...space.axes.map(({ name }) => name), ...names].map((name) => [name, []]),
  );
  for await (const { point, result } of readResults(directory, manifest, space)) {
    for (const { name } of space.axes) columns.get(name)?.push(point[name] ?? NaN);
    cellsOf(result, layout as Layout).forEach((cell, index) => {
      columns.get(names[index] ?? '')?.push(cell as Scalar);
    });
  }
  return Object.fromEntries(columns);
}

// --- internal ---

function shape(cells: Scalar[], { kind, columns }: Layout): Row['result'] {
  if (kind === 'vector') return cells;
  if (kind === 'scalar') return cells[0] as Scalar;
  return Object.fromEntries(columns.map(({ name }, index) => [name, cells[index] as Scalar]));
}
