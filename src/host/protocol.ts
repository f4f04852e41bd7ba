import type { Column, DeclaredColumns, Layout } from '../format/layout.js';
import type { WholeNumbers } from '../format/cell.js';
import type { CertificateFacts, OomKills } from '../run/certificate.js';
import type { Limits } from '../run/limits.js';
import type { CommandSpec, SweepSpec } from '../run/spec.js';
import type { Tries } from '../run/tries.js';
import type { Slice } from '../slicing.js';
import type { Point } from '../space/space.js';

// Every message between a coordinator and a host: JSON lines, commands on the host's file descriptor 4, reports on its
// descriptor 3. Results of a sweep never pass here, they go into the run directory; those of calls do.

/** What a host loads. */
export type HostWorker = WorkerFunction | WorkerCommand;

/** A function, which can also be called outside a sweep. */
export type WorkerFunction = WorkerModule | WorkerPython;

/** Where a host finds a worker's function. */
export interface WorkerModule {
  readonly kind: 'module';
  /** Absolute path of the bundled module. */
  readonly file: string;
  readonly export: string;
}

/** What a Python host imports. */
export interface WorkerPython {
  readonly kind: 'python';
  /** Absolute path of the model. */
  readonly file: string;
  /** Name of its function. */
  readonly export: string;
}

/** What a host starts for its points. All paths are absolute. */
export interface WorkerCommand {
  readonly kind: 'command';
  readonly spec: CommandSpec;
  readonly program: string;
  /** The folder in which it runs. */
  readonly folder: string;
  /** Where the points' own folders are made. */
  readonly scratch: string;
  readonly keepScratch: boolean;
  /** A folder for what the commands print; it lives as long as the coordinator. */
  readonly temporary: string;
  /** The sweep's parameters in order: those of its axes, then fixed ones. */
  readonly parameters: readonly Column[];
}

/** What is the same for every task of a run. */
export interface RunJob {
  readonly directory: string;
  /** Id of the lock's holding under which it is written to; none where nobody else knows of it. */
  readonly holding?: string;
  /** The element of a batch job whose journals are written. */
  readonly element?: number;
  readonly spec: SweepSpec;
  readonly wholeNumbers: WholeNumbers;
  readonly limits: Limits;
  /** For the certificates of attempts that fail. */
  readonly facts: CertificateFacts;
  /** As the worker declared them when the run began. */
  readonly columns?: DeclaredColumns;
}

/** One task as a host computes it. */
export interface TaskJob extends Slice {
  readonly index: number;
  /** Known once any task of the run has computed a point. */
  readonly layout?: Layout;
  /** Announce every point and flush after it, because a process has died in this task. */
  readonly isCareful: boolean;
  /** Compute the failed points again. */
  readonly retryFailed: boolean;
  /** How many attempts at each point have failed before, by index. */
  readonly attempts: Readonly<Record<number, number>>;
  /** Those of them that ended a process in this session, by index. */
  readonly tries: Readonly<Record<number, Tries>>;
  /** The system's counters a moment before the task began. */
  readonly oomKills: OomKills;
  /** Bytes of the task's log that stood there before. */
  readonly logStart: number;
  /** Points that have no retries left, or have failed in this retry already: recorded as failed, not computed. */
  readonly doomed: readonly number[];
}

/** One call of a worker's function; the values are as wire.ts has them. */
export interface WireCall {
  readonly args: readonly unknown[];
  /** In JavaScript an object after the other arguments, in Python keyword arguments. */
  readonly kwargs?: Readonly<Record<string, unknown>>;
}

/** Calls of the loaded worker's function, one after another. */
export interface CallJob {
  readonly id: number;
  readonly calls: readonly WireCall[];
  /**
   * A file that holds, once a call has begun, two unsigned integers of 32 bits, little endian: this id, and the call's
   * position. It tells which call was in hand when the process was killed. Not needed for a single call.
   */
  readonly progress?: string;
}

