import { describe, expect, test } from '@jest/globals';
import { collectRanges } from '../../src/run/index-ranges.js';

function rangesOf(indices: readonly number[], most?: number): unknown {
  const ranges = collectRanges(most);
  for (const index of indices) ranges.add(index);
  return ranges.list();
}

describe('ranges of indices', () => {
  test.each<[number[], string]>([
    [[], ''],
    [[0], '0'],
    [[7], '7'],
    [[0, 1, 2], '0-2'],
    [[3, 4, 5, 6, 7, 12], '3-7,12'],
    [[0, 2, 4, 5], '0,2,4-5'],
  ])('of %j are %j', (indices, ranges) => {
    expect(rangesOf(indices)).toEqual({ count: indices.length, ranges });
  });

  test('are cut where they are too many, and their count is not', () => {
    expect(rangesOf([0, 2, 4, 6, 7], 3)).toEqual({ count: 5, ranges: '0,2,4', isCut: true });
    expect(rangesOf([0, 2, 4], 3)).toEqual({ count: 3, ranges: '0,2,4' });
  });
});
