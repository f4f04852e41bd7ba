import { isDeepStrictEqual } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decodeValue, encodeValue } from '../../src/host/wire.js';
import { sharedArray, sharedValue } from '../../src/multiprocessing/shared-value.js';
import type { SharedArray, SharedValue } from '../../src/shared/value.js';
import { anyText } from '../format/text.js';

const text = (value: unknown): string => JSON.stringify(encodeValue(value, 'it'));
const again = (value: unknown): unknown => decodeValue(JSON.parse(text(value)));

describe('values on their way to another process', () => {
  test.each<[unknown, string]>([
    [1, '1'],
    [-0.5, '-0.5'],
    [-0, '{"$float":"-0.0"}'],
    [NaN, '{"$float":"nan"}'],
    [Infinity, '{"$float":"inf"}'],
    [-Infinity, '{"$float":"-inf"}'],
    [2n ** 64n, '{"$bigint":"18446744073709551616"}'],
    [null, 'null'],
    [undefined, '{"$undefined":true}'],
    [[undefined, 'a', [true]], '[{"$undefined":true},"a",[true]]'],
    [{ re: 1, im: NaN }, '{"$complex":[1,{"$float":"nan"}]}'],
    [{ re: 1 }, '{"re":1}'],
    [{ a: { b: 1n }, c: 'x' }, '{"a":{"b":{"$bigint":"1"}},"c":"x"}'],
    [{ $float: 'nan' }, '{"$escape":{"$float":"nan"}}'],
    [{ $escape: { $a: 1 } }, '{"$escape":{"$escape":{"$escape":{"$a":1}}}}'],
    [{ $a: 1, $b: 2 }, '{"$a":1,"$b":2}'],
    [Buffer.from('hi'), '{"$bytes":"aGk="}'],
    [Float64Array.of(1), '{"$array":{"dtype":"float64","data":"AAAAAAAA8D8="}}'],
    [Uint8Array.of(1, 255), '{"$array":{"dtype":"uint8","data":"Af8="}}'],
    [BigInt64Array.of(-1n), '{"$array":{"dtype":"int64","data":"//////////8="}}'],
    [{}, '{}'],
    [[], '[]'],
  ])('%p is %s', (value, expected) => {
    expect(text(value)).toBe(expected);
    expect(again(value)).toStrictEqual(value);
  });

  test('holes of an array are undefined', () => {
    expect(again([1, , 2])).toStrictEqual([1, undefined, 2]);
  });

  test('a typed array that is part of a larger one passes alone', () => {
    expect(again(new Float32Array([1, 2, 3, 4]).subarray(1, 3))).toStrictEqual(Float32Array.of(2, 3));
  });

  test('any values come back the same', () => {
    const arrays = [
      ['int8Array', fc.int8Array()],
      ['uint16Array', fc.uint16Array()],
      ['float32Array', fc.float32Array()],
      ['float64Array', fc.float64Array()],
      ['bigUint64Array', fc.bigUint64Array()],
    ] as const;
    const key = fc.oneof(
      anyText(),
      fc.constantFrom('$float', '$escape', '$bigint', '__proto__', 'constructor', 're', 'im'),
    );
    const { value } = fc.letrec((tie) => ({
      leaf: fc.oneof(
        fc.double(),
        fc.integer(),
        fc.bigInt(),
        anyText(),
        fc.boolean(),
        fc.constantFrom(null, undefined),
        fc.record({ re: fc.double(), im: fc.double() }, { noNullPrototype: true }),
        fc.uint8Array().map((bytes) => Buffer.from(bytes)),
        ...arrays.map(([, array]) => array),
      ),
      value: fc.oneof(
        { depthSize: 'small' },
        tie('leaf'),
        fc.array(tie('value'), { maxLength: 4 }),
        fc
          .array(fc.tuple(key, tie('value')), { maxLength: 4 })
          .map((entries) => Object.fromEntries(entries) as unknown),
      ),
    }));
    fc.assert(
      fc.property(value, (given) => {
        // Jest takes a property called constructor for the class.
        expect(isDeepStrictEqual(again(given), given)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  class Lattice {
    readonly size = 2;
  }
  const circle: unknown[] = [];
  circle.push({ back: circle });
  test.each<[string, unknown, string]>([
    ['a Map', new Map(), 'Expected it to be'],
    ['a Set', [new Set()], 'Expected it[0] to be'],
    ['a Date', { a: { b: [1, new Date()] } }, 'Expected it.a.b[1] to be'],
    ['a Lattice', { l: new Lattice() }, 'Expected it.l to be'],
    ['a function', [1, () => 1], 'Expected it[1] to be'],
    ['a symbol', Symbol('s'), 'Expected it to be'],
    ['a DataView', new DataView(new ArrayBuffer(1)), 'Expected it to be'],
    ['a Uint8ClampedArray', new Uint8ClampedArray(1), 'Expected it to be'],
    ['an object that holds itself', circle, 'Expected it[0].back to be'],
  ])('refuse %s, naming its place', (what, value, place) => {
    expect(() => encodeValue(value, 'it')).toThrow(TypeError);
    expect(() => encodeValue(value, 'it')).toThrow(place);
    expect(() => encodeValue(value, 'it')).toThrow(`got ${what}.`);
  });

  test('the same object twice is no circle', () => {
    const shared = { a: [1] };
    expect(again([shared, shared])).toStrictEqual([shared, shared]);
  });

  test('shared values stay shared', () => {
    const value = sharedValue('d', 1.5);
    const array = sharedArray('q', [1, 2n ** 60n]);
    const [sameValue, sameArray] = again([value, array]) as [SharedValue, SharedArray];
    sameValue.value = 2;
    sameArray.set(0, -7);
    expect([value.value, array.toArray()]).toEqual([2, [-7, 2n ** 60n]]);
    value.close();
    array.close();
  });
});
