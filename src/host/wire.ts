import { openShared, sharedDescription } from '../shared/value.js';
import type { SharedDescription } from '../shared/memory.js';
import type { Items } from '../shared/typecode.js';
import { isComplex } from '../format/value.js';

// Values on their way to and from a host's function: JSON, in which what JSON has no form for is an object with one key
// that begins with `$`. The host in Python reads and writes the same.

/**
 * A value as JSON can hold it. Plain arrays and objects that JSON holds as they are aren't copied.
 * @param place what the value is, for the message: `argument 0`
 * @throws TypeError naming type and place of what can't pass to another process
 */
export function encodeValue(value: unknown, place: string): unknown {
  return isPlain(value) ? value : encode(value, place, []);
}

/** The value that `encodeValue` was given. Arrays and objects of the text are used, and changed where they hold a tag. */
export function decodeValue(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      const item: unknown = value[index];
      if (typeof item === 'object' && item !== null) value[index] = decodeValue(item);
    }
    return value;
  }
  const record = value as Record<string, unknown>;
  const names = Object.keys(record);
  const [name = ''] = names;
  if (names.length === 1 && name.startsWith('$')) return decodeTag(name, record[name]);
  decodeEntries(record, names);
  return record;
}

// --- internal ---

const ARRAYS = {
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  float32: Float32Array,
  float64: Float64Array,
} satisfies Record<string, new (buffer: ArrayBuffer) => Items>;

function isPlain(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0);
  return typeof value === 'string' || typeof value === 'boolean' || value === null;
}

/** @param above the arrays and objects that hold the value, by which a circle is found */
function encode(value: unknown, place: string, above: readonly object[]): unknown {
  switch (typeof value) {
    case 'number':
      return isPlain(value) ? value : { $float: nameFloat(value) };
    case 'bigint':
      return { $bigint: String(value) };
    case 'undefined':
      return { $undefined: true };
    case 'string':
    case 'boolean':
      return value;
    case 'object':
      return value === null ? null : encodeObject(value, place, above);
    case 'function':
    case 'symbol':
      throw unsendable(`a ${typeof value}`, place);
  }
}

function encodeObject(value: object, place: string, above: readonly object[]): unknown {
  if (above.includes(value)) throw unsendable('an object that holds itself', place);
  const shared = sharedDescription(value);
  if (shared !== undefined) return { $shared: shared };
  if (ArrayBuffer.isView(value)) return encodeBytes(value, place);
  const holders = [...above, value];
  if (Array.isArray(value)) return encodeArray(value, place, holders);
  if (isComplex(value)) {
    return { $complex: [encode(value.re, place, holders), encode(value.im, place, holders)] };
  }
  if (!isPlainObject(value)) throw unsendable(`a ${className(value)}`, place);
  const entries = Object.entries(value).map(
    ([name, item]) =>
      [name, isPlain(item) ? (item as unknown) : encode(item, `${place}.${name}`, holders)] as const,
  );
  const encoded = Object.fromEntries(entries);
  return entries.length === 1 && entries[0]?.[0].startsWith('$') === true ? { $escape: encoded } : encoded;
}

function encodeArray(values: readonly unknown[], place: string, above: readonly object[]): unknown {
  if (values.every(isPlain) && !hasHoles(values)) return values;
  return Array.from(values, (item, index) =>
    isPlain(item) ? item : encode(item, `${place}[${String(index)}]`, above),
  );
}

/** `every` leaves holes out. */
function hasHoles(values: readonly unknown[]): boolean {
  for (let index = 0; index < values.length; index++) if (values[index] === undefined) return true;
  return false;
}

function encodeBytes(view: ArrayBufferView, place: string): unknown {
  const bytes = Buffer.from(view.buffer, view.byteOffset, view.byteLength);
  if (Buffer.isBuffer(view)) return { $bytes: bytes.toString('base64') };
  const entry = Object.entries(ARRAYS).find(([, array]) => array.name === className(view));
  if (entry === undefined) throw unsendable(`a ${className(view)}`, place);
  return { $array: { dtype: entry[0], data: bytes.toString('base64') } };
}

function decodeTag(tag: string, content: unknown): unknown {
  switch (tag) {
    case '$float':
      return FLOATS[content as keyof typeof FLOATS];
    case '$bigint':
      if (!/^-?\d+$/.test(String(content))) throw new TypeError('Expected the digits of a bigint.');
      return BigInt(content as string);
    case '$undefined':
      return undefined;
    case '$complex': {
      const [re, im] = content as [unknown, unknown];
      return { re: decodeValue(re), im: decodeValue(im) };
    }
    case '$bytes':
      return Buffer.from(content as string, 'base64');
    case '$array': {
      const { dtype, data } = content as { dtype: keyof typeof ARRAYS; data: string };
      // Copied, because a Buffer may begin anywhere in its memory, and items must lie at multiples of their size.
      return new ARRAYS[dtype](new Uint8Array(Buffer.from(data, 'base64')).buffer);
    }
    case '$shared':
      return openShared(content as SharedDescription);
    case '$escape': {
      const record = content as Record<string, unknown>;
      decodeEntries(record, Object.keys(record));
      return record;
    }
    default:
      throw new TypeError(`Expected a value from another process, got the unknown tag ${tag}.`);
  }
}

function decodeEntries(record: Record<string, unknown>, names: readonly string[]): void {
  for (const name of names) {
    const item = record[name];
    if (typeof item !== 'object' || item === null) continue;
    const value = decodeValue(item);
    // Defined, not assigned: `__proto__` is a name like any other here.
    if (value !== item) {
      Object.defineProperty(record, name, { value, writable: true, enumerable: true, configurable: true });
    }
  }
}

const FLOATS = { nan: NaN, inf: Infinity, '-inf': -Infinity, '-0.0': -0 };

function nameFloat(value: number): keyof typeof FLOATS {
  if (value === 0) return '-0.0';
  if (value !== value) return 'nan';
  return value > 0 ? 'inf' : '-inf';
}

function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  // An object of another realm has that realm's Object.prototype, which has no prototype itself.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** The class as the user wrote it: `Date`, `Map`, `Lattice`. */
function className(value: object): string {
  const { constructor } = value as { constructor?: unknown };
  return typeof constructor === 'function' && constructor.name !== ''
    ? constructor.name
    : Object.prototype.toString.call(value).slice(8, -1);
}

function unsendable(what: string, place: string): TypeError {
  return new TypeError(
    `Expected ${place} to be a value that can pass to another process (numbers, strings, booleans, null, complex {re, im}, typed arrays, Buffers, shared values, and plain arrays and objects of those), got ${what}.`,
  );
}
