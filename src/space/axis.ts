import type { Dtype, Value } from '../format/value.js';

/** The types that an axis can have. */
export type AxisDtype = Exclude<Dtype, 'complex128'>;

/** An ordered sequence of parameter values, made on demand: `at(i)` takes constant time and memory. */
export interface Values extends Iterable<Value> {
  readonly dtype: AxisDtype;
  readonly size: number;
  /** The value at position `index`, 0 <= index < size; undefined where a points file leaves it to the worker's default. */
  readonly at: (index: number) => Value | undefined;
  /** What is written into the manifest; `valuesFrom` makes the same values of it again. */
  readonly definition: ValuesDefinition;
}

/** One named parameter and its values. */
export interface Axis {
  readonly name: string;
  readonly values: Values;
}

/** A number as it is stored: JSON has no -0, nan, inf or integers beyond 2^53, which are stored as text. */
export type StoredNumber = number | string;

/** The stored form of an axis' values. */
export type ValuesDefinition =
  | {
      kind: 'arange';
      dtype: 'int64' | 'float64';
      start: StoredNumber;
      stop: StoredNumber;
      step: StoredNumber;
    }
  | { kind: 'linspace' | 'logspace' | 'geomspace'; start: StoredNumber; stop: StoredNumber; num: number }
  | { kind: 'list'; dtype: AxisDtype; values: (StoredNumber | boolean | null)[] }
  | { kind: 'column'; dtype: AxisDtype; size: number; sha256: string };

/** Values by a rule, iterable. */
export function makeValues(
  definition: ValuesDefinition,
  dtype: AxisDtype,
  size: number,
  at: (index: number) => Value | undefined,
): Values {
  return {
    definition,
    dtype,
    size,
    at,
    *[Symbol.iterator]() {
      for (let index = 0; index < size; index++) yield at(index) as Value;
    },
  };
}

export function storeNumber(value: number | bigint): StoredNumber {
  if (typeof value === 'bigint') return String(value);
  return Number.isFinite(value) && !Object.is(value, -0)
    ? value
    : Object.is(value, -0)
      ? '-0'
      : String(value);
}

/** The number that was stored; a bigint only for an integer beyond 2^53 of an int64 column. */
export function loadNumber(stored: StoredNumber, dtype: AxisDtype): number | bigint {
  if (typeof stored === 'number') return stored;
  return dtype === 'int64' ? BigInt(stored) : Number(stored);
}
