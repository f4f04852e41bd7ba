import { FanfoldError } from '../errors.js';
import { openMemory, type SharedDescription, type SharedMemory } from './memory.js';

// By its registered symbol shared memory is known across copies of this module: a worker that imports fanfold has one, and
// the host that calls it another.
const DESCRIPTION = Symbol.for('fanfold.shared');

/** What a shared value and a shared array have in common: one lock, one file. */
class Shared {
  protected readonly memory: SharedMemory;

  constructor(memory: SharedMemory) {
    this.memory = memory;
  }

  /**
   * Does something while no other process is inside `lock` or `add` of this value or array. Not recursive: inside, use
   * `value`, `get` and `set`, not `add`. The lock of a process that was killed is taken over.
   */
  lock<T>(action: () => T | Promise<T>): Promise<T> {
    return this.memory.lock(action);
  }

  /** Closes the file, and removes it where this process has made it. */
  close(): void {
    this.memory.close();
  }

  get [DESCRIPTION](): SharedDescription {
    return this.memory.description;
  }
}

/** A number that several processes read and write. Made by `sharedValue`. */
export class SharedValue extends Shared {
  /** The number as it is now. A bigint where it is an integer beyond 2^53. */
  get value(): number | bigint {
    return this.memory.read(0);
  }

  set value(value: number | bigint) {
    this.memory.write(0, value);
  }

  /**
   * Adds to the number, as one step that no other `add` or `lock` comes between.
   * @returns the new number
   */
  add(amount: number | bigint): Promise<number | bigint> {
    return this.lock(() => (this.value = sum(this.value, amount)));
  }
}

/** Numbers that several processes read and write. Made by `sharedArray`. */
export class SharedArray extends Shared implements Iterable<number | bigint> {
  readonly length: number;

  constructor(memory: SharedMemory) {
    super(memory);
    this.length = memory.description.length;
  }

  /**
   * The number at a position as it is now.
   * @throws FanfoldError where there is no such position
   */
  get(index: number): number | bigint {
    return this.memory.read(this.#checkIndex(index));
  }

  /** @throws FanfoldError where there is no such position, or its type can't hold the value */
  set(index: number, value: number | bigint): void {
    this.memory.write(this.#checkIndex(index), value);
  }

  /** Adds to the number at a position, as one step. Gives the new number. */
  add(index: number, amount: number | bigint): Promise<number | bigint> {
    this.#checkIndex(index);
    return this.lock(() => {
      const value = sum(this.get(index), amount);
      this.set(index, value);
      return value;
    });
  }

  /** A copy of all numbers. Others may write while it is made: it is of one moment only under the lock. */
  toArray(): (number | bigint)[] {
    return this.memory.readAll();
  }

  /** Writes several numbers from a position on. */
  setAll(values: readonly (number | bigint)[], start = 0): void {
    if (values.length === 0) return;
    this.#checkIndex(start);
    this.#checkIndex(start + values.length - 1);
    this.memory.writeAll(values, start);
  }

  [Symbol.iterator](): ArrayIterator<number | bigint> {
    return this.toArray()[Symbol.iterator]();
  }

  #checkIndex(index: number): number {
    if (Number.isInteger(index) && index >= 0 && index < this.length) return index;
    throw new FanfoldError(
      'FANFOLD_USAGE',
      `Expected a position from 0 to ${String(this.length - 1)} of the shared array, got ${String(index)}.`,
    );
  }
}

/** What another process needs to open a shared value or array; undefined for anything else. */
export function sharedDescription(value: object): SharedDescription | undefined {
  return DESCRIPTION in value ? (value[DESCRIPTION] as SharedDescription) : undefined;
}

/** The shared value or array that another process has made. */
export function openShared(description: SharedDescription): SharedValue | SharedArray {
  const memory = openMemory(description);
  return description.scalar ? new SharedValue(memory) : new SharedArray(memory);
}

// --- internal ---

function sum(a: number | bigint, b: number | bigint): number | bigint {
  return typeof a === 'number' && typeof b === 'number' ? a + b : BigInt(a) + BigInt(b);
}
