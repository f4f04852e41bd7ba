import { describe, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { problem } from '../../workers/nist-strd.js';
import { fanfold, read, temporaryFolder, WORKERS } from './command.js';

// The examples of the README as a user runs them. What is asked of the models themselves is in test/workers.

function rows(...path: string[]): number[][] {
  return read(...path)
    .trimEnd()
    .split('\n')
    .map((line) => line.split('   ').map(Number));
}

describe('the examples', () => {
  test('Misra1a over 200 × 200 has its minimum at the certified parameters, with the certified sum to 9 digits', async () => {
    const out = join(temporaryFolder(), 'run');
    const { exitCode } = await fanfold([
      join(WORKERS, 'residuals.ts'),
      '--param',
      'b1=linspace(228.94212918,248.84212918,200)',
      '--param',
      'b2=linspace(0.00052515643181,0.00057490643181,200)',
      '--out',
      out,
    ]);
    expect(exitCode).toBe(0);
    const found = rows(out, 'result.txt');
    expect(found).toHaveLength(40_000);
    const [b1, b2, rss = NaN] = found.reduce((best, row) =>
      (row[2] ?? NaN) < (best[2] ?? NaN) ? row : best,
    );
    const { parameters, residualSumOfSquares } = problem('Misra1a').certified;
    expect([b1, b2]).toEqual(parameters);
    expect(Math.abs(rss / residualSumOfSquares - 1)).toBeLessThan(1e-9);
  });

  test('Ising gives the same bytes for the same seed, whatever the number of jobs', async () => {
    const folder = temporaryFolder();
    const run = async (name: string, ...args: string[]): Promise<string> => {
      const out = join(folder, name);
      await fanfold([
        join(WORKERS, 'ising.ts'),
        '--param',
        'T=linspace(1.5,3.5,5)',
        '--set',
        'L=8',
        '--set',
        'sweeps=400',
        '--out',
        out,
        ...args,
      ]);
      return read(out, 'result.txt');
    };
    const one = await run('one', '--jobs', '1');
    expect(await run('three', '--jobs', '3')).toBe(one);
    expect(await run('fresh', '--tasks', '5', '--fresh')).toBe(one);
    expect(await run('seed', '--seed', '7')).not.toBe(one);
    expect(one.split('\n')).toHaveLength(6);
  });

  test('Haldane’s phase diagram has the exact boundary |M| = 3√3 t2 |sin phi|', async () => {
    const out = join(temporaryFolder(), 'run');
    await fanfold([
      join(WORKERS, 'haldane.ts'),
      '--param',
      'phi=linspace(-3.141592653589793,3.141592653589793,20)',
      '--param',
      'M=linspace(-0.8,0.8,20)',
      '--out',
      out,
    ]);
    const found = rows(out, 'result.txt');
    expect(found).toHaveLength(400);
    for (const [phi = NaN, mass = NaN, chern] of found) {
      const isTopological = Math.abs(mass) < 3 * Math.sqrt(3) * 0.1 * Math.abs(Math.sin(phi));
      expect(Math.abs(chern ?? NaN)).toBe(isTopological ? 1 : 0);
    }
    expect(new Set(found.map(([, , chern]) => chern))).toEqual(new Set([-1, 0, 1]));
  });
});
