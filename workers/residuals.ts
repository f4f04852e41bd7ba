/**
 * Residual sum of squares of a NIST StRD nonlinear-regression model over its parameters: a sweep of it is a map of
 * the landscape that a fitting program has to walk down. Models and data: the files in `data/nist-strd/`, from
 * https://www.itl.nist.gov/div898/strd/nls/nls_main.shtml; units of b1 to b7 follow from the units stated there.
 *
 *     dataset      Misra1a, Eckerle4, Rat43, MGH09, Hahn1 or Thurber     (default Misra1a)
 *     b1 … b7      parameters of the model; as many as the model has, neither more nor fewer
 *     →  rss       Σ (y - model(x; b))² over the observations, in the square of y's unit; not finite where the
 *                  model isn't (a pole, a width of zero)
 */
import { z } from 'zod';

import { DATASETS, problem, type Dataset } from './nist-strd.js';

const NAMES = ['b1', 'b2', 'b3', 'b4', 'b5', 'b6', 'b7'] as const;

type Parameters = Readonly<Record<(typeof NAMES)[number], number>>;

interface Model {
  /** How many parameters it has: b1 to b`size`. */
  readonly size: number;
  readonly predict: (x: number, b: Parameters) => number;
}

const cubicOverCubic: Model = {
  size: 7,
  predict: (x, { b1, b2, b3, b4, b5, b6, b7 }) =>
    (b1 + b2 * x + b3 * x ** 2 + b4 * x ** 3) / (1 + b5 * x + b6 * x ** 2 + b7 * x ** 3),
};

const MODELS: Readonly<Record<Dataset, Model>> = {
  Misra1a: { size: 2, predict: (x, { b1, b2 }) => b1 * (1 - Math.exp(-b2 * x)) },
  Eckerle4: { size: 3, predict: (x, { b1, b2, b3 }) => (b1 / b2) * Math.exp(-0.5 * ((x - b3) / b2) ** 2) },
  Rat43: { size: 4, predict: (x, { b1, b2, b3, b4 }) => b1 / (1 + Math.exp(b2 - b3 * x)) ** (1 / b4) },
  MGH09: { size: 4, predict: (x, { b1, b2, b3, b4 }) => (b1 * (x ** 2 + x * b2)) / (x ** 2 + x * b3 + b4) },
  Hahn1: cubicOverCubic,
  Thurber: cubicOverCubic,
};

export const schema = z
  .object({
    dataset: z.enum(DATASETS).default('Misra1a'),
    b1: z.number().optional(),
    b2: z.number().optional(),
    b3: z.number().optional(),
    b4: z.number().optional(),
    b5: z.number().optional(),
    b6: z.number().optional(),
    b7: z.number().optional(),
  })
  .superRefine((point, refinement) => {
    const { size } = MODELS[point.dataset];
    for (const [i, name] of NAMES.entries()) {
      if ((point[name] !== undefined) === i < size) continue;
      const message = `the parameters of ${point.dataset} are b1 to b${String(size)}`;
      refinement.addIssue({ code: 'custom', path: [name], message });
    }
  });

export const columns = { rss: 'float64' } as const;

export default function residuals(point: z.infer<typeof schema>): number {
  const { b1 = NaN, b2 = NaN, b3 = NaN, b4 = NaN, b5 = NaN, b6 = NaN, b7 = NaN } = point;
  // What is missing here the model doesn't use: the schema has seen to that.
  const b = { b1, b2, b3, b4, b5, b6, b7 };
  const { predict } = MODELS[point.dataset];
  let rss = 0;
  for (const { x, y } of problem(point.dataset).observations) rss += (y - predict(x, b)) ** 2;
  return rss;
}
