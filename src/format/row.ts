import { cellWriter, type CellWriter, type Format, type Seen, type WholeNumbers } from './cell.js';
import { cellsOf, dtypeOfArray, ResultError, type Column, type Layout } from './layout.js';
import { quoteCsv, quoteJson, quoteWord } from './quote.js';
import type { Dtype, Value } from './value.js';

/** guan's separator, and what it leaves at the end of a row that holds a vector. */
const SEPARATOR = '   ';

/** Everything that fixes the bytes of a row. */
export interface RowStyle {
  readonly format: Format;
  /** The sweep's axes, one column each, in order. */
  readonly axes: readonly AxisColumn[];
  readonly layout: Layout;
  readonly wholeNumbers: WholeNumbers;
}

export interface AxisColumn extends Column {
  /** The worker's own default may stand here, which needn't be of the column's type. */
  readonly mayBeDefault?: boolean;
}

/** Sorts of numbers, by column. */
export type Numbers = Readonly<Record<string, 'whole' | 'fraction' | 'both'>>;

/** Takes whole lines. */
export interface RowSink {
  text(line: string): void;
  /** The line of two safe integers, the commonest by far, without the detour over a string. */
  integers(x: number, separator: string, y: number): void;
}

/** Writes points and their results as lines. */
export interface RowWriter {
  /**
   * Gives the line to a sink.
   * @throws ResultError where the result doesn't fit the layout; nothing is given then
   */
  append(sink: RowSink, values: readonly (Value | undefined)[], result: unknown): void;
  /**
   * One line, with its newline.
   * @throws ResultError where the result doesn't fit the layout
   */
  write(values: readonly (Value | undefined)[], result: unknown): string;
  /** Which numbers the undeclared columns have held: whole ones, written `1`, fractions, written `0.5`, or both. */
  numbers(): Numbers;
  /** How many values of each result column were nan, where any were. */
  nans(): Readonly<Record<string, number>>;
}

export function rowWriter(style: RowStyle): RowWriter {
  const { axes, layout } = style;
  const seen: Seen[] = [...axes, ...layout.columns].map(() => ({ whole: false, fraction: false, nan: 0 }));
  const write = lineWriter(style, seen);
  // A typed array is written in its own type, whatever the rows before it were: a row's bytes are its own.
  const isTyped = layout.kind === 'vector' && layout.columns.every(({ dtype }) => dtype === undefined);
  const typed = new Map<Dtype, RowWriter['write']>();
  const writeTyped: RowWriter['write'] = (values, result) => {
    const dtype = dtypeOfArray(result);
    if (dtype === undefined) return write(values, result);
    const columns = layout.columns.map(({ name }) => ({ name, dtype }));
    const writer = typed.get(dtype) ?? lineWriter({ ...style, layout: { ...layout, columns } }, seen);
    typed.set(dtype, writer);
    return writer(values, result);
  };
  const writeLine = isTyped ? writeTyped : write;
  return {
    append: appender(style, writeLine, seen),
    write: writeLine,
    numbers: () => numbersOf([...axes, ...layout.columns], seen),
    nans: () => {
      const own = seen.slice(axes.length);
      const counts = layout.columns.map(({ name }, index) => [name, own[index]?.nan ?? 0] as const);
      return Object.fromEntries(counts.filter(([, count]) => count > 0));
    },
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

/** Gives a row of one int64 axis and one whole number as numbers, and any other as text. */
function appender(
  { format, axes, layout, wholeNumbers }: RowStyle,
  write: RowWriter['write'],
  seen: readonly Seen[],
): RowWriter['append'] {
  const [x, y] = [...axes, ...layout.columns];
  const isDeclared = y?.dtype === 'int64';
  const isUndeclared = y?.dtype === undefined && wholeNumbers === 'int64';
  const mayBeIntegers =
    format === 'txt' &&
    axes.length === 1 &&
    layout.kind === 'scalar' &&
    x?.dtype === 'int64' &&
    (isDeclared || isUndeclared);
  if (!mayBeIntegers) {
    return (sink, values, result) => {
      sink.text(write(values, result));
    };
  }
  const seenResult = seen[1] as Seen;
  return (sink, values, result) => {
    const value = values[0];
    if (!isWhole(value) || !isWhole(result)) {
      sink.text(write(values, result));
      return;
    }
    if (!isDeclared) seenResult.whole = true;
    sink.integers(value, SEPARATOR, result);
  };
}

/** A number that is written by its digits alone; -0 is not. */
function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value) && !Object.is(value, -0);
}

/** A value that is not of its column's type is written by its own. */
function orByValue(write: CellWriter, writeByValue: CellWriter): CellWriter {
  return (value) => {
    try {
      return write(value);
    } catch (error) {
      if (error instanceof ResultError) return writeByValue(value);
      throw error;
    }
  };
}

function numbersOf(columns: readonly Column[], seen: readonly Seen[]): Numbers {
  const entries = columns.map(({ name }, index) => {
    const { whole = false, fraction = false } = seen[index] ?? {};
    return [name, whole && fraction ? 'both' : whole ? 'whole' : fraction ? 'fraction' : undefined] as const;
  });
  return Object.fromEntries(entries.filter(([, sort]) => sort !== undefined)) as Numbers;
}

function lineWriter(style: RowStyle, seen: readonly Seen[]): RowWriter['write'] {
  const columns: readonly AxisColumn[] = [...style.axes, ...style.layout.columns];
  const cells = columns.map((column, index) => {
    const { format, wholeNumbers } = style;
    const write = cellWriter(column, format, wholeNumbers, seen[index] as Seen);
    if (column.mayBeDefault !== true) return write;
    return orByValue(write, cellWriter({ name: column.name }, format, wholeNumbers, seen[index] as Seen));
  });
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
