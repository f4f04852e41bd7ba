import { cellWriter, type CellWriter, type Format, type Seen, type WholeNumbers } from './cell.js';
import { cellsOf, type Column, type Layout } from './layout.js';
import { quoteCsv, quoteJson, quoteWord } from './quote.js';
import type { Value } from './value.js';

/** guan's separator, and what it leaves at the end of a row that holds a vector. */
const SEPARATOR = '   ';

/** Everything that fixes the bytes of a row. */
export interface RowStyle {
  readonly format: Format;
  /** The sweep's axes, one column each, in order. */
  readonly axes: readonly Column[];
  readonly layout: Layout;
  readonly wholeNumbers: WholeNumbers;
}

/** Sorts of numbers, by column. */
export type Numbers = Readonly<Record<string, 'whole' | 'fraction' | 'both'>>;

/** Writes points and their results as lines. */
export interface RowWriter {
  /**
   * One line, with its newline.
   * @throws ResultError where the result doesn't fit the layout
   */
  write(values: readonly (Value | undefined)[], result: unknown): string;
  /** Which numbers the undeclared columns have held: whole ones, written `1`, fractions, written `0.5`, or both. */
  numbers(): Numbers;
}

export function rowWriter(style: RowStyle): RowWriter {
  const columns = [...style.axes, ...style.layout.columns];
  const seen: Seen[] = columns.map(() => ({ whole: false, fraction: false }));
  const cells = columns.map((column, index) =>
    cellWriter(column, style.format, style.wholeNumbers, seen[index] as Seen),
  );
  return {
    write: lineWriter(cells, columns, style),
    numbers: () => numbersOf(columns, seen),
  };
}

/** The line of column names: `# x y` for txt, RFC 4180 for csv, none for jsonl. */
export function headerLine({ format, axes, layout }: Pick<RowStyle, 'format' | 'axes' | 'layout'>): string {
  const names = [...axes, ...layout.columns].map(({ name }) => name);
  if (format === 'jsonl') return '';
  if (format === 'txt') return `# ${names.map(quoteWord).join(' ')}\n`;
  return `${names.map(quoteCsv).join(',')}\n`;
}

// --- internal ---

function numbersOf(columns: readonly Column[], seen: readonly Seen[]): Numbers {
  const entries = columns.map(({ name }, index) => {
    const { whole = false, fraction = false } = seen[index] ?? {};
    return [name, whole && fraction ? 'both' : whole ? 'whole' : fraction ? 'fraction' : undefined] as const;
  });
  return Object.fromEntries(entries.filter(([, sort]) => sort !== undefined)) as Numbers;
}

function lineWriter(
  cells: readonly CellWriter[],
  columns: readonly Column[],
  style: RowStyle,
): RowWriter['write'] {
  switch (style.format) {
    case 'txt':
      return textRow(cells, style);
    case 'csv':
      return joinedRow(cells, style, (texts) => `${texts.join(',')}\n`);
    case 'jsonl': {
      const keys = columns.map(({ name }) => `${quoteJson(name)}:`);
      return joinedRow(
        cells,
        style,
        (texts) => `{${texts.map((text, index) => `${keys[index] ?? ''}${text}`).join(',')}}\n`,
      );
    }
  }
}

function textRow(cells: readonly CellWriter[], { axes, layout }: RowStyle): RowWriter['write'] {
  const [first, second] = cells;
  const end = layout.kind === 'vector' ? `${SEPARATOR}\n` : '\n';
  // One axis and one number is the commonest sweep by far; this path makes no arrays.
  if (first !== undefined && second !== undefined && cells.length === 2 && layout.kind === 'scalar') {
    return (values, result) =>
      typeof result === 'number'
        ? `${first(values[0])}${SEPARATOR}${second(result)}\n`
        : `${first(values[0])}${SEPARATOR}${second(cellsOf(result, layout)[0])}\n`;
  }
  const axisCount = axes.length;
  return (values, result) => {
    const results = cellsOf(result, layout);
    let line = '';
    for (let index = 0; index < cells.length; index++) {
      const value = index < axisCount ? values[index] : required(results[index - axisCount]);
      if (index > 0) line += SEPARATOR;
      line += (cells[index] as CellWriter)(value);
    }
    return line + end;
  };
}

function joinedRow(
  cells: readonly CellWriter[],
  { axes, layout }: RowStyle,
  join: (texts: readonly string[]) => string,
): RowWriter['write'] {
  return (values, result) => {
    const results = cellsOf(result, layout);
    return join(
      cells.map((cell, index) =>
        cell(index < axes.length ? values[index] : required(results[index - axes.length])),
      ),
    );
  };
}

/** Only a parameter may be missing; an undefined result must not print as one. */
function required(value: unknown): unknown {
  return value === undefined ? null : value;
}
