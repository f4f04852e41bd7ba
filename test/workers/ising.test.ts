import { describe, expect, test } from '@jest/globals';

import ising, { columns, schema } from '../../workers/ising.js';
import { testContext } from './context.js';
import {
  CRITICAL_TEMPERATURE,
  enumerated,
  kaufmanEnergy,
  onsagerEnergy,
  yangMagnetisation,
} from './onsager.js';

type Result = ReturnType<typeof ising>;

function run(point: { T: number; L?: number; sweeps?: number; warmup?: number }, index = 0): Result {
  return ising(schema.parse(point), testContext(index, 1n));
}

const energyPull = (result: Result, exact: number) => (result.energy - exact) / result.energy_error;
const magnetisationPull = (result: Result, exact: number) =>
  (result.magnetisation - exact) / result.magnetisation_error;

function rms(values: readonly number[]): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0) / values.length);
}

describe('the exact references', () => {
  test('at the critical temperature the energy is -√2 and the magnetisation begins', () => {
    expect(onsagerEnergy(CRITICAL_TEMPERATURE)).toBeCloseTo(-Math.SQRT2, 12);
    expect(yangMagnetisation(CRITICAL_TEMPERATURE - 1e-12)).toBeLessThan(0.05);
  });

  test.each([1.5, CRITICAL_TEMPERATURE, 3])(
    "at T = %d Kaufman's 4 by 4 lattice is that of its 65536 states",
    (T) => {
      expect(kaufmanEnergy(T, 4)).toBeCloseTo(enumerated(T, 4).energy, 7);
    },
  );

  test.each([1.5, 2, 3, 3.5])("at T = %d Kaufman's lattice of side 64 is Onsager's infinite one", (T) => {
    expect(kaufmanEnergy(T, 64)).toBeCloseTo(onsagerEnergy(T), 6);
  });
});

describe('ising', () => {
  test.each([
    [1.5, 32],
    [2, 32],
    [2, 64],
    [3, 32],
    [3.5, 32],
  ])("at T = %d on side %i the energy is Onsager's within four small errors", (T, L) => {
    const result = run({ T, L });
    expect(Math.abs(energyPull(result, onsagerEnergy(T)))).toBeLessThan(4);
    expect(result.energy_error).toBeGreaterThan(1e-4);
    expect(result.energy_error).toBeLessThan(4e-3);
  });

  test.each([
    [1.5, 32],
    [2, 32],
    [2, 64],
  ])("at T = %d on side %i the magnetisation is Yang's within four small errors", (T, L) => {
    const result = run({ T, L }, 1);
    expect(Math.abs(magnetisationPull(result, yangMagnetisation(T)))).toBeLessThan(4);
    expect(result.magnetisation_error).toBeGreaterThan(1e-5);
    expect(result.magnetisation_error).toBeLessThan(2e-3);
  });

  test.each([1.5, CRITICAL_TEMPERATURE, 4])(
    'at T = %d a lattice of side 4 is that of its 65536 states',
    (T) => {
      const exact = enumerated(T, 4);
      const result = run({ T, L: 4, sweeps: 50_000 });
      expect(Math.abs(energyPull(result, exact.energy))).toBeLessThan(4);
      expect(Math.abs(magnetisationPull(result, exact.magnetisation))).toBeLessThan(4);
      expect(result.energy_error).toBeLessThan(6e-3);
      expect(result.magnetisation_error).toBeLessThan(3e-3);
    },
  );

  // At T_c, too: there the sweeps are correlated the longest.
  test.each([2, CRITICAL_TEMPERATURE, 3])(
    'at T = %d the errors are as large as the deviations over 40 seeds',
    (T) => {
      const exact = kaufmanEnergy(T, 16);
      const pulls = Array.from({ length: 40 }, (_, i) =>
        energyPull(run({ T, L: 16, sweeps: 1000 }, i), exact),
      );
      expect(rms(pulls)).toBeGreaterThan(0.7);
      expect(rms(pulls)).toBeLessThan(1.4);
    },
  );

  test('the errors of the magnetisation are as large as its deviations over 40 seeds', () => {
    const exact = enumerated(2.5, 4).magnetisation;
    const pulls = Array.from({ length: 40 }, (_, i) =>
      magnetisationPull(run({ T: 2.5, L: 4, sweeps: 2000 }, i), exact),
    );
    expect(rms(pulls)).toBeGreaterThan(0.7);
    expect(rms(pulls)).toBeLessThan(1.4);
  });

  test('the errors fall by half with four times the sweeps', () => {
    const errors = [1000, 4000].map((sweeps) =>
      rms(Array.from({ length: 8 }, (_, i) => run({ T: 2.5, L: 8, sweeps }, i).energy_error)),
    );
    expect((errors[0] ?? 0) / (errors[1] ?? 0)).toBeGreaterThan(1.6);
    expect((errors[0] ?? 0) / (errors[1] ?? 0)).toBeLessThan(2.5);
  });

  test('the same seed gives the same result, another seed another one', () => {
    const point = { T: 2.3, L: 8, sweeps: 320 };
    expect(run(point, 5)).toEqual(run(point, 5));
    expect(run(point, 5)).not.toEqual(run(point, 6));
  });

  test('the warm-up is a tenth of the sweeps unless it is given', () => {
    const point = { T: 2.3, L: 8, sweeps: 1001 };
    expect(run(point)).toEqual(run({ ...point, warmup: 101 }));
    expect(run(point)).not.toEqual(run({ ...point, warmup: 0 }));
  });

  test('deep below T_c every spin is aligned and no error is seen', () => {
    expect(run({ T: 0.1 })).toEqual({
      energy: -2,
      energy_error: 0,
      magnetisation: 1,
      magnetisation_error: 0,
    });
  });

  test('the result has the declared columns', () => {
    expect(Object.keys(run({ T: 3, L: 4, sweeps: 320 }))).toEqual(Object.keys(columns));
  });

  test('a side of 32 and 2000 sweeps are the defaults', () => {
    expect(schema.parse({ T: 2 })).toEqual({ T: 2, L: 32, sweeps: 2000 });
  });

  test.each([
    {},
    { T: 0 },
    { T: -1 },
    { T: Infinity },
    { T: 2, L: 2 },
    { T: 2, L: 8.5 },
    { T: 2, sweeps: 319 },
    { T: 2, sweeps: 400.5 },
    { T: 2, warmup: -1 },
  ])('%j is refused', (point) => {
    expect(schema.safeParse(point).success).toBe(false);
  });
});
