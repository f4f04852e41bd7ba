import { FanfoldError } from '../errors.js';
import { describeValue } from '../format/layout.js';
import type { Value } from '../format/value.js';
import { makeValues, storeNumber, type AxisDtype, type Values } from './axis.js';

const INTEGER = /^[+-]?\d+$/;
const FLOAT = /^[+-]?(?:\d+(?:\.\d*)?(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?|nan|inf(?:inity)?)$/i;
/** Of -2^63. */
const INT64_CHARACTERS = 20;
const BOOL = /^(?:true|false)$/i;

/** A value as somebody typed it; quoted text is always a string, undefined is a value left to the worker's default. */
export interface TypedText {
  readonly text: string;
  readonly isQuoted: boolean;
}

/**
 * Values from texts, under NumPy's rule for an array of them: all bools give bool, integers int64, a float among
 * them float64, and anything else string.
 * @throws FanfoldError where an integer doesn't fit in int64
 */
export function listOfTexts(texts: readonly (TypedText | undefined)[]): Values {
  const given = texts.filter((item) => item !== undefined);
  const dtype = commonDtype(given);
  return listOf(
    dtype,
    texts.map((item) => (item === undefined ? undefined : readAs(dtype, item.text))),
  );
}

/**
 * Values from JavaScript values, under the same rule: whole numbers are int64, and become float64 beside a fraction.
 * @throws FanfoldError for an empty list, and for what is no such value
 */
export function list(given: readonly Value[]): Values {
  const values = Array.from(given, checkValue);
  const kinds = new Set(values.map((value) => typeof value));
  if (kinds.size === 0)
    throw new FanfoldError('FANFOLD_SPACE', 'Expected a list of at least one value, got an empty one.');
  if (kinds.has('string')) return listOf('string', values.map(String));
  if (kinds.size === 1 && kinds.has('boolean')) return listOf('bool', values);
  const numbers = values.map((value) => (typeof value === 'boolean' ? Number(value) : value));
  const isWhole = numbers.every((value) => typeof value === 'bigint' || Number.isSafeInteger(value));
  if (!isWhole || numbers.some((value) => Object.is(value, -0)))
    return listOf('float64', numbers.map(Number));
  const large = numbers.find((value) => typeof value === 'bigint' && BigInt.asIntN(64, value) !== value);
  if (large === undefined) return listOf('int64', numbers);
  throw new FanfoldError('FANFOLD_SPACE', `Expected integers that fit in int64, got ${String(large)}.`);
}

/** A list whose values are of the dtype already. */
export function listOf(dtype: AxisDtype, values: readonly (Value | undefined)[]): Values {
  // Within one axis all integers are numbers or all are bigints, so that a worker meets one type.
  const isBig = dtype === 'int64' && values.some((value) => typeof value === 'bigint');
  const uniform = isBig ? values.map((value) => (typeof value === 'number' ? BigInt(value) : value)) : values;
  const stored = uniform.map((value) => {
    if (value === undefined) return null;
    return typeof value === 'number' || typeof value === 'bigint' ? storeNumber(value) : value;
  });
  return makeValues(
    { kind: 'list', dtype, values: stored },
    dtype,
    uniform.length,
    (index) => uniform[index],
  );
}

/** The type of one typed text alone. */
export function dtypeOfText({ text, isQuoted }: TypedText): AxisDtype {
  if (isQuoted) return 'string';
  if (BOOL.test(text)) return 'bool';
  if (INTEGER.test(text)) return 'int64';
  return FLOAT.test(text) ? 'float64' : 'string';
}

/** A number as typed on the command line, in NumPy's spelling; undefined where the text is none. */
export function readNumber(text: string): number | bigint | undefined {
  const dtype = dtypeOfText({ text, isQuoted: false });
  return dtype === 'int64' || dtype === 'float64' ? (readAs(dtype, text) as number | bigint) : undefined;
}

// --- internal ---

/** Callers from JavaScript have no compiler that would refuse null or an array, which become numbers without a word. */
function checkValue(value: unknown): Value {
  switch (typeof value) {
    case 'number':
    case 'bigint':
    case 'string':
    case 'boolean':
      return value;
    default:
      throw new FanfoldError(
        'FANFOLD_SPACE',
        `Expected a list of numbers, strings, booleans or bigints, got ${describeValue(value)} in it.`,
      );
  }
}

function commonDtype(items: readonly TypedText[]): AxisDtype {
  const found = new Set(items.map(dtypeOfText));
  if (found.has('string') || found.size === 0) return 'string';
  if (found.has('float64')) return 'float64';
  return found.has('int64') ? 'int64' : 'bool';
}

function readAs(dtype: AxisDtype, text: string): Value {
  switch (dtype) {
    case 'string':
      return text;
    case 'bool':
      return /^true$/i.test(text);
    case 'int64':
      return BOOL.test(text) ? Number(/^true$/i.test(text)) : readInteger(text);
    case 'float64':
      if (BOOL.test(text)) return Number(/^true$/i.test(text));
      return Number(text.replace(/inf(?:inity)?$/i, 'Infinity'));
  }
}

function readInteger(text: string): number | bigint {
  const number = Number(text);
  if (Number.isSafeInteger(number)) return number === 0 ? 0 : number;
  const digits = text.replace(/^\+/, '').replace(/^(-?)0+(?=\d)/, '$1');
  // Millions of digits would take seconds to be read.
  const integer = digits.length > INT64_CHARACTERS ? undefined : BigInt(digits);
  if (integer !== undefined && integer >= -(2n ** 63n) && integer < 2n ** 63n) return integer;
  throw new FanfoldError(
    'FANFOLD_SPACE',
    `Expected integers that fit in int64, got ${text}. Write it with a decimal point for a float64, or in quotes for a string.`,
  );
}
