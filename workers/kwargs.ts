/**
 * Keyword arguments with defaults: `run_proc(name, a=0, b=-1)` of section 3 of the article, called with a and b,
 * with a only, with b only and with neither. `data/kwargs.csv` holds these four calls; an empty cell is "not given",
 * and the schema's default takes its place.
 *
 *     name      what the call is named                  (default "job")
 *     a         an integer                              (default 0)
 *     b         an integer                              (default -1)
 *     seconds   how long to wait first, in seconds      (default 0; the article waits 2)
 *     →  a_used, b_used   the two values that the call came to have
 */
import { setTimeout } from 'node:timers/promises';

import type { WorkerContext } from 'fanfold';
import { z } from 'zod';

export const schema = z.object({
  name: z.union([z.string(), z.number()]).default('job'),
  a: z.int().default(0),
  b: z.int().default(-1),
  // An hour is more than any demonstration needs, and far from where Node's timers overflow.
  seconds: z.number().nonnegative().max(3600).default(0),
});

// Not `a` and `b`: a result column can't share its name with a parameter of the sweep.
export const columns = { a_used: 'int64', b_used: 'int64' } as const;

export default async function kwargs(point: z.infer<typeof schema>, context: WorkerContext) {
  const { name, a, b, seconds } = point;
  if (seconds > 0) await setTimeout(seconds * 1000, undefined, { signal: context.signal });
  context.log(`run_proc: ${String(name)}, a=${String(a)}, b=${String(b)}`);
  return { a_used: a, b_used: b };
}
