import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { quoteJson, quoteWord } from '../../src/format/quote.js';
import { anyText } from './text.js';

describe('quoteWord', () => {
  test.each([
    'a',
    'up',
    'spin-up',
    'x_1',
    'é',
    '日本',
    'nanometre',
    'info',
    'e',
    'a.b',
    '1e',
    'j',
    'C:/data',
    // Never assigned, format characters since Unicode 14 and 15, a letter since 15, and a noncharacter.
    '\u0378',
    '\u0890',
    '\u{13439}',
    '\u{1e030}',
    '\uffff',
  ])('the plain word %s stays as it is', (word) => {
    expect(quoteWord(word)).toBe(word);
  });

  test.each([
    '',
    ' ',
    'two words',
    'tab\there',
    'line\nbreak',
    'say "hi"',
    'C:\\data',
    '#1',
    '# failed 3',
    '\u001b[31mred',
    '\u00a0',
    '\u2028',
    '\ud800',
    'a\u200bb',
    '\u061c',
    '\ue000',
    '\u{e0001}',
    '\u{10fffd}',
  ])('%j is written as a JSON string', (text) => {
    expect(quoteWord(text)).toBe(quoteJson(text));
  });

  test.each([
    '1',
    '-1',
    '+1',
    '1.',
    '.5',
    '1.5e-3',
    '1e5',
    '1_000',
    'nan',
    'NaN',
    'inf',
    '-Infinity',
    'True',
    'false',
    '1j',
    '-2.5j',
    '(1+2j)',
    '1+2j',
    '-1e-07-infj',
    '0x10',
    '0b1',
    '0o7',
  ])('the string %s, which looks like another type, is quoted', (text) => {
    expect(quoteWord(text)).toBe(`"${text}"`);
  });

  test('every control character and blank is quoted, and no letter, mark or symbol', () => {
    for (let code = 0; code <= 0x10ffff; code++) {
      const text = `a${String.fromCodePoint(code)}b`;
      const isQuoted = quoteWord(text) !== text;
      if (/[\p{Cc}\p{Cs}\p{Co}\p{Z}"\\#]/u.test(text) !== isQuoted && !/[\p{Cf}\p{Cn}]/u.test(text))
        throw new Error(`U+${code.toString(16)} is ${isQuoted ? '' : 'not '}quoted.`);
    }
  });

  test('any string is one word of a line, without a raw control character', () => {
    fc.assert(
      fc.property(anyText(), (text) => {
        expect(quoteWord(text)).toMatch(/^(?:[^\s"]+|"[^\n]*")$/);
        expect(quoteWord(text)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('quoteJson', () => {
  test('what JSON.stringify leaves raw but a terminal obeys is escaped', () => {
    expect(quoteJson('\u009b31m\u007f\u2028\u202e\ufeff\u00ad')).toBe(
      '"\\u009b31m\\u007f\\u2028\\u202e\\ufeff\\u00ad"',
    );
  });

  test('any string reads back by JSON.parse', () => {
    fc.assert(
      fc.property(anyText(), (text) => {
        expect(JSON.parse(quoteJson(text))).toBe(text);
      }),
      { numRuns: 1000 },
    );
  });
});
