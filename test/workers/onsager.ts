/** Exact results for the two-dimensional Ising model without a field, in units where J = k_B = 1. */

/** Where the infinite lattice orders: sinh(2 / T_c) = 1. */
export const CRITICAL_TEMPERATURE = 2 / Math.log(1 + Math.SQRT2);

/** Energy per spin of the infinite lattice: L. Onsager, Phys. Rev. 65, 117 (1944). */
export function onsagerEnergy(T: number): number {
  const K = 1 / T;
  const factor = 2 * Math.tanh(2 * K) ** 2 - 1;
  // The term with the elliptic integral goes to zero at T_c, where the integral diverges.
  const term = factor === 0 ? 0 : (2 / Math.PI) * factor * ellipticK(Math.abs(factor));
  return -(1 + term) / Math.tanh(2 * K);
}

/** Spontaneous magnetisation of the infinite lattice: C. N. Yang, Phys. Rev. 85, 808 (1952). */
export function yangMagnetisation(T: number): number {
  return T < CRITICAL_TEMPERATURE ? (1 - Math.sinh(2 / T) ** -4) ** (1 / 8) : 0;
}

/** Energy per spin of the L × L periodic lattice, L even: B. Kaufman, Phys. Rev. 76, 1232 (1949). */
export function kaufmanEnergy(T: number, L: number): number {
  const step = 1e-5;
  return -(logPartition(1 / T + step, L) - logPartition(1 / T - step, L)) / (2 * step * L ** 2);
}

/** Mean energy and mean |magnetisation| per spin of the L × L periodic lattice, summed over all 2^(L²) states. */
export function enumerated(T: number, L: number): { energy: number; magnetisation: number } {
  const sites = L ** 2;
  let [partition, energySum, magnetisationSum] = [0, 0, 0];
  for (let state = 0; state < 2 ** sites; state++) {
    const spin = (x: number, y: number) => 2 * ((state >> ((x % L) + L * (y % L))) & 1) - 1;
    let [energy, magnetisation] = [0, 0];
    for (let site = 0; site < sites; site++) {
      const [x, y] = [site % L, Math.floor(site / L)];
      energy -= spin(x, y) * (spin(x + 1, y) + spin(x, y + 1));
      magnetisation += spin(x, y);
    }
    const weight = Math.exp(-energy / T);
    partition += weight;
    energySum += weight * energy;
    magnetisationSum += weight * Math.abs(magnetisation);
  }
  return { energy: energySum / partition / sites, magnetisation: magnetisationSum / partition / sites };
}

// --- internal ---

/** The complete elliptic integral of the first kind, from its complementary modulus √(1 - k²), by the AGM. */
function ellipticK(complementaryModulus: number): number {
  let [a, g] = [1, complementaryModulus];
  while (Math.abs(a - g) > 1e-15 * a) [a, g] = [(a + g) / 2, Math.sqrt(a * g)];
  return Math.PI / (2 * a);
}

/** ln Z of the L × L periodic lattice at the coupling K = 1 / T, but for a constant. */
function logPartition(K: number, L: number): number {
  const gamma = (l: number) =>
    l === 0
      ? 2 * K + Math.log(Math.tanh(K))
      : Math.acosh(Math.cosh(2 * K) / Math.tanh(2 * K) - Math.cos((Math.PI * l) / L));
  const halves = Array.from({ length: 2 * L }, (_, l) => (L * gamma(l)) / 2);
  const odd = halves.filter((_, l) => l % 2 === 1);
  const even = halves.filter((_, l) => l % 2 === 0);
  const logs = [sumOf(odd, logCosh), sumOf(odd, logSinh), sumOf(even, logCosh), sumOf(even, logSinh)];
  const largest = Math.max(...logs);
  // Only the smallest of the γ can be negative, and makes the last of the four products so.
  const signs = [1, 1, 1, Math.sign(gamma(0))];
  const sum = logs.reduce((total, log, i) => total + (signs[i] ?? 0) * Math.exp(log - largest), 0);
  return (L ** 2 / 2) * Math.log(2 * Math.sinh(2 * K)) + largest + Math.log(sum);
}

function sumOf(values: readonly number[], f: (value: number) => number): number {
  return values.reduce((sum, value) => sum + f(value), 0);
}

/** ln(2 cosh x) */
function logCosh(x: number): number {
  return Math.abs(x) + Math.log1p(Math.exp(-2 * Math.abs(x)));
}

/** ln |2 sinh x| */
function logSinh(x: number): number {
  return Math.abs(x) + Math.log1p(-Math.exp(-2 * Math.abs(x)));
}
