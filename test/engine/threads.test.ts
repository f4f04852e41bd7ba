import { describe, expect, test } from '@jest/globals';
import { threadVariables } from '../../src/engine/local/threads.js';

const NAMES = [
  'OMP_NUM_THREADS',
  'OPENBLAS_NUM_THREADS',
  'MKL_NUM_THREADS',
  'BLIS_NUM_THREADS',
  'NUMBA_NUM_THREADS',
  'NUMEXPR_NUM_THREADS',
  'VECLIB_MAXIMUM_THREADS',
];

describe('the thread variables of a child', () => {
  test.each([
    [8, 8, '1'],
    [8, 4, '2'],
    [8, 3, '2'],
    [8, 1, '8'],
    [2, 8, '1'],
    [1, 1, '1'],
  ])('share %d processors among %d processes: %s threads each', (processors, jobs, threads) => {
    expect(threadVariables({}, processors, jobs)).toEqual(
      Object.fromEntries(NAMES.map((name) => [name, threads])),
    );
  });

  test('never give processes times threads more than the processors, where there is one for each', () => {
    for (let processors = 1; processors <= 64; processors++) {
      for (let jobs = 1; jobs <= processors; jobs++) {
        const threads = Number(threadVariables({}, processors, jobs)['OMP_NUM_THREADS']);
        expect(threads * jobs).toBeLessThanOrEqual(processors);
        expect((threads + 1) * jobs).toBeGreaterThan(processors);
      }
    }
  });

  test.each(NAMES)('leave %s as the user set it', (name) => {
    const variables = threadVariables({ [name]: '16', PATH: '/bin' }, 8, 8);
    expect(variables).toEqual(
      Object.fromEntries(NAMES.filter((other) => other !== name).map((other) => [other, '1'])),
    );
  });

  test('leave one that the user set to nothing', () => {
    expect(threadVariables({ OMP_NUM_THREADS: '' }, 4, 1)).not.toHaveProperty('OMP_NUM_THREADS');
  });
});
