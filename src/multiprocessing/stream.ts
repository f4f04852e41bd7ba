import type { WireCall, WorkerFunction } from '../host/protocol.js';
import type { Chunk, ChunkSource } from './chunk.js';
import { deferred } from '../deferred.js';
import { errorOf, makeChunk } from './mapping.js';

export interface StreamOptions {
  readonly items: Iterable<unknown> | AsyncIterable<unknown>;
  readonly call: (item: unknown) => WireCall;
  /** Items in a chunk. */
  readonly chunkSize: number;
  /** Values come in the order of the items, not of their ends. */
  readonly isOrdered: boolean;
  /** Chunks that are read ahead of those that were taken. */
  readonly ahead: number;
  /** Called when there is a chunk to take. */
  readonly onChunk: () => void;
}

/** The items of an `imap`: read a little ahead, and their values given one by one. */
export class Stream implements ChunkSource {
  readonly #options: StreamOptions;
  readonly #chunks: Chunk[] = [];
  /** What chunks came to, by the order in which it is given. */
  readonly #done = new Map<number, Done>();
  #read = 0;
  #settled = 0;
  #given = 0;
  #isReading = true;
  #end: { error: unknown } | undefined;
  /** Resolved at each change that the reader or the taker may wait for. */
  #change = deferred<undefined>();

  constructor(options: StreamOptions) {
    this.#options = options;
  }

  get waiting(): number {
    return this.#chunks.length;
  }

  take(): Chunk | undefined {
    return this.#chunks.shift();
  }

  end(error: unknown): void {
    this.#end ??= { error };
    this.#stop();
  }

  /** The values. Throws at the first item that has none, after those before it. */
  async *values(worker: Promise<WorkerFunction>): AsyncGenerator<unknown, void, undefined> {
    try {
      void this.#readAhead(await worker);
      for (;;) {
        const done = await this.#next();
        if (done === undefined) return;
        yield* done.values;
        if (done.failure !== undefined) throw done.failure.error;
      }
    } finally {
      this.#stop();
    }
  }

  // A source that is waited for can't be hurried: where nobody wants its items any more, it is closed at its next one.
  async #readAhead(worker: WorkerFunction): Promise<void> {
    const { items, chunkSize, ahead } = this.#options;
    let part: unknown[] = [];
    try {
      for await (const item of items) {
        if (part.push(item) < chunkSize) continue;
        this.#push(worker, part);
        part = [];
        while (this.#isReading && this.#read - this.#given >= ahead) await this.#change.promise;
        if (!this.#isReading) return;
      }
      if (part.length > 0) this.#push(worker, part);
    } catch (error) {
      this.#settle(this.#read++, { values: [], failure: { error } });
    }
    this.#isReading = false;
    this.#changed();
  }

  #push(worker: WorkerFunction, items: readonly unknown[]): void {
    if (!this.#isReading) return;
    const order = this.#read++;
    const part = { first: order * this.#options.chunkSize, items };
    this.#chunks.push(
      makeChunk(worker, this.#options.call, {
        ...part,
        settle: ({ values, failure }) => {
          this.#settle(order, {
            values,
            ...(failure === undefined ? {} : { failure: { error: errorOf(failure, part) } }),
          });
        },
      }),
    );
    this.#options.onChunk();
  }

  #settle(order: number, done: Done): void {
    this.#done.set(this.#options.isOrdered ? order : this.#settled++, done);
    this.#changed();
  }

  /** Undefined after the last. */
  async #next(): Promise<Done | undefined> {
    for (;;) {
      if (this.#end !== undefined) throw this.#end.error;
      const done = this.#done.get(this.#given);
      if (done !== undefined) {
        this.#done.delete(this.#given++);
        this.#changed();
        return done;
      }
      if (!this.#isReading && this.#given === this.#read) return undefined;
      await this.#change.promise;
    }
  }

  #stop(): void {
    this.#isReading = false;
    this.#chunks.length = 0;
    this.#changed();
  }

  #changed(): void {
    const { resolve } = this.#change;
    this.#change = deferred<undefined>();
    resolve(undefined);
  }
}

// --- internal ---

interface Done {
  readonly values: readonly unknown[];
  readonly failure?: { readonly error: unknown };
}
