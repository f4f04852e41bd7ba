/**
 * The two-dimensional Ising model without a field on an L × L periodic lattice, in units where J = k_B = 1, by the
 * cluster algorithm of R. H. Swendsen and J.-S. Wang, Phys. Rev. Lett. 58, 86 (1987). The infinite lattice orders
 * below T_c = 2 / ln(1 + √2) = 2.269….
 *
 *     T        temperature, in J / k_B
 *     L        side of the lattice, in sites                           (default 32)
 *     sweeps   measured sweeps; each one renews every spin             (default 2000)
 *     warmup   sweeps before the first measurement                     (default sweeps / 10)
 *     →  energy, energy_error                 mean of E / L², in J, and its standard error
 *        magnetisation, magnetisation_error   mean of |Σ s| / L², and its standard error
 *
 * The errors come from binning: the sweeps are cut into 32 consecutive bins, and the scatter of the bins' means gives
 * the error of their mean, time correlations within a bin included. So a bin has to be much longer than the
 * correlation time, which has its maximum at T_c and grows slowly with L: see `test/workers/ising.test.ts` for how
 * well that holds there. An error of 0 means that no sweep met a fluctuation, as deep below T_c.
 */
import type { WorkerContext } from 'fanfold';
import { z } from 'zod';

import { xoshiro128 } from './xoshiro128.js';

const BINS = 32;

export const schema = z.object({
  T: z.number().positive(),
  // On a side of 1 or 2 a site would be its own neighbour, or the same one twice.
  L: z.int().min(3).max(4096).default(32),
  sweeps: z
    .int()
    .min(10 * BINS)
    .default(2000),
  warmup: z.int().nonnegative().optional(),
});

export const columns = {
  energy: 'float64',
  energy_error: 'float64',
  magnetisation: 'float64',
  magnetisation_error: 'float64',
} as const;

export default function ising(point: z.infer<typeof schema>, context: WorkerContext) {
  const { T, L, sweeps, warmup = Math.ceil(sweeps / 10) } = point;
  const lattice = orderedLattice(L, T, xoshiro128(context.seed));
  for (let sweep = 0; sweep < warmup; sweep++) lattice.sweep();
  const energies = new Float64Array(sweeps);
  const magnetisations = new Float64Array(sweeps);
  for (let sweep = 0; sweep < sweeps; sweep++) {
    lattice.sweep();
    energies[sweep] = lattice.energy() / L ** 2;
    magnetisations[sweep] = Math.abs(lattice.magnetisation()) / L ** 2;
  }
  const [energy, energyError] = binnedMean(energies);
  const [magnetisation, magnetisationError] = binnedMean(magnetisations);
  return { energy, energy_error: energyError, magnetisation, magnetisation_error: magnetisationError };
}

// --- internal ---

/**
 * A lattice with all spins up.
 * @param nextWord gives uniformly distributed unsigned 32-bit integers
 */
function orderedLattice(L: number, T: number, nextWord: () => number) {
  const spins = new Int8Array(L * L).fill(1);
  const neighbours = neighbourTable(L);
  const visited = new Uint8Array(L * L);
  const stack = new Int32Array(L * L);
  // A bond between equal spins is set with probability 1 - exp(-2 / T).
  const bondBelow = (1 - Math.exp(-2 / T)) * 2 ** 32;

  /** Gives every spin of the cluster that holds `first` the value `spin`. */
  function renewCluster(first: number, spin: number) {
    const old = spins[first];
    visited[first] = 1;
    stack[0] = first;
    for (let size = 1; size > 0;) {
      const site = stack[--size] ?? 0;
      spins[site] = spin;
      for (let k = 4 * site; k < 4 * site + 4; k++) {
        const next = neighbours[k] ?? 0;
        if (visited[next] === 1 || spins[next] !== old || nextWord() >= bondBelow) continue;
        visited[next] = 1;
        stack[size++] = next;
      }
    }
  }

  return {
    sweep() {
      visited.fill(0);
      for (let site = 0; site < L * L; site++) {
        if (visited[site] === 0) renewCluster(site, nextWord() < 2 ** 31 ? 1 : -1);
      }
    },
    /** E in J: minus the sum over the bonds of the product of their two spins. */
    energy() {
      let energy = 0;
      for (let site = 0; site < L * L; site++) {
        const [right, below] = [neighbours[4 * site] ?? 0, neighbours[4 * site + 1] ?? 0];
        energy -= (spins[site] ?? 0) * ((spins[right] ?? 0) + (spins[below] ?? 0));
      }
      return energy;
    },
    magnetisation: () => spins.reduce((sum, spin) => sum + spin, 0),
  };
}

/** Right, below, left, above of site s, at 4 s to 4 s + 3. */
function neighbourTable(L: number): Int32Array {
  const table = new Int32Array(4 * L * L);
  for (let site = 0; site < L * L; site++) {
    const x = site % L;
    const row = site - x;
    const [right, left] = [row + ((x + 1) % L), row + ((x + L - 1) % L)];
    const [below, above] = [(site + L) % (L * L), (site + L * L - L) % (L * L)];
    table.set([right, below, left, above], 4 * site);
  }
  return table;
}

/** The mean of a time series, and its standard error from the scatter of the means of its bins. */
function binnedMean(series: Float64Array): [mean: number, standardError: number] {
  const mean = average(series);
  let scatter = 0;
  for (let bin = 0; bin < BINS; bin++) {
    const start = Math.floor((bin * series.length) / BINS);
    const end = Math.floor(((bin + 1) * series.length) / BINS);
    scatter += (average(series.subarray(start, end)) - mean) ** 2;
  }
  return [mean, Math.sqrt(scatter / (BINS * (BINS - 1)))];
}

function average(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
