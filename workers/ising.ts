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
 * The errors come from binning (`binned-mean.ts`), in bins that have to be much longer than the correlation time. That
 * is greatest at T_c: 4 sweeps on L = 32, 7 on L = 256. Against the exact energy of L = 32 at T_c the errors are right
 * to 5 % with 2000 sweeps, and 30 % too small with 320, the fewest allowed. An error of 0 says that no sweep met a
 * fluctuation, as deep below T_c.
 */
import type { WorkerContext } from 'fanfold';
import { z } from 'zod';

import { BINS, binnedMean } from './binned-mean.js';
import { xoshiro128 } from './xoshiro128.js';

const FEWEST_SWEEPS = 10 * BINS;

export const schema = z.object({
  T: z.number().positive(),
  // On a side of 1 or 2 a site would be its own neighbour, or the same one twice.
  L: z.int().min(3).max(4096).default(32),
  sweeps: z.int().min(FEWEST_SWEEPS).max(1e8).default(2000),
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
  const lattice = { spins: new Int8Array(L * L).fill(1), neighbours: neighbourTable(L) };
  const sweep = clusterSweep(lattice, T, xoshiro128(context.seed));
  for (let i = 0; i < warmup; i++) sweep();
  const energies = new Float64Array(sweeps);
  const magnetisations = new Float64Array(sweeps);
  for (let i = 0; i < sweeps; i++) {
    sweep();
    energies[i] = energyOf(lattice) / L ** 2;
    magnetisations[i] = Math.abs(magnetisationOf(lattice)) / L ** 2;
  }
  const [energy, energyError] = binnedMean(energies);
  const [magnetisation, magnetisationError] = binnedMean(magnetisations);
  return { energy, energy_error: energyError, magnetisation, magnetisation_error: magnetisationError };
}

// --- internal ---

interface Lattice {
  /** +1 or -1 on each site, row by row. */
  readonly spins: Int8Array;
  /** Right, below, left and above of site s, at 4 s to 4 s + 3. */
  readonly neighbours: Int32Array;
}

/**
 * A function that makes one sweep: cuts the lattice into clusters and gives each one a new spin.
 * @param nextWord gives uniformly distributed unsigned 32-bit integers
 */
function clusterSweep({ spins, neighbours }: Lattice, T: number, nextWord: () => number): () => void {
  const visited = new Uint8Array(spins.length);
  const stack = new Int32Array(spins.length);
  // A bond between equal spins is set with probability 1 - exp(-2 / T).
  const bondBelow = (1 - Math.exp(-2 / T)) * 2 ** 32;

  /** Gives every spin of the cluster that holds the site `first` the value `spin`. */
  function renewCluster(first: number, spin: number) {
    const old = spins[first];
    visited[first] = 1;
    stack[0] = first;
    let size = 1;
    while (size > 0) {
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

  return () => {
    visited.fill(0);
    for (let site = 0; site < spins.length; site++) {
      if (visited[site] === 0) renewCluster(site, nextWord() < 2 ** 31 ? 1 : -1);
    }
  };
}

/** E in J: minus the sum over the bonds of the product of their two spins. */
function energyOf({ spins, neighbours }: Lattice): number {
  let energy = 0;
  for (let site = 0; site < spins.length; site++) {
    const right = spins[neighbours[4 * site] ?? 0] ?? 0;
    const below = spins[neighbours[4 * site + 1] ?? 0] ?? 0;
    energy -= (spins[site] ?? 0) * (right + below);
  }
  return energy;
}

function magnetisationOf({ spins }: Lattice): number {
  return spins.reduce((sum, spin) => sum + spin, 0);
}

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
