import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { FanfoldError, messageOf, systemCode } from '../errors.js';
import { parseJson } from '../format/json.js';
import type { Axis } from './axis.js';
import { listOfTexts, type TypedText } from './list.js';
import { checkName } from './space.js';

/**
 * The named columns of a points file, which walk together: one point a row.
 *
 * `.csv` and `.tsv` have a first row of names; `.jsonl` one object a line, all with the same keys. An empty cell or a
 * JSON null leaves the parameter to the worker's default.
 * @throws FanfoldError where the file is missing, empty, ragged, or of another kind
 */
export async function readPointsFile(path: string): Promise<Axis[]> {
  const rows = await parseRows(await readText(path), path);
  const [names, ...points] = rows;
  if (names === undefined || points.length === 0) throw refusal(path, 'at least one point', 'none');
  const texts = names.map((name) => name?.text ?? '');
  const repeated = texts.find((name, index) => texts.indexOf(name) !== index);
  if (repeated !== undefined) throw refusal(path, 'each column once', `"${repeated}" twice`);
  return texts.map((name, column) => ({
    name: checkName(name),
    values: listOfTexts(points.map((point) => point[column])),
  }));
}

// --- internal ---

/** One row of cells; the first row holds the names. */
type Row = (TypedText | undefined)[];

async function readText(path: string): Promise<string> {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path));
  } catch (error) {
    if (systemCode(error) === 'ERR_ENCODING_INVALID_ENCODED_DATA')
      throw refusal(path, 'text in UTF-8', 'bytes that are none; save it in that encoding');
    const why = systemCode(error) === 'ENOENT' ? 'no such file' : (systemCode(error) ?? String(error));
    throw new FanfoldError(
      'FANFOLD_POINTS_FILE',
      `Expected --points to name a readable file, got "${path}" (${why}).`,
    );
  }
}

async function parseRows(text: string, path: string): Promise<Row[]> {
  switch (extname(path).toLowerCase()) {
    case '.csv':
      return parseDelimited(text, ',', path);
    case '.tsv':
      return parseDelimited(text, '\t', path);
    case '.jsonl':
    case '.ndjson':
      return parseJsonLines(text, path);
    default:
      throw refusal(path, 'a name that ends in .csv, .tsv or .jsonl', `"${extname(path)}"`);
  }
}

async function parseDelimited(text: string, delimiter: string, path: string): Promise<Row[]> {
  const { parse } = await import('csv-parse/sync');
  try {
    // A one-column file may have an empty cell, which is an empty line: only blank lines at the end are skipped. Tabs
    // there stay, because they stand between empty cells.
    return parse(withoutBlankEnd(text), {
      delimiter,
      cast: (cell, { quoting }): TypedText | undefined =>
        quoting || cell.trim() !== '' ? { text: quoting ? cell : cell.trim(), isQuoted: quoting } : undefined,
    }) as unknown as Row[];
  } catch (error) {
    throw refusal(path, 'rows of as many cells as the first', messageOf(error));
  }
}

/** Not by a regular expression: that tries each run of blanks anew from each of its places. */
function withoutBlankEnd(text: string): string {
  let end = text.length;
  while (end > 0 && '\r\n '.includes(text.charAt(end - 1))) end--;
  return text.slice(0, end);
}

function parseJsonLines(text: string, path: string): Row[] {
  const rows: Row[] = [];
  let names: string[] | undefined;
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const record = parseRecord(line, path, index + 1);
    names ??= Object.keys(record);
    if (names.length === 0) throw refusal(path, 'at least one column', 'none');
    if (rows.length === 0) rows.push(names.map((name) => ({ text: name, isQuoted: true })));
    const keys = Object.keys(record);
    if (keys.length !== names.length || !names.every((name) => Object.hasOwn(record, name))) {
      throw refusal(
        path,
        `every line to have the keys ${names.join(', ')} (null where the worker's default is meant)`,
        `${keys.join(', ') || 'none'} in line ${String(index + 1)}`,
      );
    }
    rows.push(names.map((name) => readJsonValue(record[name], path, index + 1)));
  }
  return rows;
}

function parseRecord(line: string, path: string, number: number): Record<string, unknown> {
  let value: unknown;
  try {
    value = parseJson(line, readNumberText);
  } catch {
    value = undefined;
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof NumberText))
    return value as Record<string, unknown>;
  throw refusal(
    path,
    'one JSON object a line',
    `${JSON.stringify(line.slice(0, 60))} in line ${String(number)}`,
  );
}

function readNumberText(text: string): NumberText {
  if (!/\d/.test(text)) throw new SyntaxError(`${text} is no JSON`);
  return new NumberText(text);
}

/** A number as it was written, apart from a string: `1.0` is no `1`, and 2^53 + 1 no double. */
class NumberText {
  constructor(readonly text: string) {}

  /** For a message that shows what holds it. */
  toJSON(): number {
    return Number(this.text);
  }
}

function readJsonValue(value: unknown, path: string, number: number): TypedText | undefined {
  if (value === null) return undefined;
  if (typeof value === 'string') return { text: value, isQuoted: true };
  if (typeof value === 'boolean') return { text: String(value), isQuoted: false };
  if (value instanceof NumberText) return { text: value.text, isQuoted: false };
  throw refusal(
    path,
    'numbers, strings, true, false or null',
    `${JSON.stringify(value)} in line ${String(number)}`,
  );
}

function refusal(path: string, expected: string, got: string): FanfoldError {
  return new FanfoldError(
    'FANFOLD_POINTS_FILE',
    `Expected ${expected} in the points file "${path}", got ${got}.`,
  );
}
