/** The types of a column, in NumPy's names. */
export type Dtype = 'int64' | 'float64' | 'complex128' | 'bool' | 'string';

/** All of them, to check a name against. */
export const DTYPES: readonly string[] = [
  'int64',
  'float64',
  'complex128',
  'bool',
  'string',
] satisfies Dtype[];

export interface Complex {
  readonly re: number;
  readonly im: number;
}

/** A value of an axis. Integers beyond 2^53 are bigints. */
export type Value = number | bigint | string | boolean;

/** A value of a result. */
export type Scalar = Value | Complex;

export function isComplex(value: unknown): value is Complex {
  if (typeof value !== 'object' || value === null) return false;
  const keys = Object.keys(value);
  return (
    keys.length === 2 &&
    're' in value &&
    'im' in value &&
    typeof value.re === 'number' &&
    typeof value.im === 'number'
  );
}
