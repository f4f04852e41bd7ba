import { closeSync, ftruncateSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { FanfoldError, systemCode } from '../errors.js';
import { withLock } from './lock.js';
import { makeItems, readItem, writeItem, type Items, type Typecode } from './typecode.js';

/** What another process needs to open shared memory. */
export interface SharedDescription {
  readonly path: string;
  readonly typecode: Typecode;
  readonly length: number;
  /** A single value instead of an array. */
  readonly scalar: boolean;
}

/** Items in a file that several processes have open at once. */
export class SharedMemory {
  readonly description: SharedDescription;
  readonly #item: Items;
  readonly #itemBytes: Uint8Array;
  #file: number | undefined;

  constructor(description: SharedDescription) {
    this.description = description;
    this.#item = makeItems(description.typecode, 1);
    this.#itemBytes = bytesOf(this.#item);
  }

  read(index: number): number | bigint {
    readSync(this.#open(), this.#itemBytes, 0, this.#itemBytes.length, index * this.#itemBytes.length);
    return readItem(this.#item, 0);
  }

  write(index: number, value: number | bigint): void {
    writeItem(this.#item, 0, value);
    writeSync(this.#open(), this.#itemBytes, 0, this.#itemBytes.length, index * this.#itemBytes.length);
  }

  readAll(): (number | bigint)[] {
    const items = makeItems(this.description.typecode, this.description.length);
    const bytes = bytesOf(items);
    if (bytes.length > 0) readSync(this.#open(), bytes, 0, bytes.length, 0);
    return Array.from({ length: items.length }, (_, index) => readItem(items, index));
  }

  writeAll(values: readonly (number | bigint)[], start: number): void {
    const items = makeItems(this.description.typecode, values.length);
    values.forEach((value, index) => {
      writeItem(items, index, value);
    });
    const bytes = bytesOf(items);
    let written = 0;
    while (written < bytes.length) {
      const position = start * items.BYTES_PER_ELEMENT + written;
      written += writeSync(this.#open(), bytes, written, bytes.length - written, position);
    }
  }

  lock<T>(action: () => T | Promise<T>): Promise<T> {
    return withLock(this.description.path, action);
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
    opened.delete(this.description.path);
    if (made.delete(this.description.path)) removeFile(this.description.path);
  }

  #open(): number {
    try {
      this.#file ??= openSync(this.description.path, 'r+');
      return this.#file;
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error;
      throw new FanfoldError(
        'FANFOLD_USAGE',
        `Expected the shared ${this.description.scalar ? 'value' : 'array'} to be open, but its maker has closed it or has ended.`,
      );
    }
  }
}

/**
 * Makes the file of shared memory; `close` removes it.
 * @throws FanfoldError where its typecode is none
 */
export function createMemory(description: SharedDescription): SharedMemory {
  const { path, typecode, length } = description;
  const bytes = length * makeItems(typecode, 1).BYTES_PER_ELEMENT;
  const file = openSync(path, 'wx', 0o600);
  made.add(path);
  try {
    // An empty file can't be mapped.
    ftruncateSync(file, Math.max(bytes, 8));
  } finally {
    closeSync(file);
  }
  return openMemory(description);
}

/** The shared memory at a path; opened once a process, however often it is passed there. */
export function openMemory(description: SharedDescription): SharedMemory {
  const known = opened.get(description.path) ?? new SharedMemory(description);
  opened.set(description.path, known);
  return known;
}

// --- internal ---

const opened = new Map<string, SharedMemory>();
/** The files of this process's own. */
const made = new Set<string>();

function removeFile(path: string): void {
  for (const name of [path, `${path}.lock`, `${path}.lock.takeover`]) rmSync(name, { force: true });
}

function bytesOf(items: Items): Uint8Array {
  return new Uint8Array(items.buffer);
}
