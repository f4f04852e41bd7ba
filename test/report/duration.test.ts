import { expect, test } from '@jest/globals';
import { count, formatSeconds } from '../../src/report/duration.js';

test.each([
  [0.004, '0.00 s'],
  [9.99, '9.99 s'],
  [12.34, '12.3 s'],
  [61, '1 min 1 s'],
  [3599.4, '59 min 59 s'],
  [3600, '1 h 0 min'],
  [90_000, '25 h 0 min'],
  [Infinity, '?'],
])('%d seconds read as %s', (seconds, text) => {
  expect(formatSeconds(seconds)).toBe(text);
});

test('counts have a plural and set thousands apart', () => {
  expect([count(1, 'point'), count(0, 'point'), count(12_345, 'task')]).toEqual([
    '1 point',
    '0 points',
    '12,345 tasks',
  ]);
});
