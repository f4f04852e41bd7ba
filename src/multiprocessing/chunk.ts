import type { Death } from '../engine/local/host-process.js';
import type { CallReport, WireCall, WorkerFunction } from '../host/protocol.js';

/** Calls that one process makes one after another. */
export interface Chunk {
  readonly worker: WorkerFunction;
  /**
   * The calls as they pass to a process; made when one has room for them.
   * @throws TypeError where an argument can't pass
   */
  readonly calls: () => readonly WireCall[];
  /** Called once, with what became of it. */
  readonly settle: (outcome: Outcome) => void;
}

/** What became of a chunk: the values of its calls, up to the first that gave none. */
export interface Outcome {
  readonly values: readonly unknown[];
  readonly failure?: Failure;
}

/** Why a call gave no value. */
export type Failure =
  | {
      readonly kind: 'raised';
      readonly pid: number;
      readonly report: Extract<CallReport, { type: 'raised' }>;
    }
  | {
      readonly kind: 'crashed';
      readonly pid: number;
      readonly death: Death;
      /** The call that was in hand. */
      readonly position: number;
    }
  /** It was not made at all. */
  | { readonly kind: 'refused'; readonly error: unknown };

/** Where a dispatcher gets chunks from. */
export interface ChunkSource {
  /** The next chunk; undefined where there is none now. */
  take(): Chunk | undefined;
  /** How many chunks there are to take now. */
  readonly waiting: number;
  /** The pool is terminated: nothing more comes of it. */
  end(error: Error): void;
}
