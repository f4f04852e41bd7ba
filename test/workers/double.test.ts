import { expect, test } from '@jest/globals';

import double from '../../workers/double.js';

test('a number is doubled', () => {
  expect([0, 1, 16, -0.1, 1e308].map((x) => double({ x }))).toEqual([0, 2, 32, -0.2, Infinity]);
});
