import { FanfoldError } from '../errors.js';
import { createMemory, openMemory, type SharedDescription, type SharedMemory } from './memory.js';
import type { Typecode } from './typecode.js';

// By its registered symbol shared memory is known across copies of this module: a worker that imports fanfold has one, and
// the host that calls it another.
const DESCRIPTION = Symbol.for('fanfold.shared');

/** A number that several processes read and write. Made by `sharedValue`. */
export class SharedValue {
  readonly #memory: SharedMemory;

  constructor(memory: SharedMemory) {
    this.#memory = memory;
  }

  /** The number as it is now. A bigint where it is an integer beyond 2^53. */
  get value(): number | bigint {
    return this.#memory.read(0);
  }

  set value(value: number | bigint) {
    this.#memory.write(0, value);
  }

  /**
   * Adds to the number, as one step that no other `add` or `lock` comes between.
   * @returns the new number
   */
  add(amount: number | bigint): Promise<number | bigint> {
    return this.lock(() => (this.value = sum(this.value, amount)));
  }

  /**
   * Does something while no other process is inside `lock` or `add` of this value. Not recursive: inside, use `value`,
   * not `add`. The lock of a process that was killed is taken over.
   */
  lock<T>(action: () => T | Promise<T>): Promise<T> {
    return this.#memory.lock(action);
  }

  /** Closes the file, and removes it where this process has made it. */
  close(): void {
    this.#memory.close();
  }

  get [DESCRIPTION](): SharedDescription {
    return this.#memory.description;
  }
}

/** Numbers that several processes read and write. Made by `sharedArray`. */
export class SharedArray implements Iterable<number | bigint> {
  readonly length: number;
  readonly #memory: SharedMemory;

  constructor(memory: SharedMemory) {
    this.#memory = memory;
    this.length = memory.description.length;
  }

  /**
   * The number at a position as it is now.
   * @throws FanfoldError where there is no such position
   */
  get(index: number): number | bigint {
    return this.#memory.read(this.#checkIndex(index));
  }

  /** @throws FanfoldError where there is no such position, or its type can't hold the value */
  set(index: number, value: number | bigint): void {
    this.#memory.write(this.#checkIndex(index), value);
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
    return this.#memory.readAll();
  }

  /** Writes several numbers from a position on. */
  setAll(values: readonly (number | bigint)[], start = 0): void {
    if (values.length === 0) return;
    this.#checkIndex(start);
    this.#checkIndex(start + values.length - 1);
    this.#memory.writeAll(values, start);
  }

  [Symbol.iterator](): ArrayIterator<number | bigint> {
    return this.toArray()[Symbol.iterator]();
  }

  /** As that of a SharedValue; there is one for the whole array. */
  lock<T>(action: () => T | Promise<T>): Promise<T> {
    return this.#memory.lock(action);
  }

  /** Closes the file, and removes it where this process has made it. */
  close(): void {
    this.#memory.close();
  }

  get [DESCRIPTION](): SharedDescription {
    return this.#memory.description;
  }

  #checkIndex(index: number): number {
    if (Number.isInteger(index) && index >= 0 && index < this.length) return index;
    throw new FanfoldError(
      'FANFOLD_USAGE',
      `Expected a position from 0 to ${String(this.length - 1)} of the shared array, got ${String(index)}.`,
    );
  }
}

/**
 * A number in shared memory, as Python's `multiprocessing.Value`. Given to a `Process` or a `Pool` as an argument, it
 * arrives there as the same number, also in Python.
 *
 * It is a file, of mode 0600, on `/dev/shm` where there is one, which this module reads and writes by single system
 * calls and Python maps. One reading and one writing of a number are each whole: nobody sees half of one. Two of them
 * after another are not one step: for `v.value += 1` use `add` or `lock`.
 * @param typecode as in Python: `d` float64, `f` float32, `b h i l q` integers of 8, 16, 32, 64, 64 bits, in capitals
 *   unsigned ones
 * @throws FanfoldError where the typecode is none, or can't hold the value
 */
export function sharedValue(typecode: Typecode, initial: number | bigint = 0): SharedValue {
  const memory = createMemory(typecode, 1, true);
  return fill(memory, new SharedValue(memory), [initial]);
}

/**
 * Numbers in shared memory, as Python's `multiprocessing.Array`. What is said of `sharedValue` holds for each of them.
 * @param initial how many zeros, or the numbers
 * @throws FanfoldError where the typecode is none, or can't hold a value
 */
export function sharedArray(typecode: Typecode, initial: number | readonly (number | bigint)[]): SharedArray {
  const values = typeof initial === 'number' ? [] : initial;
  const length = typeof initial === 'number' ? initial : initial.length;
  if (!Number.isSafeInteger(length) || length < 0) {
    throw new FanfoldError(
      'FANFOLD_USAGE',
      `Expected the length of a shared array to be a whole number, 0 or more, got ${String(length)}.`,
    );
  }
  const memory = createMemory(typecode, length, false);
  return fill(memory, new SharedArray(memory), values);
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

function fill<T>(memory: SharedMemory, shared: T, values: readonly (number | bigint)[]): T {
  try {
    memory.writeAll(values, 0);
    return shared;
  } catch (error) {
    memory.close();
    throw error;
  }
}

function sum(a: number | bigint, b: number | bigint): number | bigint {
  return typeof a === 'number' && typeof b === 'number' ? a + b : BigInt(a) + BigInt(b);
}
