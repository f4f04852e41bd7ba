import type { WorkerContext } from 'fanfold';

import { splitMix64 } from '../../workers/xoshiro128.js';

export interface TestContext extends WorkerContext {
  /** What the worker logged, one string a call. */
  readonly lines: readonly string[];
}

/** A context for calling a worker without a run: deterministic, and different for every index and seed. */
export function testContext(
  index: number,
  seed: bigint,
  signal: AbortSignal = new AbortController().signal,
): TestContext {
  const lines: string[] = [];
  const pointSeed = splitMix64(seed * 1_000_003n + BigInt(index))();
  const next = splitMix64(pointSeed);
  return {
    index,
    task_index: 0,
    seed: pointSeed,
    signal,
    lines,
    log: (...values) => void lines.push(values.map(String).join(' ')),
    random: () => Number(next() >> 11n) / 2 ** 53,
  };
}
