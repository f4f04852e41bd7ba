import { describe, expect, test } from '@jest/globals';
import fs from 'fs-extra';
import { join } from 'node:path';
import { FanfoldError, messageOf, remedyFor, systemCode } from '../src/errors.js';
import { testWith } from './tools.js';

const source = (file: string): string => fs.readFileSync(join(process.cwd(), file), 'utf8');

/** The codes that the type allows. */
const declared = Array.from(
  source('src/errors.ts').matchAll(/^ {2}\| '(FANFOLD_\w+)'/gm),
  ([, code]) => code,
).sort();

/** The codes that the code throws, but for the list itself. */
const thrown = new Set(
  fs
    .readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && file !== 'errors.ts')
    .flatMap((file) =>
      Array.from(source(join('src', file)).matchAll(/'(FANFOLD_\w+)'/g), ([, code]) => code),
    ),
);

const rows = Array.from(source('docs/errors.md').matchAll(/^\| `(FANFOLD_\w+)` +\| (.+?) +\| (.+?) +\|$/gm));

describe('docs/errors.md', () => {
  test('has every code of the program once, and no other', () => {
    expect(declared.length).toBeGreaterThan(10);
    expect(rows.map(([, code]) => code).sort()).toEqual(declared);
  });

  test('has a cause and a remedy for each', () => {
    for (const [, , cause, remedy] of rows) {
      expect(cause).toMatch(/^[A-Z`].*\.$/);
      expect(remedy).toMatch(/\.$/);
    }
  });

  test('has none that is never thrown', () => {
    expect(declared.filter((code) => !thrown.has(code))).toEqual([]);
  });
});

test('an error has its code, and 2 as its exit code unless a run went wrong', () => {
  expect(new FanfoldError('FANFOLD_USAGE', 'words')).toMatchObject({ code: 'FANFOLD_USAGE', exitCode: 2 });
  expect(new FanfoldError('FANFOLD_IO', 'words', { exitCode: 1 })).toMatchObject({ exitCode: 1 });
});

describe('an error for which node has no name', () => {
  testWith('procfs', 'is called as the system calls it', () => {
    const quota = Object.assign(
      new Error("Unknown system error -122: Unknown system error -122, open '/a'"),
      { code: 'Unknown system error -122', errno: -122 },
    );
    expect([systemCode(quota), messageOf(quota)]).toEqual([
      'EDQUOT',
      "EDQUOT: disk quota exceeded, open '/a'",
    ]);
    expect(remedyFor(messageOf(quota))).toContain('quota');
    const write = Object.assign(new Error('UNKNOWN: unknown error, write'), {
      code: 'UNKNOWN',
      errno: -116,
    });
    expect([systemCode(write), messageOf(write)]).toEqual(['ESTALE', 'ESTALE: stale file handle, write']);
    expect(messageOf(new Error('UNKNOWN: unknown error'))).toBe('UNKNOWN: unknown error');
  });
});
