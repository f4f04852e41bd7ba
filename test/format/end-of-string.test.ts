import { expect, test } from '@jest/globals';
import { endOfString } from '../../src/format/end-of-string.js';

test('a string ends at the first quote that no backslash stands before', () => {
  expect(endOfString('""', 0)).toBe(2);
  expect(endOfString('x"a"b"', 1)).toBe(4);
  expect(endOfString(String.raw`"a\"b"`, 0)).toBe(6);
  expect(endOfString(String.raw`"a\\"b"`, 0)).toBe(5);
  expect(endOfString(String.raw`"a\\\"b"`, 0)).toBe(8);
});

test('a string that breaks off has no end', () => {
  for (const text of ['"', '"abc', String.raw`"a\"`]) expect(endOfString(text, 0)).toBeUndefined();
});

test('ten million characters and escapes are one string', () => {
  for (const piece of ['x', String.raw`\"`, String.raw`\\`]) {
    const text = `"${piece.repeat(1e7 / piece.length)}"`;
    expect(endOfString(text, 0)).toBe(text.length);
  }
});
