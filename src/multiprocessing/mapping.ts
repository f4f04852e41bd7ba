import type { WireCall, WorkerFunction } from '../host/protocol.js';
import { CallError } from './call-error.js';
import type { Chunk, ChunkSource, Failure, Outcome } from './chunk.js';
import { deferred } from '../deferred.js';

/** Items to be mapped, and how each becomes a call. */
export interface MappedItems {
  readonly items: readonly unknown[];
  readonly call: (item: unknown) => WireCall;
  /** Items in a chunk. */
  readonly chunkSize: number;
}

/** All items of a `map`: cut into chunks, and their values put in order. */
export class Mapping implements ChunkSource {
  readonly #mapped: MappedItems;
  readonly #values: unknown[];
  readonly #result = deferred<unknown[]>();
  #worker: WorkerFunction | undefined;
  #next = 0;
  #left: number;

  constructor(mapped: MappedItems) {
    this.#mapped = mapped;
    this.#values = new Array<unknown>(mapped.items.length);
    this.#left = mapped.items.length;
    if (this.#left === 0) this.#result.resolve([]);
  }

  /** The values in the order of the items. Rejects at the first item that gives none. */
  get result(): Promise<unknown[]> {
    return this.#result.promise;
  }

  get waiting(): number {
    if (this.#worker === undefined) return 0;
    return Math.ceil((this.#mapped.items.length - this.#next) / this.#mapped.chunkSize);
  }

  /** The worker can be loaded now. */
  open(worker: WorkerFunction): void {
    this.#worker = worker;
  }

  take(): Chunk | undefined {
    if (this.waiting === 0 || this.#worker === undefined) return undefined;
    const { items, chunkSize } = this.#mapped;
    const first = this.#next;
    this.#next = Math.min(first + chunkSize, items.length);
    const part = { first, items: items.slice(first, this.#next) };
    return makeChunk(this.#worker, this.#mapped.call, {
      ...part,
      settle: (outcome) => {
        this.#settle(part, outcome);
      },
    });
  }

  end(error: unknown): void {
    // What was sent is computed, but what waits is not.
    this.#next = this.#mapped.items.length;
    this.#result.reject(error);
  }

  #settle(part: Part, { values, failure }: Outcome): void {
    if (failure !== undefined) {
      this.end(errorOf(failure, part));
      return;
    }
    for (let index = 0; index < values.length; index++) this.#values[part.first + index] = values[index];
    this.#left -= values.length;
    if (this.#left === 0) this.#result.resolve(this.#values);
  }
}

/** Items that stand together, and the index of the first. */
export interface Part {
  readonly first: number;
  readonly items: readonly unknown[];
}

export function makeChunk(
  worker: WorkerFunction,
  call: MappedItems['call'],
  { first, items, settle }: Part & Pick<Chunk, 'settle'>,
): Chunk {
  return {
    worker,
    calls: () =>
      items.map((item, index) => {
        try {
          return call(item);
        } catch (error) {
          if (error instanceof TypeError) error.message = `Item ${String(first + index)}: ${error.message}`;
          throw error;
        }
      }),
    settle,
  };
}

/** Why a call of a chunk gave no value, as an error that names its item. */
export function errorOf(failure: Failure, { first, items }: Part): unknown {
  if (failure.kind === 'refused') return failure.error;
  const position = failure.kind === 'raised' ? failure.report.position : failure.position;
  const place = { pid: failure.pid, index: first + position, item: items[position] };
  return failure.kind === 'raised'
    ? CallError.raised(place, failure.report)
    : CallError.crashed(place, failure.death);
}
