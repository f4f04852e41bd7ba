import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { cutIntoArrays } from '../../../src/engine/slurm/array-spec.js';

/** The elements that an array's indices stand for. */
function elementsOf({ first, spec }: { first: number; spec: string }): number[] {
  return (spec.split('%')[0] ?? '').split(',').flatMap((range) => {
    const [start = 0, stop = start] = range.split('-').map(Number);
    return Array.from({ length: stop - start + 1 }, (_, index) => first + start + index);
  });
}

describe('cutIntoArrays', () => {
  test('writes ranges, and how many may run at once', () => {
    const all = Array.from({ length: 500 }, (_, element) => element);
    expect(cutIntoArrays(all, { maxArraySize: 1001, maxRunning: 64 })).toEqual([
      { first: 0, spec: '0-499%64', count: 500 },
    ]);
    expect(cutIntoArrays([3, 17, 40, 41, 42], { maxArraySize: 1001 })).toEqual([
      { first: 0, spec: '3,17,40-42', count: 5 },
    ]);
  });

  test('begins again at index 0 where the bound of the index is met', () => {
    expect(cutIntoArrays([0, 1, 2, 3, 4, 5, 9], { maxArraySize: 4 })).toEqual([
      { first: 0, spec: '0-3', count: 4 },
      { first: 4, spec: '0-1', count: 2 },
      { first: 8, spec: '1', count: 1 },
    ]);
  });

  test('submits no array for nothing', () => {
    expect(cutIntoArrays([], { maxArraySize: 4 })).toEqual([]);
  });

  test('has every element once, with indices below the bound, in lists that are not too long', () => {
    const sizes = fc.integer({ min: 2, max: 3000 });
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(20_000), { maxLength: 4000 }), sizes, (elements, maxArraySize) => {
        const sorted = elements.sort((one, other) => one - other);
        const arrays = cutIntoArrays(sorted, { maxArraySize });
        expect(arrays.flatMap(elementsOf)).toEqual(sorted);
        for (const array of arrays) {
          expect(array.count).toBe(elementsOf(array).length);
          expect(Math.max(...elementsOf(array)) - array.first).toBeLessThan(maxArraySize);
          expect(array.spec.length).toBeLessThan(8100);
        }
      }),
      { numRuns: 50 },
    );
  });
});
