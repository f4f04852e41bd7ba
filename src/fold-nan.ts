import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { FanfoldError } from './errors.js';
import { hasNan, mayHoldNan, type RowFormat } from './fold-rows.js';
import type { Layout } from './format/layout.js';
import { rowWriter } from './format/row.js';
import type { collectRanges } from './run/index-ranges.js';
import type { Manifest } from './run/manifest.js';
import { runPaths, taskFiles, type RunPaths } from './run/paths.js';
import type { FileRecord } from './run/proof.js';
import { readRetried } from './run/retried.js';
import { believedLines } from './run/slice-file.js';
import { isFailedLine } from './run/whole-lines.js';
import { needsPoints, spaceFrom } from './space/definition.js';
import { parsePoints } from './space/points-columns.js';

/** Gives the row of a failed point: its parameters, and nan in every column of the result. */
export type NanRow = (index: number) => string;

/**
 * A maker of the rows of failed points.
 * @throws FanfoldError where no point has a result, so that nobody knows its columns
 */
export function nanRowsOf(directory: string, manifest: Manifest, layout: Layout | undefined): NanRow {
  const { spec, wholeNumbers } = manifest;
  const paths = runPaths(directory, spec.format);
  if (layout === undefined) {
    throw new FanfoldError(
      'FANFOLD_INCOMPLETE',
      `Expected at least one point of ${paths.directory} to have a result, but there is none: its columns are not known, so that none can be filled with nan. Mend the worker, then fanfold retry.`,
      { exitCode: 1 },
    );
  }
  const points = needsPoints(spec.space) ? parsePoints(readFileSync(paths.points, 'utf8')) : undefined;
  const space = spaceFrom(spec.space, points);
  const axes = space.axes.map(({ name, values }) => ({ name, dtype: values.dtype }));
  // Of whatever type a column is, nan is written as in one of floats.
  const columns = layout.columns.map(({ name }) => ({ name, dtype: 'float64' as const }));
  const rows = rowWriter({ format: spec.format, axes, layout: { ...layout, columns }, wholeNumbers });
  const result = nanResult(layout);
  return (index) => rows.write(space.values(index), result);
}

export interface FillOptions {
  /** The points whose rows the part holds. */
  readonly start: number;
  readonly stop: number;
  readonly write: (bytes: Buffer) => void;
  readonly rows: RowFormat;
  readonly nanRow: NanRow;
  readonly failed: ReturnType<typeof collectRanges>;
  readonly nan: ReturnType<typeof collectRanges>;
}

/**
 * Copies the lines of a task that has failed points, with rows of nan in their places, or those that a retry has left for them.
 * @returns what was written; fewer lines than the task has points where some are not computed
 */
export function copyFilled(paths: RunPaths, task: number, options: FillOptions): FileRecord {
  const { start, stop, write } = options;
  const retried = readRetried(paths.retried(task));
  const hash = createHash('sha256');
  let lines = 0;
  let size = 0;
  for (const block of believedLines(taskFiles(paths, task), { start, stop, hasLayout: true })) {
    const bytes =
      block.failed > 0 || mayHoldNan(block.bytes, options.rows)
        ? fill(block.bytes, start + lines, { ...options, retried })
        : block.bytes;
    write(bytes);
    hash.update(bytes);
    lines += block.lines;
    size += bytes.length;
  }
  return { lines, bytes: size, sha256: hash.digest('hex') };
}

// --- internal ---

interface FillBlockOptions extends FillOptions {
  /** New lines of points that failed before. */
  readonly retried: ReadonlyMap<number, string>;
}

/** @param first index of the point of the block's first line */
function fill(
  block: Buffer,
  first: number,
  { rows, nanRow, failed, nan, retried }: FillBlockOptions,
): Buffer {
  const lines = block.toString('utf8').split('\n').slice(0, -1);
  const filled = lines.map((found, place) => {
    const index = first + place;
    const line = isFailedLine(found) ? (retried.get(index)?.slice(0, -1) ?? found) : found;
    if (isFailedLine(line)) {
      failed.add(index);
      nan.add(index);
      return nanRow(index);
    }
    if (mayHoldNan(line, rows) && hasNan(line, rows)) nan.add(index);
    return `${line}\n`;
  });
  return Buffer.from(filled.join(''));
}

function nanResult({ kind, columns }: Layout): number | number[] | Record<string, number> {
  if (kind === 'scalar') return NaN;
  if (kind === 'vector') return columns.map(() => NaN);
  return Object.fromEntries(columns.map(({ name }) => [name, NaN]));
}
