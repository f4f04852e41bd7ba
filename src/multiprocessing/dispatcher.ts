import { FanfoldError } from '../errors.js';
import type { Chunk, ChunkSource } from './chunk.js';
import { deferred } from './deferred.js';
import { Slot, type SlotOptions } from './slot.js';

export interface DispatcherOptions extends Pick<SlotOptions, 'start' | 'fault'> {
  readonly processes: number;
  /** Chunks after which a process is replaced by a new one. */
  readonly maxTasksPerChild: number;
}

/** Shares the chunks of several sources out among the processes of a pool, first come, first served. */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #slots: Slot[];
  readonly #sources = new Set<ChunkSource>();
  /** Not begun by a process that died. */
  readonly #returned: Chunk[] = [];
  #state: 'open' | 'closing' | 'ended' = 'open';
  #isFilling = false;
  readonly #leaving: Promise<void>[] = [];
  readonly #ended = deferred<undefined>();

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#slots = Array.from(
      { length: options.processes },
      () =>
        new Slot({
          start: options.start,
          fault: options.fault,
          giveBack: (chunks) => {
            this.#returned.unshift(...chunks);
          },
          onChange: () => {
            this.wake();
          },
        }),
    );
    try {
      for (const slot of this.#slots) slot.start();
    } catch (error) {
      for (const slot of this.#slots) slot.kill();
      throw error;
    }
  }

  get pids(): readonly number[] {
    return this.#slots.map(({ pid }) => pid).filter((pid) => pid !== undefined);
  }

  add(source: ChunkSource): void {
    this.#sources.add(source);
    this.wake();
  }

  remove(source: ChunkSource): void {
    this.#sources.delete(source);
    this.wake();
  }

  /** There is a chunk to take, or room for one: soon, once all reports that have come are read. */
  wake(): void {
    if (this.#isFilling || this.#state === 'ended') return;
    this.#isFilling = true;
    setImmediate(() => {
      this.#isFilling = false;
      this.#fill();
    });
  }

  /** No more sources: the processes end when those that there are have got all they want. */
  close(): void {
    if (this.#state !== 'open') return;
    this.#state = 'closing';
    this.wake();
  }

  /** Ends the processes at once, and with them what is under way. */
  terminate(): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    const error = new FanfoldError('FANFOLD_STOPPED', 'The pool was terminated before this was done.', {
      exitCode: 1,
    });
    for (const source of this.#sources) source.end(error);
    this.#sources.clear();
    for (const slot of this.#slots) slot.kill();
    this.#leaving.push(...this.#slots.map((slot) => slot.ended()));
    this.#end();
  }

  /** Resolves when the pool is closed or terminated, and every process has ended. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  #fill(): void {
    if (this.#state === 'ended') return;
    this.#deal();
    for (const slot of this.#slots) slot.flush();
    // A chunk whose arguments can't pass leaves its slot idle.
    if (this.#waiting() > 0 && this.#slots.some(({ isIdle }) => isIdle)) this.wake();
    else if (this.#state === 'closing' && this.#sources.size === 0) this.#endIfIdle();
  }

  /** Gives each slot that has room its share of what waits, so that none is left with all of the last ones. */
  #deal(): void {
    for (const slot of this.#slots) {
      this.#renew(slot);
      const share = Math.ceil(this.#waiting() / this.#slots.length);
      const room = Math.min(slot.room, share, this.#options.maxTasksPerChild - slot.taken);
      for (let count = 0; count < room && !slot.isLoading; count++) {
        const chunk = this.#take();
        if (chunk === undefined) break;
        slot.give(chunk);
      }
    }
  }

  #renew(slot: Slot): void {
    if (slot.taken < this.#options.maxTasksPerChild || !slot.isIdle) return;
    this.#leaving.push(slot.exit());
  }

  #waiting(): number {
    let count = this.#returned.length;
    for (const source of this.#sources) count += source.waiting;
    return count;
  }

  #take(): Chunk | undefined {
    const returned = this.#returned.shift();
    if (returned !== undefined) return returned;
    for (const source of this.#sources) {
      const chunk = source.take();
      if (chunk !== undefined) return chunk;
    }
    return undefined;
  }

  #endIfIdle(): void {
    if (!this.#slots.every(({ isIdle }) => isIdle)) return;
    this.#state = 'ended';
    this.#leaving.push(...this.#slots.map((slot) => slot.exit()));
    this.#end();
  }

  #end(): void {
    void Promise.all(this.#leaving).then(() => {
      this.#ended.resolve(undefined);
    });
  }
}
