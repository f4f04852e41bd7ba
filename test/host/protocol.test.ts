import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decodePoint, encodePoint } from '../../src/host/protocol.js';
import type { Point } from '../../src/space/space.js';
import { anyText } from '../format/text.js';

const again = (point: Point): Point => decodePoint(encodePoint(point));

describe('a point on its way to a host', () => {
  test.each<[string, Point]>([
    ['whole numbers and fractions', { a: 1, b: 0.1, c: -5e-324 }],
    ['strings and bools', { a: 'text', b: '', c: true, d: false }],
    ['bigints', { a: 2n ** 63n - 1n, b: -1n, c: 0n }],
    ['nan and the infinities', { a: NaN, b: Infinity, c: -Infinity }],
    ['a negative zero', { a: -0 }],
    [
      'strings that look like encoded numbers',
      { a: 'NaN', b: '-0', c: '{"bigint":"1"}', d: '{"number":"1"}' },
    ],
    ['nothing', {}],
  ])('keeps %s', (_, point) => {
    expect(again(point)).toStrictEqual(point);
  });

  test('is one line of text', () => {
    expect(encodePoint({ a: 'line\nbreak\r' })).not.toMatch(/[\n\r]/);
  });

  test('keeps any values', () => {
    const value = fc.oneof(fc.double(), fc.bigInt(), fc.boolean(), anyText());
    const name = fc
      .stringMatching(/^[a-z_][a-z0-9_]{0,8}$/)
      .filter((text) => text !== 'bigint' && text !== 'number');
    fc.assert(
      fc.property(fc.dictionary(name, value, { maxKeys: 5, noNullPrototype: true }), (point) => {
        expect(again(point)).toStrictEqual(point);
      }),
      { numRuns: 300 },
    );
  });

  test.each(['number', 'bigint'])('keeps a parameter that is called %s', (name) => {
    const point = { [name]: 3, other: 2n };
    expect(again(point)).toStrictEqual(point);
  });
});
