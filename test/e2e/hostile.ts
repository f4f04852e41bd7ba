import { expect } from '@jest/globals';
import fs from 'fs-extra';
import { join } from 'node:path';

/** Sends a terminal the title "owned", the clipboard "pwned", colours and a bell; the last two are C1 controls. */
export const ESCAPES = '\x1b]0;owned\x07\x1b]52;c;cHduZWQ=\x07\x1b[2J\x1b[31m\x07\x9b31m\x9d0;owned\x9c';

/** Turns the text after it around. */
export const BIDI = '\u202egpj.exe\u2066\u2069';

/** Values that mean something to a shell, a terminal, a file system, a parser or a language. */
export const HOSTILE: readonly string[] = [
  ...['a\nb', '\n', '\r\n', '\t', '"', "'", '\\', '\\n', ',', ';', '', '   ', ' lead', 'trail ', '#c'],
  ...[
    '$(touch pwned)',
    '`touch pwned`',
    '; touch pwned; rm -rf x',
    '| touch pwned',
    '&& touch pwned',
    '${HOME}',
  ],
  ...['../../pwned', '/pwned', '..', '~', '*', '%s%n%d', '{s}', '{{s}}', '-n', '--help', '!', 'x=1', '=1'],
  ...[ESCAPES, BIDI, '\x07', '\x7f', '\x9b31m', '\u2028\u2029', '\u200b', '\ufffe', '\ufeffbom'],
  ...['é', 'e\u0301', 'ﬁ', 'fi', 'K', '\u212a', '😀', 'İ', 'ß', 'A', 'a'],
  ...['nan', '1', '1.0', 'True', '(1+2j)', '0x10', '1_000', 'null', 'None', '# failed 3'],
  ...['constructor', '__proto__', 'toString', '"}{', ']]>', "'; DROP TABLE points; --", 'x'.repeat(2000)],
];

/** Values that no argument and no variable of a program can hold. */
export const UNPASSABLE: readonly string[] = ['\0', 'a\0b', '\ud800', '\udc00x', 'a\ud83d'];

/** Control characters, lone surrogates and the like; none may be shown, nor stand in a file. */
const RAW = /[\p{Cc}\p{Cf}\p{Cs}]/u;

/** Expects text that can't do anything to a terminal; line breaks and tabs are harmless. */
export function expectHarmless(...texts: readonly string[]): void {
  for (const text of texts) expect(text.replace(/[\n\t]/g, '')).not.toMatch(RAW);
}

/** Every path below a folder but a run directory's, with the size of each file. */
export function treeOf(folder: string, besides: string): string[] {
  return fs.readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (path === besides) return [];
    return entry.isDirectory()
      ? [path, ...treeOf(path, besides)]
      : [`${path} ${String(fs.statSync(path).size)}`];
  });
}

/** The rows of a csv by RFC 4180; a cell that is a JSON string stands for its text. */
export function readCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  for (const [, quoted, bare = '', end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\n]*))(,|\n)/g)) {
    const cell = quoted?.replaceAll('""', '"') ?? bare;
    row.push(cell.startsWith('"') ? (JSON.parse(cell) as string) : cell);
    if (end === ',') continue;
    rows.push(row);
    row = [];
  }
  return rows;
}

/** The words of the lines of a txt; one in quotes is a JSON string. */
export function readTxt(text: string): string[][] {
  const lines = text.split('\n').slice(0, -1);
  return lines.map((line) =>
    Array.from(line.matchAll(/"(?:[^"\\]|\\.)*"|\S+/g), ([word]) =>
      word.startsWith('"') ? (JSON.parse(word) as string) : word,
    ),
  );
}

/** The values of the lines of a jsonl. */
export function readJsonl(text: string): string[][] {
  const lines = text.split('\n').slice(0, -1);
  return lines.map((line) => Object.values(JSON.parse(line) as Record<string, string>));
}
