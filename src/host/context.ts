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
  readonly log: (...values: unknown[]) => void;
  /** The next number in [0, 1), 53 bits, of a stream that belongs to this point (Philox4x32-10 keyed by `seed`). */
  readonly random: () => number;
}

/** A worker: the function that computes one point. */
export type Worker<Point = Record<string, never>, Result = unknown> = (
  point: Point,
  context: WorkerContext,
) => Result | Promise<Result>;

/** What the contexts of all points of a task share. */
export interface SharedContext {
  readonly taskIndex: number;
  readonly sweepSeed: bigint;
  readonly signal: AbortSignal;
  readonly log: (...values: unknown[]) => void;
}

/** The context of one point: small, because one is made for every point; the rest is made when a worker asks for it. */
export class PointContext implements WorkerContext {
  readonly index: number;
  private readonly shared: SharedContext;
  private stream: (() => number) | undefined = undefined;

  constructor(index: number, shared: SharedContext) {
    this.index = index;
    this.shared = shared;
  }

  get task_index(): number {
    return this.shared.taskIndex;
  }

  get signal(): AbortSignal {
    return this.shared.signal;
  }

  get log(): WorkerContext['log'] {
    return this.shared.log;
  }

  get seed(): bigint {
    return pointSeed(this.shared.sweepSeed, this.index);
  }

  // A getter, so that `const { random } = context` works too.
  get random(): () => number {
    this.stream ??= philoxStream(this.seed);
    return this.stream;
  }
}
