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
const WORD = /\s*(?:(?<quoted>"(?:[^"\\]|\\.)*")|(?<bare>\S+))/y;

function splitText(line: string): Cell[] {
  const cells: Cell[] = [];
  const end = line.trimEnd().length;
  WORD.lastIndex = 0;
  while (WORD.lastIndex < end) {
    const groups = WORD.exec(line)?.groups;
    if (groups === undefined) throw new SyntaxError(`Expected blank-separated values: ${line.slice(0, 200)}`);
    cells.push(
      groups['quoted'] === undefined
        ? { word: groups['bare'] ?? '' }
        : { value: JSON.parse(groups['quoted']) as string },
    );
  }
  return cells;
}

function splitCsv(line: string): Cell[] {
  const cells: Cell[] = [];
  for (const match of line.matchAll(/(?<=^|,)(?:"((?:[^"]|"")*)"|([^",]*))(?=,|$)/g)) {
    const [, quoted, bare] = match;
    if (quoted === undefined) {
      cells.push({ word: bare ?? '' });
    } else {
      const text = quoted.replaceAll('""', '"');
      cells.push({ value: text.startsWith('"') ? (JSON.parse(text) as string) : text });
    }
  }
  return cells;
}

// Integers beyond 2^53 and the difference of `1` and `1.0` are lost in JSON.parse, so the number's own text is read.
const JSON_CELL =
  /"(?:[^"\\]|\\.)*":(?:(?<number>-?\d[\d.eE+-]*)|(?<other>"(?:[^"\\]|\\.)*"|true|false|null|\{[^{}]*\}))/g;

function splitJson(line: string): Cell[] {
  return Array.from(line.slice(1, -1).matchAll(JSON_CELL), ({ groups }) => {
    if (groups?.['number'] !== undefined) return { word: groups['number'] };
    const value = JSON.parse(groups?.['other'] ?? 'null') as Scalar | null | { re: unknown; im: unknown };
    if (value === null) return { word: 'nan' };
    // jsonl has no nan or inf of its own and writes them as strings.
    if (typeof value === 'string' && /^(?:nan|-?inf)$/.test(value)) return { word: value };
    if (typeof value !== 'object') return { value };
    return { value: { re: Number(finite(value.re)), im: Number(finite(value.im)) } };
  });
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
