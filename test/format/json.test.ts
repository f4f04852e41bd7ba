import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseJson } from '../../src/format/json.js';

const read = (text: string): unknown => parseJson(text, (token) => ({ token }));

describe('JSON with the texts of its numbers', () => {
  test('is otherwise as JSON.parse reads it', () => {
    fc.assert(
      fc.property(fc.json({ depthSize: 'small' }), (text) => {
        expect(parseJson(text, Number)).toEqual(JSON.parse(text));
      }),
    );
  });

  test('refuses what JSON.parse refuses, but for numbers that are none', () => {
    const piece = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '"a"',
      '\\',
      '1',
      '-',
      '.',
      'e',
      '0',
      ' ',
      '\n',
      '\t',
      'true',
      'null',
      '\u0001',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 7 }), (pieces) => {
        const text = pieces.join('');
        const reading = (parse: () => unknown): unknown => {
          try {
            return parse();
          } catch {
            return 'refused';
          }
        };
        expect([text, reading(() => parseJson(text, Number))]).toEqual([
          text,
          reading(() => JSON.parse(text)),
        ]);
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    '0',
    '-0',
    '3',
    '3.0',
    '1e5',
    '-1.5E-300',
    '12345678901234567890',
    'nan',
    'NaN',
    '-nan',
    'inf',
    '-inf',
    'Infinity',
    '-Infinity',
  ])('hands %s over', (token) => {
    expect(read(` ${token}\n`)).toEqual({ token });
    expect(read(`{"a":${token},"b":[${token}]}`)).toEqual({ a: { token }, b: [{ token }] });
  });

  test.each(['nano', 'infinite', '1.2.3', '.5', '1.', '+1', '0x10', '--1', '1nan', 'NaN1'])(
    'refuses %s',
    (text) => {
      expect(() => read(text)).toThrow(SyntaxError);
    },
  );

  test('has a name like any other in __proto__', () => {
    expect(Object.entries(read('{"__proto__": 1}') as object)).toEqual([['__proto__', { token: '1' }]]);
  });
});
