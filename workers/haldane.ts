/**
 * Chern number of the lower band of Haldane's honeycomb model, F. D. M. Haldane, Phys. Rev. Lett. 61, 2015 (1988), by
 * the method of T. Fukui, Y. Hatsugai and H. Suzuki, J. Phys. Soc. Jpn. 74, 1674 (2005): the phases of the overlaps
 * between neighbouring points of the Brillouin zone give an integer, whatever the gauge.
 *
 *     phi   phase, in radians, of a hop to a second neighbour anticlockwise round a hexagon
 *     M     on-site energy, +M on sublattice A and -M on B; in the unit of t1
 *     t1    hopping to nearest neighbours, positive: the unit of energy          (default 1)
 *     t2    hopping to second neighbours, in the unit of t1                      (default 0.1)
 *     n     the Brillouin zone is a mesh of n by n points                        (default 24)
 *     →  chern   sign(t2 sin phi) where |M| < 3√3 |t2 sin phi|, otherwise 0; the sign is that of Fukui et al.
 *
 * With n a multiple of 3 the corners K and K′, where the gap closes, are on the mesh, and the number is right as near
 * to the boundary as one likes; with any other n it may be wrong nearer than about 3 t1 / n². On the boundary itself
 * there is no gap and no Chern number: that is an error.
 */
import { z } from 'zod';

export const schema = z.object({
  phi: z.number(),
  M: z.number(),
  t1: z.number().positive().default(1),
  t2: z.number().default(0.1),
  n: z.int().min(3).max(1000).default(24),
});

export const columns = { chern: 'int64' } as const;

type Model = z.infer<typeof schema>;

/** A state on the two sublattices: the real and the imaginary part on A, then on B; not normalised. */
type State = readonly [number, number, number, number];

// A smaller gap than this, in units of t1 + |t2|, is taken for a rounded zero.
const SMALLEST_GAP = 1e-12;

export default function haldane(model: Model): number {
  const { n } = model;
  const states = Array.from({ length: n * n }, (_, k) => lowerState(model, Math.floor(k / n), k % n));
  const state = (i: number, j: number) => states[(i % n) * n + (j % n)] ?? NO_STATE;
  let chern = 0;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      const [a, b, c, d] = [state(i, j), state(i + 1, j), state(i + 1, j + 1), state(i, j + 1)];
      const curl = linkPhase(a, b) + linkPhase(b, c) + linkPhase(c, d) + linkPhase(d, a);
      // The curls add up to zero over the torus, so their principal values add up to the whole turns taken off here.
      chern -= Math.round(curl / (2 * Math.PI));
    }
  }
  return chern;
}

// --- internal ---

const NO_STATE: State = [NaN, NaN, NaN, NaN];

/**
 * The lower eigenvector of h·σ at k·a1 = 2π i / n and k·a2 = 2π j / n. The lattice vectors a1 and a2, at 0° and 60°,
 * are the only phases, so the Hamiltonian is periodic in reciprocal vectors and the mesh is a torus.
 */
function lowerState({ phi, M, t1, t2, n }: Model, i: number, j: number): State {
  const k1 = (2 * Math.PI * i) / n;
  const k2 = (2 * Math.PI * j) / n;
  const hx = t1 * (1 + Math.cos(k1) + Math.cos(k2));
  const hy = t1 * (Math.sin(k1) + Math.sin(k2));
  const hz = M - 2 * t2 * Math.sin(phi) * (Math.sin(k1) + Math.sin(k2 - k1) - Math.sin(k2));
  const h = Math.hypot(hx, hy, hz);
  if (2 * h < SMALLEST_GAP * (t1 + Math.abs(t2))) {
    throw new Error(
      `The gap is closed at phi = ${String(phi)}, M = ${String(M)}: the point is on the phase boundary ` +
        '|M| = 3√3 |t2 sin phi| and has no Chern number.',
    );
  }
  // Of the two forms of the eigenvector the one without cancellation.
  return hz <= 0 ? [hz - h, 0, hx, hy] : [-hx, hy, hz + h, 0];
}

/** The argument of the overlap ⟨u|v⟩, in radians. */
function linkPhase(u: State, v: State): number {
  const re = u[0] * v[0] + u[1] * v[1] + u[2] * v[2] + u[3] * v[3];
  const im = u[0] * v[1] - u[1] * v[0] + u[2] * v[3] - u[3] * v[2];
  return Math.atan2(im, re);
}
