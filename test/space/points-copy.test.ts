import { expect, test } from '@jest/globals';
import { FanfoldError } from '../../src/errors.js';
import { defineSpace, spaceFrom } from '../../src/space/definition.js';
import {
  columnsFrom,
  parsePoints,
  pointsColumns,
  type PointsColumns,
} from '../../src/space/points-columns.js';
import { space } from '../../src/space/space.js';

const COLUMNS = {
  version: 1,
  columns: [
    { name: 'n', dtype: 'int64', values: [1, '9007199254740993'] },
    { name: 'x', dtype: 'float64', values: [0.5, 'nan'] },
    { name: 's', dtype: 'string', values: ['a b', null] },
  ],
} satisfies PointsColumns;

test('a copy of the points that is cut at any byte, or of which any bit is flipped, is damaged or the same', () => {
  const axes = columnsFrom(COLUMNS);
  const definition = defineSpace(space([axes]));
  const bytes = Buffer.from(`${JSON.stringify(pointsColumns(axes))}\n`);
  const cut = Array.from(bytes, (_, at) => bytes.subarray(0, at));
  const flipped = Array.from({ length: bytes.length * 8 }, (_, bit) => {
    const copy = Buffer.from(bytes);
    copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    return copy;
  });
  for (const damaged of [...cut, ...flipped]) {
    expect(outcome(damaged.toString('utf8'))).toMatch(/^FANFOLD_DAMAGED$|^the same$/);
  }

  function outcome(text: string): string {
    try {
      const read = spaceFrom(definition, parsePoints(text));
      expect([0, 1].map((index) => read.point(index))).toEqual(
        [0, 1].map((index) => space([axes]).point(index)),
      );
      return 'the same';
    } catch (error) {
      return error instanceof FanfoldError ? error.code : String(error);
    }
  }
});
