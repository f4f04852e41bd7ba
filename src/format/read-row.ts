import { endOfString } from './end-of-string.js';
import type { Format } from './cell.js';
import type { Dtype, Scalar } from './value.js';

/**
 * The values of a line that a RowWriter wrote.
 * @param line without its newline
 * @param dtypes the dtype of every column, undefined where it goes by value
 * @throws SyntaxError where the line is not such a line
 */
export function readRow(line: string, format: Format, dtypes: readonly (Dtype | undefined)[]): Scalar[] {
  const cells = format === 'txt' ? splitText(line) : format === 'csv' ? splitCsv(line) : splitJson(line);
  if (cells.length !== dtypes.length) {
    throw new SyntaxError(
      `Expected ${String(dtypes.length)} columns, got ${String(cells.length)}: ${line.slice(0, 200)}`,
    );
  }
  return cells.map((cell, index) => readCell(cell, dtypes[index]));
}

// --- internal ---

/** A cell as it stands in the file: a bare word, a string, or a value that JSON has already read. */
type Cell = { readonly word: string } | { readonly value: Scalar };

// Only what a RowWriter writes: a bare word of any other form is a string.
const NUMBER = String.raw`(?:nan|inf|\d+(?:\.\d+)?(?:e[+-]\d+)?)`;
const INTEGER = /^-?\d+$/;
const FLOAT = new RegExp(`^-?${NUMBER}$`);
const COMPLEX = new RegExp(
  String.raw`^(?:(?<alone>-?${NUMBER})j|\((?<re>-?${NUMBER})(?<im>[+-]${NUMBER})j\))$`,
);
const WORD = /\S+/y;
const BLANKS = /\s*/y;

function splitText(line: string): Cell[] {
  const cells: Cell[] = [];
  const end = line.trimEnd().length;
  for (let at = skip(BLANKS, line, 0); at < end; at = skip(BLANKS, line, at)) {
    const closed = line[at] === '"' ? endOfString(line, at) : undefined;
    const word = line.slice(at, closed ?? skip(WORD, line, at));
    cells.push(closed === undefined ? { word } : { value: JSON.parse(word) as string });
    at += word.length;
  }
  return cells;
}

function splitCsv(line: string): Cell[] {
  const cells: Cell[] = [];
  for (let at = 0; at <= line.length; at++) {
    const isQuoted = line[at] === '"';
    const stop = isQuoted ? endOfQuoted(line, at) : endBefore(line, ',', at);
    const bare = line.slice(at, stop);
    const text = isQuoted ? bare.slice(1, -1).replaceAll('""', '"') : bare;
    if (isQuoted) cells.push({ value: text.startsWith('"') ? (JSON.parse(text) as string) : text });
    else cells.push({ word: text });
    at = stop;
  }
  return cells;
}

/** Where a cell in quotes ends, a quote inside standing twice. */
function endOfQuoted(line: string, at: number): number {
  for (let quote = line.indexOf('"', at + 1); quote >= 0; quote = line.indexOf('"', quote + 2)) {
    if (line[quote + 1] !== '"') return quote + 1;
  }
  throw new SyntaxError(`Expected a quote to be closed: ${line.slice(0, 200)}`);
}

/** Where the next of a character stands, or the end. */
function endBefore(line: string, character: string, at: number): number {
  const found = line.indexOf(character, at);
  return found < 0 ? line.length : found;
}

function splitJson(line: string): Cell[] {
  const cells: Cell[] = [];
  const end = line.length - 1;
  for (let at = 1; at < end; at++) {
    const colon = endOfString(line, at) ?? end;
    const from = colon + 1;
    const stop = endOfJsonCell(line, from, end);
    cells.push(readJsonCell(line.slice(from, stop)));
    at = stop;
  }
  return cells;
}

function endOfJsonCell(line: string, at: number, end: number): number {
  if (line[at] === '"') return endOfString(line, at) ?? end;
  if (line[at] === '{') return endBefore(line, '}', at) + 1;
  return Math.min(endBefore(line, ',', at), end);
}

// Integers beyond 2^53 and the difference of `1` and `1.0` are lost in JSON.parse, so the number's own text is read.
function readJsonCell(text: string): Cell {
  if (/^-?\d/.test(text)) return { word: text };
  const value = JSON.parse(text) as Scalar | null | { re: unknown; im: unknown };
  if (value === null) return { word: 'nan' };
  // jsonl has no nan or inf of its own and writes them as strings.
  if (typeof value === 'string' && /^(?:nan|-?inf)$/.test(value)) return { word: value };
  if (typeof value !== 'object') return { value };
  return { value: { re: Number(finite(value.re)), im: Number(finite(value.im)) } };
}

/** Where a sticky pattern's match at a place ends. */
function skip(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
}

function readCell(cell: Cell, dtype: Dtype | undefined): Scalar {
  if ('value' in cell) return cell.value;
  const { word } = cell;
  if (dtype === 'string') return word;
  if (dtype === 'float64') return readFloat(word);
  if (INTEGER.test(word)) return readInteger(word);
  if (word === 'True' || word === 'False') return word === 'True';
  const complex = COMPLEX.exec(word)?.groups;
  if (complex !== undefined)
    return { re: readFloat(complex['re'] ?? '0'), im: readFloat(complex['alone'] ?? complex['im'] ?? '0') };
  return word === '' || FLOAT.test(word) ? readFloat(word) : word;
}

function readInteger(word: string): number | bigint {
  const number = Number(word);
  return Number.isSafeInteger(number) ? number : BigInt(word);
}

function readFloat(word: string): number {
  return word === '' ? NaN : Number(finite(word));
}

/** JavaScript's word for NumPy's `inf`. */
function finite(word: unknown): unknown {
  return typeof word === 'string' ? word.replace(/inf$/, 'Infinity') : word;
}
