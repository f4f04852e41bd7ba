import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FanfoldError } from '../../src/errors.js';
import type { Value } from '../../src/format/value.js';
import { readPointsFile } from '../../src/space/points-file.js';

const folder = mkdtempSync(join(tmpdir(), 'fanfold-points-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

type Column = [name: string, dtype: string, ...values: (Value | undefined)[]];

function put(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

async function read(name: string, text: string): Promise<Column[]> {
  const axes = await readPointsFile(put(name, text));
  return axes.map(({ name: axis, values }) => [
    axis,
    values.dtype,
    ...Array.from({ length: values.size }, (_, index) => values.at(index)),
  ]);
}

async function messageOf(name: string, text: string): Promise<string> {
  const path = put(name, text);
  try {
    await readPointsFile(path);
  } catch (error) {
    if (error instanceof FanfoldError) return error.message.replaceAll(path, 'FILE');
    throw error;
  }
  return 'nothing was thrown';
}

describe('csv', () => {
  test.each<[string, string, Column[]]>([
    [
      'has a row of names and one row a point',
      'a,b,s\n1,0.5,x\n2,1,y\n',
      [
        ['a', 'int64', 1, 2],
        ['b', 'float64', 0.5, 1],
        ['s', 'string', 'x', 'y'],
      ],
    ],
    ['may lack its last line break', 'a\n1\n2', [['a', 'int64', 1, 2]]],
    [
      'may end its lines as Windows does',
      'a,b\r\n1,2\r\n3,4\r\n',
      [
        ['a', 'int64', 1, 3],
        ['b', 'int64', 2, 4],
      ],
    ],
    [
      'may begin with a byte order mark',
      '\uFEFFa,b\n1,2\n',
      [
        ['a', 'int64', 1],
        ['b', 'int64', 2],
      ],
    ],
    [
      'may have blanks around its cells',
      'a , b\n 1 ,\t2\n',
      [
        ['a', 'int64', 1],
        ['b', 'int64', 2],
      ],
    ],
    [
      'takes quoted cells for strings',
      'a,s\n"1","x,y"\n2,"say ""hi"""\n3,"line\nbreak"\n4," "\n',
      [
        ['a', 'string', '1', '2', '3', '4'],
        ['s', 'string', 'x,y', 'say "hi"', 'line\nbreak', ' '],
      ],
    ],
    [
      'may have quoted names',
      '"a","b"\n1,2\n',
      [
        ['a', 'int64', 1],
        ['b', 'int64', 2],
      ],
    ],
    [
      "leaves an empty cell to the worker's default",
      'a,b\n1,\n,2\n',
      [
        ['a', 'int64', 1, undefined],
        ['b', 'int64', undefined, 2],
      ],
    ],
    [
      'takes a cell of blanks for an empty one',
      'a,b\n1, \n2,0.5\n',
      [
        ['a', 'int64', 1, 2],
        ['b', 'float64', undefined, 0.5],
      ],
    ],
    [
      'takes quotes around nothing for an empty string',
      'a,s\n1,""\n2,x\n',
      [
        ['a', 'int64', 1, 2],
        ['s', 'string', '', 'x'],
      ],
    ],
    ['of one column may have an empty cell within', 'a\n1\n\n2\n', [['a', 'int64', 1, undefined, 2]]],
    [
      'may have all cells of its last row empty',
      'a,b\n1,2\n,\n',
      [
        ['a', 'int64', 1, undefined],
        ['b', 'int64', 2, undefined],
      ],
    ],
    ['may have blank lines at its end', 'a\n1\n\n  \n\r\n', [['a', 'int64', 1]]],
    ['has bools', 'a\ntrue\nFalse\n', [['a', 'bool', true, false]]],
    ['has nan and inf', 'a\nnan\n-inf\n', [['a', 'float64', NaN, -Infinity]]],
    ['has integers beyond 2^53', 'a\n9007199254740993\n1\n', [['a', 'int64', 9007199254740993n, 1n]]],
    [
      'may have letters of any script',
      'größe,s\n1,é日本\n',
      [
        ['größe', 'int64', 1],
        ['s', 'string', 'é日本'],
      ],
    ],
  ])('%s', async (_, text, columns) => {
    expect(await read('points.csv', text)).toStrictEqual(columns);
  });

  test('may be named .CSV', async () => {
    expect(await read('POINTS.CSV', 'a\n1\n')).toEqual([['a', 'int64', 1]]);
  });

  test.each<[string, string, string]>([
    ['an empty file', '', 'Expected at least one point in the points file "FILE", got none.'],
    ['blank lines alone', '\n\n', 'Expected at least one point in the points file "FILE", got none.'],
    ['names alone', 'a,b\n', 'Expected at least one point in the points file "FILE", got none.'],
    ['a row that is too short', 'a,b\n1,2\n3\n', 'Expected rows of as many cells as the first'],
    ['a row that is too long', 'a,b\n1,2,3\n', 'Expected rows of as many cells as the first'],
    ['a quote that is not closed', 'a,b\n1,"2\n', 'Expected rows of as many cells as the first'],
    [
      'a column that comes twice',
      'a,b,a\n1,2,3\n',
      'Expected each column once in the points file "FILE", got "a" twice.',
    ],
    ['a name with a blank', 'a b\n1\n', 'Expected a parameter name of letters'],
    ['an empty name', 'a,\n1,2\n', 'Expected a parameter name of letters'],
    ['a number as a name', '1,2\n3,4\n', 'Expected a parameter name of letters'],
    ['__proto__ as a name', '__proto__\n1\n', 'got "__proto__"'],
    [
      'an integer beyond int64',
      'a\n9223372036854775808\n',
      'Expected integers that fit in int64, got 9223372036854775808',
    ],
  ])('refuses %s', async (_, text, message) => {
    expect(await messageOf('points.csv', text)).toContain(message);
  });
});

describe('tsv', () => {
  test.each<[string, string, Column[]]>([
    [
      'has cells between tabs, and commas within them',
      'a\ts\n1\tx,y\n2\t"tab\there"\n',
      [
        ['a', 'int64', 1, 2],
        ['s', 'string', 'x,y', 'tab\there'],
      ],
    ],
    [
      'may have an empty last cell in its last row',
      'a\tb\n1\t2\n3\t\n',
      [
        ['a', 'int64', 1, 3],
        ['b', 'int64', 2, undefined],
      ],
    ],
    [
      'may have a last row of empty cells',
      'a\tb\n1\t2\n\t\n',
      [
        ['a', 'int64', 1, undefined],
        ['b', 'int64', 2, undefined],
      ],
    ],
  ])('%s', async (_, text, columns) => {
    expect(await read('points.tsv', text)).toStrictEqual(columns);
  });

  test('refuses bytes that are not UTF-8, of which some would be lost', async () => {
    const path = put('latin.csv', '');
    writeFileSync(path, Buffer.from('a\nM\xfcller\n', 'latin1'));
    await expect(readPointsFile(path)).rejects.toThrow('Expected text in UTF-8 in the points file');
    expect(await read('bom.csv', '\uFEFFa\nMüller\n')).toEqual([['a', 'string', 'Müller']]);
  });

  test('refuses a ragged row', async () => {
    expect(await messageOf('points.tsv', 'a\tb\n1\n')).toContain(
      'Expected rows of as many cells as the first',
    );
  });
});

describe('jsonl', () => {
  test.each<[string, string, Column[]]>([
    [
      'has one object a line, whatever the order of its keys',
      '{"a":1,"s":"x"}\n{"s":"y","a":2}\n',
      [
        ['a', 'int64', 1, 2],
        ['s', 'string', 'x', 'y'],
      ],
    ],
    ['takes 1.0 for a float', '{"a":1.0}\n{"a":2}\n', [['a', 'float64', 1, 2]]],
    ['takes 1e3 for a float', '{"a":1e3}\n', [['a', 'float64', 1000]]],
    ['keeps -0.0', '{"a":-0.0}\n', [['a', 'float64', -0]]],
    ['keeps integers beyond 2^53', '{"a":9007199254740993}\n', [['a', 'int64', 9007199254740993n]]],
    ["leaves null to the worker's default", '{"a":null}\n{"a":2}\n', [['a', 'int64', undefined, 2]]],
    ['has bools', '{"a":true}\n{"a":false}\n', [['a', 'bool', true, false]]],
    [
      'takes numbers in quotes for strings, and braces and escapes in them as they are',
      '{"a":"1","s":"{\\"b\\": 2, 3}"}\n',
      [
        ['a', 'string', '1'],
        ['s', 'string', '{"b": 2, 3}'],
      ],
    ],
    ['may have blank lines and Windows line ends', '\r\n{"a":1}\r\n\r\n{"a":2}', [['a', 'int64', 1, 2]]],
    ['may begin with a byte order mark', '\uFEFF{"a":1}\n', [['a', 'int64', 1]]],
    [
      'may have keys that hold numbers',
      '{"a1":2,"b":"x1"}\n',
      [
        ['a1', 'int64', 2],
        ['b', 'string', 'x1'],
      ],
    ],
  ])('%s', async (_, text, columns) => {
    expect(await read('points.jsonl', text)).toStrictEqual(columns);
  });

  test('may be named .ndjson', async () => {
    expect(await read('points.ndjson', '{"a":1}\n')).toEqual([['a', 'int64', 1]]);
  });

  test.each<[string, string, string]>([
    ['an empty file', '', 'Expected at least one point in the points file "FILE", got none.'],
    ['objects without keys', '{}\n{}\n', 'Expected at least one column in the points file "FILE", got none.'],
    [
      'what is no JSON, by its line',
      '{"a":1}\n\n{"a":\n',
      'Expected one JSON object a line in the points file "FILE", got "{\\"a\\":" in line 3.',
    ],
    ['an array', '[1,2]\n', 'got "[1,2]" in line 1.'],
    ['a lone number', '{"a":1}\n5\n', 'got "5" in line 2.'],
    ['a lone null', 'null\n', 'got "null" in line 1.'],
    ['NaN, which is no JSON', '{"a":NaN}\n', 'Expected one JSON object a line'],
    [
      'a missing key',
      '{"a":1,"b":2}\n{"a":3}\n',
      'to have the keys a, b (null where the worker\'s default is meant) in the points file "FILE", got a in line 2.',
    ],
    ['another key', '{"a":1}\n{"c":3}\n', 'got c in line 2.'],
    [
      'a nested value',
      '{"a":[1]}\n',
      'Expected numbers, strings, true, false or null in the points file "FILE", got [1] in line 1.',
    ],
    ['a nested object', '{"a":1}\n{"a":{"b":2}}\n', 'got {"b":2} in line 2.'],
    ['a name with a blank', '{"a b":1}\n', 'Expected a parameter name of letters'],
    ['__proto__ as a name', '{"__proto__":1}\n', 'got "__proto__"'],
  ])('refuses %s', async (_, text, message) => {
    expect(await messageOf('points.jsonl', text)).toContain(message);
  });
});

describe('any file', () => {
  test('that is not there is refused with its name', async () => {
    await expect(readPointsFile(join(folder, 'none.csv'))).rejects.toThrow(FanfoldError);
    await expect(readPointsFile(join(folder, 'none.csv'))).rejects.toThrow(
      `Expected --points to name a readable file, got "${join(folder, 'none.csv')}" (no such file).`,
    );
  });

  test('that is a folder is refused', async () => {
    await expect(readPointsFile(folder)).rejects.toThrow('(EISDIR)');
  });

  test.each(['points.txt', 'points', 'points.json', 'points.xlsx'])('named %s is refused', async (name) => {
    expect(await messageOf(name, 'a\n1\n')).toContain(
      'Expected a name that ends in .csv, .tsv or .jsonl in the points file "FILE", got ".'.slice(0, 50),
    );
  });

  test.each(['csv', 'tsv', 'jsonl'])(
    'of arbitrary text in %s gives points or a FanfoldError',
    async (extension) => {
      const piece = fc.constantFrom(
        'a',
        'b',
        '1',
        '"',
        ',',
        '\t',
        '\n',
        '\r',
        '{',
        '}',
        ':',
        '[',
        ']',
        '\\',
        ' ',
        '-',
        '.',
        'e',
      );
      await fc.assert(
        fc.asyncProperty(
          fc.string({ unit: fc.oneof(piece, fc.string({ unit: 'binary', maxLength: 2 })), maxLength: 30 }),
          async (text) => {
            const path = put(`any.${extension}`, text);
            try {
              expect((await readPointsFile(path)).length).toBeGreaterThan(0);
            } catch (error) {
              expect(error).toBeInstanceOf(FanfoldError);
            }
          },
        ),
        { numRuns: 700 },
      );
    },
  );
});
