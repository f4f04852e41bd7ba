// The logistic map x -> r x (1 - x) from x = 0.2: where it is after 1000 steps, and its Lyapunov exponent. The same in C,
// Fortran, Julia and R stands beside it: R. M. May, Simple mathematical models with very complicated dynamics, Nature 261 (1976).

const STEPS = 1000;

export const columns = { x: 'float64', lyapunov: 'float64' } as const;

export default function logistic({ r }: { r: number }): { x: number; lyapunov: number } {
  let x = 0.2;
  let total = 0;
  for (let step = 0; step < STEPS; step++) {
    total += Math.log(Math.abs(r * (1 - 2 * x)));
    x = r * x * (1 - x);
  }
  return { x, lyapunov: total / STEPS };
}
