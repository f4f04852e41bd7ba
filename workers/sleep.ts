/**
 * A job that only waits: `run_proc(name)` of sections 2, 4 and 7 of the article. It shows how processes share out
 * the work, so its process id and its measured time differ from run to run, unlike the result of any other example.
 *
 *     name      what the job is called                            (default "job")
 *     x         number of the job, put behind its name            (optional; the axis of a plain range)
 *     seconds   how long to wait, in seconds                      (default 2)
 *     →  job               the name and the number, as in "job-5"
 *        pid               id of the process that ran it
 *        running_seconds   measured time from start to end, in seconds
 */
import { performance } from 'node:perf_hooks';
import { pid } from 'node:process';
import { setTimeout } from 'node:timers/promises';

import type { WorkerContext } from 'fanfold';
import { z } from 'zod';

// Beyond this many milliseconds Node's timers overflow and fire at once.
const LONGEST_SECONDS = (2 ** 31 - 1) / 1000;

export const schema = z.object({
  name: z.union([z.string(), z.number()]).default('job'),
  x: z.int().optional(),
  seconds: z.number().nonnegative().max(LONGEST_SECONDS).default(2),
});

export const columns = { job: 'string', pid: 'int64', running_seconds: 'float64' } as const;

export default async function sleep({ name, x, seconds }: z.infer<typeof schema>, context: WorkerContext) {
  const job = x === undefined ? String(name) : `${String(name)}-${String(x)}`;
  const startMs = performance.now();
  await setTimeout(seconds * 1000, undefined, { signal: context.signal });
  const runningSeconds = (performance.now() - startMs) / 1000;
  context.log(`run_proc: ${job}, pid ${String(pid)}, running time ${runningSeconds.toFixed(3)} s`);
  return { job, pid, running_seconds: runningSeconds };
}
