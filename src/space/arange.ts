import { FanfoldError } from '../errors.js';
import { makeValues, storeNumber, type Values } from './axis.js';

const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);

/**
 * NumPy's `arange`, bit exact: `arange(stop)`, `arange(start, stop)` or `arange(start, stop, step)`.
 *
 * It is int64 where every argument is an integer, otherwise float64. A JavaScript number doesn't tell `1` from `1.0`:
 * pass `{ dtype: 'float64' }` for the latter. Float rule (NumPy's `arange` and its `DOUBLE_fill`): length
 * ceil((stop - start) / step), v[0] = start, v[1] = start + step, v[i] = start + i ((start + step) - start).
 * @throws FanfoldError where an argument is not finite, the step is 0, or the range holds no value
 */
export function arange(...args: ArangeArguments): Values {
  const options = typeof args.at(-1) === 'object' ? (args.pop() as ArangeOptions) : {};
  const numbers = args as (number | bigint)[];
  const [start, stop, step] =
    numbers.length === 1 ? [0, numbers[0] ?? 0, 1] : [numbers[0] ?? 0, numbers[1] ?? 0, numbers[2] ?? 1];
  const isInteger = [start, stop, step].every(
    (value) => typeof value === 'bigint' || Number.isInteger(value),
  );
  const dtype = options.dtype ?? (isInteger ? 'int64' : 'float64');
  const text = `${String(start)}:${String(stop)}:${String(step)}`;
  if (dtype === 'int64' && !isInteger)
    throw refusal(`the int64 range ${text} to have whole numbers`, 'a fraction');
  return dtype === 'int64'
    ? integerArange(BigInt(start), BigInt(stop), BigInt(step), text)
    : floatArange(Number(start), Number(stop), Number(step), text);
}

export interface ArangeOptions {
  readonly dtype?: 'int64' | 'float64';
}

export type ArangeArguments =
  | [stop: number | bigint, options?: ArangeOptions]
  | [start: number | bigint, stop: number | bigint, options?: ArangeOptions]
  | [start: number | bigint, stop: number | bigint, step: number | bigint, options?: ArangeOptions];

// --- internal ---

function floatArange(start: number, stop: number, step: number, text: string): Values {
  if (![start, stop, step].every(Number.isFinite))
    throw refusal(`the range ${text} to have finite numbers`, 'nan or inf');
  if (step === 0) throw refusal(`the step of the range ${text} to be other than 0`, '0');
  const quotient = (stop - start) / step;
  // NumPy counts an underflowing (stop - start) / step as one value.
  const length = quotient === 0 && stop !== start && Object.is(quotient, 0) ? 1 : Math.ceil(quotient);
  checkLength(length, text, Math.sign(stop - start) * Math.sign(step));
  const next = start + step;
  const delta = next - start;
  return makeValues(
    {
      kind: 'arange',
      dtype: 'float64',
      start: storeNumber(start),
      stop: storeNumber(stop),
      step: storeNumber(step),
    },
    'float64',
    length,
    (index) => (index < 2 ? (index === 0 ? start : next) : start + index * delta),
  );
}

function integerArange(start: bigint, stop: bigint, step: bigint, text: string): Values {
  if (step === 0n) throw refusal(`the step of the range ${text} to be other than 0`, '0');
  if ([start, stop, step].some((value) => value > INT64_MAX || value < INT64_MIN)) {
    throw refusal(`the range ${text} to fit in int64`, 'an integer beyond 2^63');
  }
  const span = step > 0n ? stop - start : start - stop;
  const size = step > 0n ? step : -step;
  const length = span <= 0n ? 0 : Number((span + size - 1n) / size);
  checkLength(length, text, Number(span));
  const definition = {
    kind: 'arange' as const,
    dtype: 'int64' as const,
    start: storeInteger(start),
    stop: storeInteger(stop),
    step: storeInteger(step),
  };
  const last = start + BigInt(length - 1) * step;
  // Every product index * by is at most last - start.
  if (isSafe(start) && isSafe(last) && isSafe(last - start)) {
    const [first, by] = [Number(start), Number(step)];
    return makeValues(definition, 'int64', length, (index) => first + index * by);
  }
  return makeValues(definition, 'int64', length, (index) => start + BigInt(index) * step);
}

function isSafe(value: bigint): boolean {
  return Number.isSafeInteger(Number(value)) && BigInt(Number(value)) === value;
}

function storeInteger(value: bigint): number | string {
  return isSafe(value) ? Number(value) : String(value);
}

function checkLength(length: number, text: string, direction: number): void {
  if (length < 1) {
    const cause = direction < 0 ? 'its step leads away from its stop' : 'its start is its stop';
    throw refusal(`the range ${text} to hold at least one value`, `none, because ${cause}`);
  }
  if (!Number.isSafeInteger(length)) throw refusal(`the range ${text} to hold less than 2^53 values`, 'more');
}

function refusal(expected: string, got: string): FanfoldError {
  return new FanfoldError(
    'FANFOLD_SPACE',
    `Expected ${expected}, got ${got}. A range is start:stop[:step], with the stop left out, as in NumPy's arange.`,
  );
}
