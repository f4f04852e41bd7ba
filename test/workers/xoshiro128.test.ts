import { describe, expect, test } from '@jest/globals';

import { splitMix64, xoshiro128, xoshiro128FromState } from '../../workers/xoshiro128.js';

const take = <T>(count: number, next: () => T): T[] => Array.from({ length: count }, next);

describe('xoshiro128', () => {
  test("the stream is that of the authors' xoshiro128starstar.c from the state 1, 2, 3, 4", () => {
    expect(take(10, xoshiro128FromState([1, 2, 3, 4]))).toEqual([
      11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804,
    ]);
  });

  test("the seeding is that of the author's splitmix64.c from the seed 1234567", () => {
    expect(take(3, splitMix64(1234567n))).toEqual([
      6457827717110365317n,
      3203168211198807973n,
      9817491932198370423n,
    ]);
  });

  test('every bit of the 64-bit seed matters', () => {
    const streams = Array.from({ length: 64 }, (_, bit) => take(4, xoshiro128(1n << BigInt(bit))).join());
    expect(new Set([...streams, take(4, xoshiro128(0n)).join()]).size).toBe(65);
  });

  test('words are unsigned 32-bit integers with the mean of a uniform distribution', () => {
    const words = take(100_000, xoshiro128(1n));
    expect(words.every((word) => Number.isInteger(word) && word >= 0 && word < 2 ** 32)).toBe(true);
    const mean = words.reduce((sum, word) => sum + word / 2 ** 32, 0) / words.length;
    // Four standard errors: 4 / √(12 · 100 000).
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.0037);
  });
});
