import { describeValue, ResultError, type Column } from './layout.js';
import { formatComplex128, formatFloat64 } from './number.js';
import { quoteCsv, quoteJson, quoteWord } from './quote.js';
import { isComplex, type Complex, type Dtype } from './value.js';

/** How a result file is written. */
export type Format = 'txt' | 'csv' | 'jsonl';

/** How an undeclared whole number is printed: `2` or `2.0`. */
export type WholeNumbers = 'int64' | 'float64';

/** Writes one value of a column. */
export type CellWriter = (value: unknown) => string;

/** Which sorts of numbers an undeclared column has held. */
export interface Seen {
  whole: boolean;
  fraction: boolean;
  /** How many values were not a number, in columns of any type. */
  nan: number;
}

/**
 * A writer of the values of one column.
 * @param wholeNumbers the type of whole JavaScript numbers where the column has no dtype
 * @param seen takes note of an undeclared column's numbers
 * @returns a function that throws ResultError for a value that the column can't hold
 */
export function cellWriter(
  column: Column,
  format: Format,
  wholeNumbers: WholeNumbers,
  seen: Seen,
): CellWriter {
  const style = STYLES[format];
  const { dtype } = column;
  if (dtype !== undefined) {
    return (value) => {
      if (value !== value) seen.nan++;
      return declaredCell(value, column.name, dtype, style);
    };
  }
  const wholeAreIntegers = wholeNumbers === 'int64';
  return (value) => {
    if (typeof value === 'number') {
      if (wholeAreIntegers && Number.isSafeInteger(value) && !Object.is(value, -0)) {
        seen.whole = true;
        return String(value);
      }
      if (value !== value) seen.nan++;
      seen.fraction = true;
      return style.float64(value);
    }
    if (typeof value === 'bigint') seen.whole = true;
    return undeclaredCell(value, column.name, style);
  };
}

// --- internal ---

interface Style {
  readonly float64: (value: number) => string;
  readonly complex128: (value: Complex) => string;
  readonly bool: (value: boolean) => string;
  readonly string: (value: string) => string;
  /** A parameter that a points file leaves to the worker's default. */
  readonly missing: string;
}

const pythonBool = (value: boolean): string => (value ? 'True' : 'False');

const jsonFloat64 = (value: number): string =>
  Number.isFinite(value) ? formatFloat64(value) : `"${formatFloat64(value)}"`;

const STYLES: Record<Format, Style> = {
  txt: {
    float64: formatFloat64,
    complex128: formatComplex128,
    bool: pythonBool,
    string: quoteWord,
    missing: 'nan',
  },
  csv: {
    float64: formatFloat64,
    complex128: formatComplex128,
    bool: pythonBool,
    string: quoteCsv,
    missing: '',
  },
  jsonl: {
    float64: jsonFloat64,
    complex128: ({ re, im }) => `{"re":${jsonFloat64(re)},"im":${jsonFloat64(im)}}`,
    bool: String,
    string: quoteJson,
    missing: 'null',
  },
};

function undeclaredCell(value: unknown, name: string, style: Style): string {
  switch (typeof value) {
    case 'bigint':
      return String(value);
    case 'boolean':
      return style.bool(value);
    case 'string':
      return style.string(value);
    case 'undefined':
      return style.missing;
    default:
      if (isComplex(value)) return style.complex128(value);
      throw refusal(value, name, 'a number, bigint, string, boolean or complex {re, im}');
  }
}

function declaredCell(value: unknown, name: string, dtype: Dtype, style: Style): string {
  switch (dtype) {
    case 'float64':
      if (typeof value === 'number') return style.float64(value);
      if (typeof value === 'bigint') return style.float64(Number(value));
      break;
    case 'int64':
      if (typeof value === 'bigint' && BigInt.asIntN(64, value) === value) return String(value);
      if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value === 0 ? 0 : value);
      break;
    case 'complex128':
      if (typeof value === 'number' || typeof value === 'bigint')
        return style.complex128({ re: Number(value), im: 0 });
      if (isComplex(value)) return style.complex128(value);
      break;
    case 'bool':
      if (typeof value === 'boolean') return style.bool(value);
      break;
    case 'string':
      if (typeof value === 'string') return style.string(value);
  }
  if (value === undefined) return style.missing;
  throw refusal(value, name, `${dtype}, as its column is declared`);
}

function refusal(value: unknown, name: string, expected: string): ResultError {
  const got = typeof value === 'number' ? String(value) : describeValue(value);
  return new ResultError(`Expected the result column "${name}" to be ${expected}, got ${got}.`);
}
