import { usableProcessors } from '../engine/local/processors.js';
import { threadVariables } from '../engine/local/threads.js';
import { FanfoldError } from '../errors.js';
import type { WireCall } from '../host/protocol.js';
import { Dispatcher } from './dispatcher.js';
import { Mapping } from './mapping.js';
import { Stream } from './stream.js';
import { kindOf, referenceOf, startProcess, wireCall, type WorkerKind } from './worker.js';

export interface PoolOptions {
  /** Chunks after which a process is replaced by a new one; never by default. */
  readonly maxTasksPerChild?: number;
  /** Environment variables, over those of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** `OMP_NUM_THREADS` and its kin for each process; by default processors / processes, unless the environment has them. */
  readonly threads?: number;
  /** The interpreter of Python functions, a path or a name on PATH; by default that of the active environment, then `python3`. */
  readonly python?: string;
}

export interface MapOptions {
  /** How many items a process is given at once. */
  readonly chunkSize?: number;
}

/** `map` makes this many chunks for each process, as Python's does. */
const CHUNKS_PER_PROCESS = 4;
/** How many chunks for each process `imap` reads ahead. */
const AHEAD_PER_PROCESS = 64;

/**
 * Processes that are reused for many calls, as Python's `multiprocessing.Pool`. A worker is named by its file, `FILE` or
 * `FILE:name`, or `FILE.py:name` for a Python function, and called with each item; different calls may name different
 * workers. Each kind has processes of its own: JavaScript, and each Python interpreter.
 *
 * A call that throws, or whose process ends, rejects with a CallError that names its item; nothing is computed twice. A
 * process that ends is replaced, so the pool stays usable, and what else is under way goes on. What a process prints is
 * printed. A program may end while a pool is open but idle; its processes end with it, however it ends.
 */
export class Pool {
  readonly #processes: number;
  readonly #env: NodeJS.ProcessEnv;
  readonly #maxTasksPerChild: number;
  readonly #python: string | undefined;
  readonly #dispatchers = new Map<WorkerKind, Dispatcher>();
  #isOpen = true;

  /**
   * The processes start with the first call.
   * @param processes how many; by default as many as this program may use processors
   * @throws FanfoldError where a number is not a positive integer
   */
  constructor(processes = usableProcessors(), { maxTasksPerChild, env, threads, python }: PoolOptions = {}) {
    checkCount('processes', processes);
    if (maxTasksPerChild !== undefined) checkCount('maxTasksPerChild', maxTasksPerChild);
    if (threads !== undefined) checkCount('threads', threads);
    const variables = threadVariables(process.env, usableProcessors(), processes, threads);
    this.#processes = processes;
    this.#env = { ...process.env, ...variables, ...env };
    this.#maxTasksPerChild = maxTasksPerChild ?? Infinity;
    this.#python = python;
  }