/** What became of a CallJob: all values, or those before the first call that threw. */
export type CallReport =
  | { type: 'returned'; id: number; values: readonly unknown[] }
  | {
      type: 'raised';
      id: number;
      position: number;
      values: readonly unknown[];
      error: string;
      stack?: string;
    };

export type Command =
  | { type: 'load'; worker: HostWorker }
  /** Check points against the worker's schema, if it has one. Integers beyond 2^53 are stored as `{ bigint }`. */
  | {
      type: 'check';
      names: readonly string[];
      points: readonly string[];
      /** Types of the parameters, where JavaScript doesn't tell them by the value: 1 may be 1.0. */
      dtypes: Readonly<Record<string, string>>;
    }
  | { type: 'run'; job: RunJob }
  | { type: 'task'; task: TaskJob }
  | ({ type: 'call' } & CallJob)
  | { type: 'stop' }
  /** To a Python host: fork, and let the child take its commands from a Unix socket. */
  | { type: 'fork'; id: number; socket: string }
  | { type: 'exit' };

export type Report =
  | {
      type: 'loaded';
      columns?: DeclaredColumns;
      hasSchema: boolean;
      /** Of a Python model: sha256 of every source file of the user's, by path relative to the model's folder. */
      files?: Readonly<Record<string, string>>;
      /** Of what runs the worker, where that is not node. */
      versions?: { readonly python: string };
    }
  | { type: 'refused'; message: string }
  | { type: 'checked'; problems: readonly string[] }
  /** A task's first point is about to be computed. */
  | { type: 'begin' }
  /** In a careful task: this point is about to be computed. */
  | { type: 'point'; index: number }
  /** No point is in hand any more: what follows is the work of the host. */
  | { type: 'computed' }
  /** Points have failed for good, as far as this session goes: lines stand for them. */
  | { type: 'failed'; indices: readonly number[] }
  /**
   * From here on the lines of points may wait for others; or each is written before the next point begins again, as at the
   * beginning of a task.
   */
  | { type: 'pace'; isFast: boolean }
  /** The point in hand has failed, and is tried again by its host after so many milliseconds. */
  | { type: 'again'; index: number; afterMs: number }
  | { type: 'layout'; layout: Layout }
  /**
   * The task is as far as it can be now: its file says how far. With the hashes of the user's files that a Python model has
   * imported since, by path relative to the model's folder.
   */
  | { type: 'done'; files?: Readonly<Record<string, string>> }
  /** Another process has taken the task's file over: what was computed of it now is lost. */
  | { type: 'superseded' }
  /** A forked child has connected to its socket. */
  | { type: 'hello'; id: number; pid: number }
  | { type: 'forked'; id: number; pid: number }
  | {
      type: 'ended';
      id: number;
      exitCode: number | null;
      signal: NodeJS.Signals | null;
      usage?: { readonly peakMemoryBytes: number; readonly processorSeconds: number };
    }
  | CallReport
  /** The host can't go on: a full disk, a directory that vanished. `place` says where, if not in the run directory. */
  | { type: 'broken'; message: string; place?: string; stack?: string };

/** A point as text: JSON with bigints kept. */
export function encodePoint(point: Point): string {
  return JSON.stringify(point, (_, value: unknown) =>
    typeof value === 'bigint'
      ? { bigint: String(value) }
      : isUnstorable(value)
        ? { number: nameNumber(value) }
        : value,
  );
}

export function decodePoint(text: string): Point {
  return JSON.parse(text, (key, value: unknown) => {
    // The point itself may have a parameter of either name.
    if (key === '' || typeof value !== 'object' || value === null) return value;
    if ('bigint' in value) return BigInt(String(value.bigint));
    return 'number' in value ? Number(value.number) : value;
  }) as Point;
}

// --- internal ---

function isUnstorable(value: unknown): value is number {
  return typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0));
}

function nameNumber(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}
