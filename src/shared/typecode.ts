import { FanfoldError } from '../errors.js';

/** The types of Python's `array` and `multiprocessing.Value`: signed and unsigned integers, and floats. */
export type Typecode = 'b' | 'B' | 'h' | 'H' | 'i' | 'I' | 'l' | 'L' | 'q' | 'Q' | 'f' | 'd';

/** A sequence of items in memory, as the machine orders their bytes. */
export type Items =
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array
  | Float32Array
  | Float64Array;

/**
 * Room for `length` items of a typecode, all zero.
 * @throws FanfoldError where there is no such typecode
 */
export function makeItems(typecode: Typecode, length: number): Items {
  // Callers in plain JavaScript have no compiler that would tell them.
  if (!Object.hasOwn(ITEMS, typecode)) {
    throw new FanfoldError(
      'FANFOLD_USAGE',
      `Expected a typecode, one of ${Object.keys(ITEMS).join(' ')}, got "${typecode}".`,
    );
  }
  return new ITEMS[typecode](length);
}

/** An item as a number; as a bigint where it is an integer beyond 2^53. */
export function readItem(items: Items, index: number): number | bigint {
  const value = items[index] ?? NaN;
  return typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

/**
 * Sets an item.
 * @throws FanfoldError where the item's type can't hold the value
 */
export function writeItem(items: Items, index: number, value: number | bigint): void {
  if (items instanceof Float64Array || items instanceof Float32Array) {
    if (typeof value === 'number' || typeof value === 'bigint') items[index] = Number(value);
    else throw unfit(value, 'a number');
    return;
  }
  if (typeof value !== 'bigint' && !Number.isSafeInteger(value)) throw unfit(value, 'an integer');
  if (items instanceof BigInt64Array || items instanceof BigUint64Array) items[index] = BigInt(value);
  else items[index] = Number(value);
  // An integer that doesn't fit is cut to the low bits, so it doesn't read back the same.
  if (BigInt(items[index] ?? 0) === BigInt(value)) return;
  throw unfit(value, `an integer of ${String(8 * items.BYTES_PER_ELEMENT)} bits (${items.constructor.name})`);
}

// --- internal ---

// A C `long` has 32 bits on Windows and 64 elsewhere.
const [Long, UnsignedLong] =
  process.platform === 'win32'
    ? ([Int32Array, Uint32Array] as const)
    : ([BigInt64Array, BigUint64Array] as const);

const ITEMS = {
  b: Int8Array,
  B: Uint8Array,
  h: Int16Array,
  H: Uint16Array,
  i: Int32Array,
  I: Uint32Array,
  l: Long,
  L: UnsignedLong,
  q: BigInt64Array,
  Q: BigUint64Array,
  f: Float32Array,
  d: Float64Array,
} satisfies Record<Typecode, new (length: number) => Items>;

function unfit(value: unknown, expected: string): FanfoldError {
  return new FanfoldError(
    'FANFOLD_USAGE',
    `Expected a shared value to be ${expected}, got ${typeof value === 'string' ? JSON.stringify(value) : String(value)}.`,
  );
}