  /** The processes that there are now. */
  get pids(): readonly number[] {
    return [...this.#dispatchers.values()].flatMap(({ pids }) => pids);
  }

  /**
   * Calls the worker with each item.
   * @param options.chunkSize by default a quarter of an even share, as in Python; 1 shares items of unequal cost best
   * @returns the values in the order of the items
   * @throws CallError for the first call that failed; items that wait are then not computed
   */
  map(worker: string | URL, items: Iterable<unknown>, options: MapOptions = {}): Promise<unknown[]> {
    return this.#map(worker, items, { call: (item) => wireCall([item]), ...options });
  }

  /** As `map`, with the items of each list as arguments. */
  starmap(
    worker: string | URL,
    argumentLists: Iterable<readonly unknown[]>,
    options: MapOptions = {},
  ): Promise<unknown[]> {
    return this.#map(worker, argumentLists, { call: callWithList, ...options });
  }

  /** One call. Gives its value. */
  async apply(
    worker: string | URL,
    args: readonly unknown[] = [],
    kwargs?: Readonly<Record<string, unknown>>,
  ): Promise<unknown> {
    const call = wireCall(args, kwargs);
    const [value] = await this.#map(worker, [args], { call: () => call, chunkSize: 1 });
    return value;
  }

  /**
   * Calls the worker with each item and gives the values in the order of the items, each as soon as it is there. Items are
   * read as they are needed, 64 chunks for each process ahead at most, so that there may be infinitely many; nothing
   * begins before the first value is asked for.
   * @param options.chunkSize 1 by default; more where calls take microseconds
   * @throws CallError for the first item whose call failed, after the values before it. Values of the same chunk are lost
   *   where its process ended.
   */
  imap(
    worker: string | URL,
    items: Iterable<unknown> | AsyncIterable<unknown>,
    options: MapOptions = {},
  ): AsyncGenerator<unknown, void, undefined> {
    return this.#stream(worker, items, { isOrdered: true, ...options });
  }

  /** As `imap`, but the values come in the order in which they are computed. */
  imapUnordered(
    worker: string | URL,
    items: Iterable<unknown> | AsyncIterable<unknown>,
    options: MapOptions = {},
  ): AsyncGenerator<unknown, void, undefined> {
    return this.#stream(worker, items, { isOrdered: false, ...options });
  }

  /** Takes no more calls; the processes end when those under way are done. */
  close(): void {
    this.#isOpen = false;
    for (const dispatcher of this.#dispatchers.values()) dispatcher.close();
  }

  /** Ends the processes at once. What is under way is rejected. */
  terminate(): void {
    this.#isOpen = false;
    for (const dispatcher of this.#dispatchers.values()) dispatcher.terminate();
  }

  /**
   * Waits until all processes of a closed or terminated pool have ended. A closed one waits for what was begun, so each
   * `imap` must be taken to its end, or left by `break` or `return()`.
   * @throws FanfoldError where it is neither
   */
  async join(): Promise<void> {
    if (this.#isOpen) {
      throw new FanfoldError('FANFOLD_USAGE', 'Expected a closed pool, got an open one: close() it first.');
    }
    await Promise.all(Array.from(this.#dispatchers.values(), ({ ended }) => ended));
  }

  /** As at the end of Python's `with`: `terminate` and `join`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.terminate();
    await this.join();
  }

  async #map(
    worker: string | URL,
    given: Iterable<unknown>,
    { call, chunkSize }: MapOptions & { call: (item: unknown) => WireCall },
  ): Promise<unknown[]> {
    const reference = referenceOf(worker, { python: this.#python, mayBeIdle: true });
    const items = [...checkIterable(given, Symbol.iterator)];
    const share = Math.ceil(items.length / (CHUNKS_PER_PROCESS * this.#processes));
    if (chunkSize !== undefined) checkCount('chunkSize', chunkSize);
    const mapping = new Mapping({ items, call, chunkSize: chunkSize ?? Math.max(1, share) });
    const kind = kindOf(reference);
    const dispatcher = this.#dispatcher(kind);
    // Added before its worker is there, so that a pool that is closed meanwhile waits for it.
    dispatcher.add(mapping);
    try {
      kind.load(reference).then(
        (module) => {
          mapping.open(module);
          dispatcher.wake();
        },
        (error: unknown) => {
          mapping.end(error);
        },
      );
      return await mapping.result;
    } finally {
      dispatcher.remove(mapping);
    }
  }

  #stream(
    worker: string | URL,
    items: Iterable<unknown> | AsyncIterable<unknown>,
    { chunkSize = 1, isOrdered }: MapOptions & { isOrdered: boolean },
  ): AsyncGenerator<unknown, void, undefined> {
    const reference = referenceOf(worker, { python: this.#python, mayBeIdle: true });
    checkCount('chunkSize', chunkSize);
    checkIterable(items, Symbol.iterator, Symbol.asyncIterator);
    const kind = kindOf(reference);
    const dispatcher = this.#dispatcher(kind);
    const stream = new Stream({
      items,
      call: (item) => wireCall([item]),
      chunkSize,
      isOrdered,
      ahead: AHEAD_PER_PROCESS * this.#processes,
      onChunk: () => {
        dispatcher.wake();
      },
    });
    dispatcher.add(stream);
    return (async function* values() {
      try {
        yield* stream.values(kind.load(reference));
      } finally {
        dispatcher.remove(stream);
      }
    })();
  }

  /** Each kind of worker has processes of its own. */
  #dispatcher(kind: WorkerKind): Dispatcher {
    if (!this.#isOpen) {
      throw new FanfoldError(
        'FANFOLD_USAGE',
        'Expected an open pool, but it was closed or terminated: make a new one.',
      );
    }
    const known = this.#dispatchers.get(kind);
    if (known !== undefined) return known;
    const made = new Dispatcher({
      processes: this.#processes,
      start: () => startProcess(kind, this.#env),
      fault: kind.fault,
      maxTasksPerChild: this.#maxTasksPerChild,
    });
    this.#dispatchers.set(kind, made);
    return made;
  }
}

// --- internal ---

function callWithList(list: unknown): WireCall {
  if (Array.isArray(list)) return wireCall(list);
  throw new TypeError(`Expected each item of starmap to be a list of arguments, got a ${typeof list}.`);
}

/** Callers in plain JavaScript have no compiler that would tell them. */
function checkIterable<T>(items: T, ...ways: readonly symbol[]): T {
  const given: unknown = items;
  const isList = typeof given === 'string' || (typeof given === 'object' && given !== null);
  if (isList && ways.some((way) => way in Object(given))) return items;
  throw new FanfoldError(
    'FANFOLD_USAGE',
    `Expected items that can be iterated, such as an array, got ${given === null ? 'null' : `a value of type ${typeof given}`}.`,
  );
}

function checkCount(name: string, count: number): void {
  if (Number.isSafeInteger(count) && count > 0) return;
  throw new FanfoldError('FANFOLD_USAGE', `Expected ${name} to be a positive integer, got ${String(count)}.`);
}
