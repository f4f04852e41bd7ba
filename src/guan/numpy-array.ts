import { FanfoldError } from '../errors.js';
import { formatComplex128, formatFloat64 } from '../format/number.js';
import { isComplex, type Dtype, type Scalar } from '../format/value.js';
import type { Values } from '../space/axis.js';

/** Numbers or texts in a row: an array, a typed array, or what `arange` and `linspace` give. */
export type Column = readonly Scalar[] | ArrayBufferView | Values;

/**
 * The texts that `str` gives for the elements of `numpy.array(columns)`: all have one type, the widest that any of them
 * needs, so that `[0, 0.5, 1]` gives `0.0`, `0.5`, `1.0`. A typed array has its own.
 * @param name what the columns are, for a message
 * @throws FanfoldError where a value is none that NumPy has a type for
 */
export function numpyTexts(columns: readonly Column[], name: string): string[][] {
  const arrays = columns.map((column) => readColumn(column, name));
  const dtype = arrays.map((array) => array.dtype).reduce(wider, 'bool');
  const isFloat32 = columns.length > 0 && columns.every((column) => column instanceof Float32Array);
  return arrays.map(({ values }) =>
    values.map((value) => (isFloat32 ? formatFloat32(Number(value)) : FORMATS[dtype](value))),
  );
}

/** True for what is a row of values itself, where a matrix has rows. */
export function isColumn(value: unknown): value is Column {
  return (
    (Array.isArray(value) || ArrayBuffer.isView(value) || isValues(value)) && !(value instanceof DataView)
  );
}

// --- internal ---

/** The order in which NumPy widens types. */
const DTYPES: readonly Dtype[] = ['bool', 'int64', 'float64', 'complex128', 'string'];

function wider(a: Dtype, b: Dtype): Dtype {
  return DTYPES[Math.max(DTYPES.indexOf(a), DTYPES.indexOf(b))] ?? a;
}

function readColumn(column: Column, name: string): { values: Scalar[]; dtype: Dtype } {
  if (isValues(column)) return { values: [...column], dtype: column.dtype };
  if (!ArrayBuffer.isView(column)) {
    return { values: [...column], dtype: column.map((value) => dtypeOf(value, name)).reduce(wider, 'bool') };
  }
  const values = Array.from(column as unknown as ArrayLike<number | bigint>);
  return { values, dtype: /Float/.test(column.constructor.name) ? 'float64' : 'int64' };
}

function isValues(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && 'dtype' in value && 'definition' in value;
}

function dtypeOf(value: unknown, name: string): Dtype {
  switch (typeof value) {
    case 'boolean':
      return 'bool';
    case 'bigint':
      return 'int64';
    case 'number':
      return Number.isSafeInteger(value) && !Object.is(value, -0) ? 'int64' : 'float64';
    case 'string':
      return 'string';
    default:
      if (isComplex(value)) return 'complex128';
      throw new FanfoldError(
        'FANFOLD_USAGE',
        `Expected ${name} to hold numbers, complex numbers {re, im}, booleans or strings, got ${value === null ? 'null' : `a value of type ${typeof value}`}.`,
      );
  }
}

/** How a value prints in a column of each type, which is at least as wide as its own. */
const FORMATS: Record<Dtype, (value: Scalar) => string> = {
  bool: (value) => (value === true ? 'True' : 'False'),
  int64: (value) => String(BigInt(value as number | bigint | boolean)),
  float64: (value) => formatFloat64(Number(value)),
  complex128: (value) => formatComplex128(isComplex(value) ? value : { re: Number(value), im: 0 }),
  string: (value) => (typeof value === 'string' ? value : FORMATS[dtypeOf(value, 'a string column')](value)),
};

const FLOAT32_DIGITS = 9;

/** The fewest digits that give the same float32. */
function formatFloat32(value: number): string {
  for (let digits = 1; digits < FLOAT32_DIGITS; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Object.is(Math.fround(short), value)) return formatFloat64(short);
  }
  return formatFloat64(Number(value.toPrecision(FLOAT32_DIGITS)));
}
