import { accessSync, constants } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FanfoldError, systemCode } from '../errors.js';
import { createMemory, type SharedDescription, type SharedMemory } from '../shared/memory.js';
import type { Typecode } from '../shared/typecode.js';
import { SharedArray, SharedValue } from '../shared/value.js';
import { programFolder } from './program-reaper.js';

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
  const memory = makeMemory({ typecode, length: 1, scalar: true });
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
  const memory = makeMemory({ typecode, length, scalar: false });
  return fill(memory, new SharedArray(memory), values);
}

// --- internal ---

let made = 0;

/** In a folder of this program's, so that a lock that a killed process left goes with it. */
function makeMemory(what: Omit<SharedDescription, 'path'>): SharedMemory {
  const path = join(programFolder(sharedFolder()), `shared-${String(made++)}`);
  return createMemory({ path, ...what });
}

function fill<T>(memory: SharedMemory, shared: T, values: readonly (number | bigint)[]): T {
  try {
    memory.writeAll(values, 0);
    return shared;
  } catch (error) {
    memory.close();
    throw error;
  }
}

/** `/dev/shm` is memory; elsewhere the system keeps the pages of a file in memory too while they are used. */
function sharedFolder(): string {
  try {
    accessSync('/dev/shm', constants.W_OK);
    return '/dev/shm';
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return tmpdir();
  }
}
