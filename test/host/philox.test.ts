import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { philox4x32, philoxStream, pointSeed } from '../../src/host/philox.js';

const words = (text: string): Uint32Array => Uint32Array.from(text.split(' '), (word) => parseInt(word, 16));

function block(counter: Uint32Array, key: Uint32Array): string {
  const out = new Uint32Array(4);
  philox4x32(counter, key, out);
  return Array.from(out, (word) => word.toString(16).padStart(8, '0')).join(' ');
}

/** Philox4x32-10 in arithmetic that can't overflow. */
function withBigints(counter: readonly number[], key: readonly number[]): string {
  const mask = 0xffffffffn;
  let [c0 = 0n, c1 = 0n, c2 = 0n, c3 = 0n] = counter.map(BigInt);
  let [k0 = 0n, k1 = 0n] = key.map(BigInt);
  for (let round = 0; round < 10; round++) {
    const [first, second] = [0xd2511f53n * c0, 0xcd9e8d57n * c2];
    [c0, c1, c2, c3] = [(second >> 32n) ^ c1 ^ k0, second & mask, (first >> 32n) ^ c3 ^ k1, first & mask];
    [k0, k1] = [(k0 + 0x9e3779b9n) & mask, (k1 + 0xbb67ae85n) & mask];
  }
  return [c0, c1, c2, c3].map((word) => word.toString(16).padStart(8, '0')).join(' ');
}

describe('philox4x32', () => {
  test.each([
    ['0 0 0 0', '0 0', '6627e8d5 e169c58d bc57ac4c 9b00dbd8'],
    ['ffffffff ffffffff ffffffff ffffffff', 'ffffffff ffffffff', '408f276d 41c83b0e a20bc7c6 6d5451fd'],
    ['243f6a88 85a308d3 13198a2e 03707344', 'a4093822 299f31d0', 'd16cfe09 94fdcceb 5001e420 24126ea1'],
  ])("of counter %s and key %s is Random123's known answer", (counter, key, answer) => {
    expect(block(words(counter), words(key))).toBe(answer);
  });

  test('is what bigints give, for any counter and key', () => {
    const word = fc.integer({ min: 0, max: 2 ** 32 - 1 });
    fc.assert(
      fc.property(fc.tuple(word, word, word, word), fc.tuple(word, word), (counter, key) => {
        expect(block(Uint32Array.from(counter), Uint32Array.from(key))).toBe(withBigints(counter, key));
      }),
      { numRuns: 1000 },
    );
  });

  // A wrong carry shows in one of 65 536 products.
  test('is what bigints give for 20 000 counters in a row', () => {
    const wrong = Array.from({ length: 20_000 }, (_, index) => [index, 0, 0, 0]).filter(
      (counter) => block(Uint32Array.from(counter), words('1 2')) !== withBigints(counter, [1, 2]),
    );
    expect(wrong).toEqual([]);
  });
});

describe('pointSeed', () => {
  test('is the first 64 bits of the block of index and seed', () => {
    expect(pointSeed(0n, 0)).toBe(0xe169c58d6627e8d5n);
    expect(pointSeed(0x299f31d0a4093822n, 7)).toBe(
      BigInt(
        `0x${withBigints([7, 0, 0, 0], [0xa4093822, 0x299f31d0]).split(' ').slice(0, 2).reverse().join('')}`,
      ),
    );
  });

  test('depends on nothing but seed and index', () => {
    const stream = philoxStream(5n);
    const before = pointSeed(42n, 3);
    stream();
    pointSeed(42n, 4);
    expect(pointSeed(42n, 3)).toBe(before);
  });

  test('is another for every index and for every seed', () => {
    const ofIndices = Array.from({ length: 50_000 }, (_, index) => pointSeed(1n, index));
    expect(new Set(ofIndices).size).toBe(50_000);
    const ofSeeds = Array.from({ length: 2000 }, (_, seed) => pointSeed(BigInt(seed), 0));
    expect(new Set(ofSeeds).size).toBe(2000);
  });

  test('tells indices apart that agree in their lower 32 bits, and seeds in their lower or upper', () => {
    expect(pointSeed(0n, 2 ** 32)).not.toBe(pointSeed(0n, 0));
    expect(pointSeed(0n, 2 ** 53 - 1)).not.toBe(pointSeed(0n, 2 ** 32 - 1));
    expect(pointSeed(2n ** 32n, 0)).not.toBe(pointSeed(0n, 0));
    expect(pointSeed(2n ** 64n - 1n, 0)).not.toBe(pointSeed(2n ** 32n - 1n, 0));
  });

  test('fits in 64 bits', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.maxSafeNat(), (seed, index) => {
        const found = pointSeed(seed, index);
        expect(found >= 0n && found < 2n ** 64n).toBe(true);
      }),
    );
  });
});

describe('philoxStream', () => {
  const draw = (seed: bigint, count: number): number[] => {
    const next = philoxStream(seed);
    return Array.from({ length: count }, next);
  };

  test('begins with the upper 53 bits of the words of block 0, then of block 1', () => {
    const double = (high = '', low = ''): number =>
      ((parseInt(high, 16) >>> 5) * 2 ** 26 + (parseInt(low, 16) >>> 6)) / 2 ** 53;
    const blocks = [0, 1].map((counter) => withBigints([counter, 0, 0, 0], [9, 0]).split(' '));
    expect(draw(9n, 4)).toEqual(blocks.flatMap(([a, b, c, d]) => [double(a, b), double(c, d)]));
  });

  test('is the same for the same seed, and another for another', () => {
    expect(draw(7n, 100)).toEqual(draw(7n, 100));
    expect(draw(7n, 1)).not.toEqual(draw(8n, 1));
    expect(draw(7n, 1)).not.toEqual(draw(7n + 2n ** 32n, 1));
  });

  test('is uniform in [0, 1): mean, variance, every twentieth, and neighbours without correlation', () => {
    const count = 200_000;
    const values = draw(pointSeed(0n, 0), count);
    const mean = values.reduce((sum, value) => sum + value, 0) / count;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count;
    const neighbours =
      values.slice(1).reduce((sum, value, index) => sum + (value - mean) * ((values[index] ?? 0) - mean), 0) /
      (count * variance);
    const bins = new Array<number>(20).fill(0);
    for (const value of values) bins[Math.floor(value * 20)] = (bins[Math.floor(value * 20)] ?? 0) + 1;
    const chiSquare = bins.reduce((sum, found) => sum + (found - count / 20) ** 2 / (count / 20), 0);
    expect(Math.min(...values.slice(0, 1000))).toBeGreaterThanOrEqual(0);
    expect(values.every((value) => value >= 0 && value < 1)).toBe(true);
    // Four standard errors of each.
    expect(Math.abs(mean - 0.5)).toBeLessThan(4 * Math.sqrt(1 / 12 / count));
    expect(Math.abs(variance - 1 / 12)).toBeLessThan(4 * Math.sqrt(1 / 180 / count));
    expect(Math.abs(neighbours)).toBeLessThan(4 / Math.sqrt(count));
    expect(chiSquare).toBeLessThan(19 + 4 * Math.sqrt(38));
  });

  test('uses all of its 53 bits', () => {
    const values = draw(3n, 1000).map((value) => value * 2 ** 53);
    expect(values.every(Number.isInteger)).toBe(true);
    for (const bit of [0, 1, 25, 26, 27, 52]) {
      const ones = values.filter((value) => Math.floor(value / 2 ** bit) % 2 === 1).length;
      expect(Math.abs(ones - 500)).toBeLessThan(80);
    }
  });
});
