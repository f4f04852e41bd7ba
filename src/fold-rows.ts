import type { Format } from './format/cell.js';
import type { Layout } from './format/layout.js';
import { readRow } from './format/read-row.js';
import { isComplex } from './format/value.js';
import { readWholeLines } from './run/whole-lines.js';

const NEWLINE = 10;
const NAN = 'nan';

/** What rows look like. */
export interface RowFormat {
  readonly format: Format;
  /** Number of parameters, whose cells come first. */
  readonly axes: number;
  readonly layout: Layout | undefined;
}

/** False where no result column can hold a nan. */
export function canHoldNan({ layout }: RowFormat): boolean {
  return layout?.columns.some(({ dtype = 'float64' }) => ['float64', 'complex128'].includes(dtype)) === true;
}

/** True where bytes hold the word that a row with a nan has. */
export function mentionsNan(bytes: Buffer): boolean {
  return bytes.includes(NAN);
}

/** True for rows that may have a nan in a result column. */
export function mayHoldNan(lines: Buffer | string, rows: RowFormat): boolean {
  return canHoldNan(rows) && lines.includes(NAN);
}

/** How many bytes of a block a search of the next one must look at again. */
export const NAN_OVERLAP = NAN.length - 1;

/** The places, from 0, of the rows of a file that have a nan in a result column. */
export function* nanRows(path: string, rows: RowFormat): Generator<number> {
  let first = 0;
  for (const { bytes, lines } of readWholeLines(path, 0)) {
    let line = first;
    let counted = 0;
    for (let at = bytes.indexOf(NAN); at >= 0;) {
      line += countNewlines(bytes, counted, at);
      counted = at;
      const end = bytes.indexOf(NEWLINE, at);
      if (hasNan(bytes.toString('utf8', bytes.lastIndexOf(NEWLINE, at) + 1, end), rows)) yield line;
      at = bytes.indexOf(NAN, end);
    }
    first += lines;
  }
}

/** True for a row that has a nan in a result column. */
export function hasNan(line: string, { format, axes, layout }: RowFormat): boolean {
  // Parameters are left out of the search, so their type is of no matter.
  const parameters = Array<'string'>(axes).fill('string');
  const results = layout?.columns.map(({ dtype }) => dtype) ?? [];
  const cells = readRow(line, format, [...parameters, ...results]).slice(axes);
  return cells.some((cell) =>
    isComplex(cell) ? Number.isNaN(cell.re) || Number.isNaN(cell.im) : Number.isNaN(cell),
  );
}

// --- internal ---

function countNewlines(bytes: Buffer, from: number, to: number): number {
  let count = 0;
  for (let index = from; index < to; index++) if (bytes[index] === NEWLINE) count++;
  return count;
}
