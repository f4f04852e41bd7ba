import { messageOf } from '../../errors.js';
import { describeValue } from '../../format/layout.js';
import type { Column } from '../../format/layout.js';
import type { Scalar } from '../../format/value.js';
import { parseResult } from './json-result.js';
import { printedBeginning, printedEnd } from './printed.js';
import type { ResultRule } from './result-rule.js';
import { readWord, wordsOf } from './words.js';

/** What a command left behind. */
export interface CommandOutput {
  readonly status: number;
  /** All that it printed. */
  readonly stdout: () => string;
  /** The end of that, with its last line that is not blank. */
  readonly stdoutEnd: () => string;
  /** The text of a file in the point's own folder. */
  readonly file: (name: string) => string;
}

/**
 * The result of a command, by the rule of `--result`.
 * @param columns as `--columns` names them
 * @throws Error saying what was expected and what the command printed
 */
export function readResult(
  rule: ResultRule,
  columns: readonly Column[] | undefined,
  output: CommandOutput,
): unknown {
  switch (rule.kind) {
    case 'exit':
      return nameColumns(BigInt(output.status), columns);
    case 'json':
      return nameColumns(parseJson(output.stdout()), columns);
    case 'line':
      return readWords(onlyLine(output.stdout(), 'its stdout'), columns);
    case 'last-line':
      return readWords(lastLine(output.stdoutEnd()), columns);
    case 'file':
      return readWords(onlyLine(output.file(rule.name), `the file ${rule.name}`), columns);
    case 'regex':
      return readMatch(output.stdout(), rule.pattern, columns);
  }
}

/**
 * Puts a result under the names of `--columns`: a lone value or an array by position, an object by its own names.
 * @throws Error where they don't fit
 */
export function nameColumns(result: unknown, columns: readonly Column[] | undefined): unknown {
  if (columns === undefined) return result;
  const names = columns.map(({ name }) => name);
  const isRecord = typeof result === 'object' && result !== null && !Array.isArray(result);
  const found: readonly unknown[] = Array.isArray(result) ? result : [result];
  if (isRecord ? !isSameSet(names, Object.keys(result)) : names.length !== found.length) {
    const got = isRecord ? `the columns ${Object.keys(result).join(', ')}` : countWords(found.length);
    throw new Error(`Expected the columns ${names.join(', ')}, got ${got}.`);
  }
  const values = isRecord ? (result as Record<string, unknown>) : {};
  return Object.fromEntries(names.map((name, index) => [name, isRecord ? values[name] : found[index]]));
}

// --- internal ---

function readWords(line: string, columns: readonly Column[] | undefined): unknown {
  return readTexts(wordsOf(line), columns);
}

function readTexts(texts: readonly string[], columns: readonly Column[] | undefined): unknown {
  if (columns !== undefined && columns.length !== texts.length) {
    throw new Error(
      `Expected a value for each of the columns ${columns.map(({ name }) => name).join(', ')}, got ${countWords(texts.length)}: ${printedBeginning(texts.join(' '))}`,
    );
  }
  const values = texts.map((text, index) => readColumn(text, columns?.[index]));
  return values.length === 1 && columns === undefined ? values[0] : nameColumns(values, columns);
}

function readColumn(text: string, column: Column | undefined): Scalar {
  try {
    return readWord(text, column?.dtype);
  } catch (error) {
    throw new Error(`Expected numbers in its result, ${messageOf(error)}.`, {
      cause: error,
    });
  }
}

function onlyLine(text: string, place: string): string {
  const lines = filledLines(text);
  const [line] = lines;
  if (line !== undefined && lines.length === 1) return line;
  if (line === undefined) throw new Error(`Expected one line of values in ${place}, got nothing.`);
  throw new Error(
    `Expected one line of values in ${place}, got ${String(lines.length)} lines (--result last-line takes the last one): ${printedBeginning(text)}`,
  );
}

function lastLine(text: string): string {
  const line = filledLines(text).at(-1);
  if (line === undefined) throw new Error('Expected a line of values in its stdout, got nothing.');
  return line;
}

function filledLines(text: string): string[] {
  return text.split('\n').filter((line) => line.trim() !== '');
}

function parseJson(text: string): unknown {
  let value: unknown;
  try {
    value = parseResult(text);
  } catch {
    throw new Error(`Expected JSON in its stdout, got: ${printedBeginning(text) || 'nothing'}`);
  }
  if (value === null) throw new Error(`Expected a result in its JSON, got ${describeValue(value)}.`);
  return value;
}

function readMatch(text: string, pattern: RegExp, columns: readonly Column[] | undefined): unknown {
  const match = pattern.exec(text);
  if (match === null) {
    throw new Error(`Expected its stdout to match ${pattern.source}, got: ${printedEnd(text) || 'nothing'}`);
  }
  const groups = Object.entries(match.groups ?? {});
  const texts =
    groups.length > 0 ? groups.map(([, found]) => found) : match.length > 1 ? match.slice(1) : [match[0]];
  const missing = texts.findIndex((found: string | undefined) => found === undefined);
  if (missing >= 0) {
    const name = groups[missing]?.[0] ?? String(missing + 1);
    throw new Error(`Expected every group of ${pattern.source} to match, got none for the group ${name}.`);
  }
  if (groups.length === 0)
    return readTexts(
      texts.map((found) => found.trim()),
      columns,
    );
  // Named groups may come in another order than the columns.
  const dtypeOf = (name: string): Column | undefined => columns?.find((column) => column.name === name);
  return nameColumns(
    Object.fromEntries(groups.map(([name, found]) => [name, readColumn(found.trim(), dtypeOf(name))])),
    columns,
  );
}

function isSameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name) => b.includes(name));
}

function countWords(count: number): string {
  return count === 1 ? 'one value' : `${String(count)} values`;
}
