import { readFileSync } from 'node:fs';
import { FanfoldError, systemCode } from '../errors.js';
import { writeFileAtomic } from '../run/atomic-file.js';
import { isColumn, numpyTexts, type Column } from './numpy-array.js';

// The files that guan's functions of these names write and read, byte for byte.

/** Which file; guan's defaults are `a` and `.txt`. */
export interface DataFile {
  /** Path without its ending. */
  readonly filename?: string;
  readonly fileFormat?: string;
}

/** guan's separator. */
const SEPARATOR = '   ';

/**
 * Writes lines `x   y`, or `x   y0   y1   ` where y has a row for each x. Numbers stand as NumPy prints them: those of x
 * have one type, those of y another.
 * @param y as many values, or rows of values, as x has
 * @throws FanfoldError where lengths differ or a value is no number, complex number, boolean or string
 */
export function writeOneDimensionalData(x: Column, y: Column | readonly Column[], file: DataFile = {}): void {
  const [names = []] = numpyTexts([x], 'x');
  const isMatrix = isRows(y);
  const rows = isMatrix ? textsOf(y, 'y') : numpyTexts([y], 'y')[0]?.map((text) => [text]);
  checkLength('y', rows?.length, names.length);
  const end = isMatrix ? `${SEPARATOR}\n` : '\n';
  const lines = names.map((name, index) => `${[name, ...(rows?.[index] ?? [])].join(SEPARATOR)}${end}`);
  writeFileAtomic(pathOf(file), lines.join(''));
}

/**
 * Writes a matrix below a line of x, each row behind its y: `0   x0   x1   `, then `y0   m00      m01   `.
 * @param matrix a row for each y, with a value for each x
 * @throws FanfoldError where lengths differ or a value is no number, complex number, boolean or string
 */
export function writeTwoDimensionalData(
  x: Column,
  y: Column,
  matrix: readonly Column[],
  file: DataFile = {},
): void {
  const [columns = []] = numpyTexts([x], 'x');
  const [names = []] = numpyTexts([y], 'y');
  const rows = textsOf(matrix, 'the matrix');
  checkLength('the matrix', rows.length, names.length);
  for (const row of rows) checkLength('a row of the matrix', row.length, columns.length);
  const head = ['0', ...columns].map((text) => text + SEPARATOR).join('');
  const lines = names.map((name, index) => {
    const cells = (rows[index] ?? []).map((text) => SEPARATOR + text + SEPARATOR);
    return `${name}${cells.join('')}\n`;
  });
  writeFileAtomic(pathOf(file), `${head}\n${lines.join('')}`);
}

/**
 * Reads lines of an x and one or more y.
 * @returns `y` has a row for each x, also where there is one y a line
 * @throws FanfoldError where there is no such file, or a line of it is not as the first
 */
export function readOneDimensionalData(file: DataFile = {}): { x: number[]; y: number[][] } {
  const rows = readRows(file);
  const width = rows[0]?.length ?? 0;
  for (const row of rows) checkWidth(row, width, file);
  return { x: rows.map(({ values }) => values[0] ?? NaN), y: rows.map(({ values }) => values.slice(1)) };
}

/**
 * Reads what `writeTwoDimensionalData` writes.
 * @throws FanfoldError where there is no such file, or a line of it is not as the first
 */
export function readTwoDimensionalData(file: DataFile = {}): {
  x: number[];
  y: number[];
  matrix: number[][];
} {
  const [head, ...rows] = readRows(file);
  for (const row of rows) checkWidth(row, head?.length ?? 0, file);
  return {
    x: head?.values.slice(1) ?? [],
    y: rows.map(({ values }) => values[0] ?? NaN),
    matrix: rows.map(({ values }) => values.slice(1)),
  };
}

// --- internal ---

function pathOf({ filename = 'a', fileFormat = '.txt' }: DataFile): string {
  return filename + fileFormat;
}

function isRows(y: Column | readonly Column[]): y is readonly Column[] {
  return Array.isArray(y) && y.length > 0 && y.every(isColumn);
}

/** NumPy has no array of rows of unequal lengths. */
function textsOf(rows: readonly Column[], name: string): string[][] {
  if (!rows.every(isColumn)) {
    throw new FanfoldError('FANFOLD_USAGE', `Expected ${name} to be a list of rows, each a list of values.`);
  }
  const texts = numpyTexts(rows, name);
  for (const row of texts) checkLength(`a row of ${name}`, row.length, texts[0]?.length ?? 0);
  return texts;
}

function checkLength(name: string, length: number | undefined, expected: number): void {
  if (length === expected) return;
  throw new FanfoldError(
    'FANFOLD_USAGE',
    `Expected ${name} to have the length ${String(expected)}, got ${String(length)}.`,
  );
}

interface FileRow {
  readonly line: number;
  readonly length: number;
  readonly values: readonly number[];
}

function readRows(file: DataFile): FileRow[] {
  const path = pathOf(file);
  const lines = readText(path).split('\n');
  return lines.flatMap((text, index) => {
    const words = text.split(/\s+/).filter((word) => word !== '');
    if (words.length === 0) return [];
    const values = words.map((word) => readNumber(word, `${path}:${String(index + 1)}`));
    return [{ line: index + 1, length: values.length, values }];
  });
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
    throw new FanfoldError('FANFOLD_USAGE', `Expected the file ${path}, but there is none.`);
  }
}

function checkWidth({ line, length }: FileRow, width: number, file: DataFile): void {
  if (length === width) return;
  throw new FanfoldError(
    'FANFOLD_USAGE',
    `Expected each line of ${pathOf(file)} to have ${String(width)} values as its first, got ${String(length)} in line ${String(line)}.`,
  );
}

// What Python's float() reads.
const FLOAT = /^[+-]?(?:(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?|inf(?:inity)?|nan)$/i;

function readNumber(word: string, place: string): number {
  if (FLOAT.test(word)) {
    return /nan$/i.test(word) ? NaN : Number(word.replace(/inf(?:inity)?$/i, 'Infinity'));
  }
  throw new FanfoldError('FANFOLD_USAGE', `Expected a number at ${place}, got "${word}".`);
}
