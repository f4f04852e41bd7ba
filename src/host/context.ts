import { philoxStream, pointSeed } from './philox.js';

/** What a worker is told about the point it computes, beside the point itself. */
export interface WorkerContext {
  /** Position of the point in the space, counted from 0. */
  readonly index: number;
  /** Number of the task that holds the point; only for messages, never for seeding. */
  readonly task_index: number;
  /** 64-bit seed made from `--seed` and `index` alone, so that it is the same however the run is cut or resumed. */
  readonly seed: bigint;
  /** Aborted when the run is stopped: a worker may end early; its point is then computed again on resume. */
  readonly signal: AbortSignal;
  /** Writes a line into `logs/task_index=N.log`. */
  log(...values: unknown[]): void;
  /** The next number in [0, 1), 53 bits, of a stream that belongs to this point (Philox4x32-10 keyed by `seed`). */
  random(): number;
}

/** A worker: the function that computes one point. */
export type Worker<Point = Record<string, never>, Result = unknown> = (
  point: Point,
  context: WorkerContext,
) => Result | Promise<Result>;

export interface PointPlace {
  readonly index: number;
  readonly taskIndex: number;
}

/** The context of one point. A class, so that the seed and the stream are only made when a worker asks for them. */
export class PointContext implements WorkerContext {
  readonly index: number;
  readonly task_index: number;
  readonly signal: AbortSignal;
  readonly log: (...values: unknown[]) => void;
  readonly #sweepSeed: bigint;
  #stream: (() => number) | undefined;

  constructor(
    place: PointPlace,
    shared: { sweepSeed: bigint; signal: AbortSignal; log: (...values: unknown[]) => void },
  ) {
    this.index = place.index;
    this.task_index = place.taskIndex;
    this.signal = shared.signal;
    this.log = shared.log;
    this.#sweepSeed = shared.sweepSeed;
  }

  get seed(): bigint {
    return pointSeed(this.#sweepSeed, this.index);
  }

  random(): number {
    this.#stream ??= philoxStream(this.seed);
    return this.#stream();
  }
}
