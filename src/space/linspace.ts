import { FanfoldError } from '../errors.js';
import { makeValues, storeNumber, type Values } from './axis.js';

type Kind = 'linspace' | 'logspace' | 'geomspace';

/**
 * NumPy's `linspace(start, stop, num)`, bit exact: `num` float64 values, both ends included.
 * Rule: v[i] = i ((stop - start) / (num - 1)) + start, the last one exactly `stop`; where that step is 0,
 * v[i] = (i / (num - 1)) (stop - start) + start.
 * @throws FanfoldError where an end is not finite or `num` is no positive integer
 */
export function linspace(start: number, stop: number, num: number): Values {
  checkEnds('linspace', start, stop, num);
  return makeValues(definition('linspace', start, stop, num), 'float64', num, linspaceRule(start, stop, num));
}

/**
 * NumPy's `logspace(start, stop, num)`: 10 to the power of each value of `linspace(start, stop, num)`. Whole
 * exponents give the exact power of ten; others are within one unit in the last place of NumPy's, whose own `power`
 * differs between processors.
 * @throws FanfoldError where an end is not finite or `num` is no positive integer
 */
export function logspace(start: number, stop: number, num: number): Values {
  checkEnds('logspace', start, stop, num);
  const exponent = linspaceRule(start, stop, num);
  return makeValues(definition('logspace', start, stop, num), 'float64', num, (index) =>
    powerOfTen(exponent(index)),
  );
}

/**
 * NumPy's `geomspace(start, stop, num)`: a geometric progression with both ends exact.
 * @throws FanfoldError where an end is 0 or not finite, the ends differ in sign, or `num` is no positive integer
 */
export function geomspace(start: number, stop: number, num: number): Values {
  checkEnds('geomspace', start, stop, num);
  if (start === 0 || Math.sign(start) !== Math.sign(stop)) {
    throw new FanfoldError(
      'FANFOLD_SPACE',
      `Expected the ends of geomspace to be other than 0 and of one sign, got ${String(start)} and ${String(stop)}.`,
    );
  }
  const sign = Math.sign(start);
  const exponent = linspaceRule(Math.log10(Math.abs(start)), Math.log10(Math.abs(stop)), num);
  return makeValues(definition('geomspace', start, stop, num), 'float64', num, (index) => {
    if (index === 0) return start;
    return index === num - 1 ? stop : sign * powerOfTen(exponent(index));
  });
}

// --- internal ---

function linspaceRule(start: number, stop: number, num: number): (index: number) => number {
  const divisions = num - 1;
  const span = stop - start;
  const step = span / divisions;
  return (index) => {
    // NumPy's own sum for a single value: it makes 0 of a start of -0.
    if (divisions === 0) return index * span + start;
    if (index === divisions) return stop;
    return step === 0 ? (index / divisions) * span + start : index * step + start;
  };
}

function powerOfTen(exponent: number): number {
  // The decimal reader is correctly rounded; Math.pow is not.
  return Number.isSafeInteger(exponent) ? Number(`1e${String(exponent)}`) : 10 ** exponent;
}

function definition(kind: Kind, start: number, stop: number, num: number): Values['definition'] {
  return { kind, start: storeNumber(start), stop: storeNumber(stop), num };
}

function checkEnds(kind: Kind, start: number, stop: number, num: number): void {
  if (!Number.isFinite(start) || !Number.isFinite(stop) || !Number.isFinite(stop - start)) {
    throw new FanfoldError(
      'FANFOLD_SPACE',
      `Expected the ends of ${kind} to be finite numbers with a finite difference, got ${String(start)} and ${String(stop)}.`,
    );
  }
  if (!Number.isSafeInteger(num) || num < 1) {
    throw new FanfoldError(
      'FANFOLD_SPACE',
      `Expected the number of values of ${kind} to be a positive integer, got ${String(num)}.`,
    );
  }
}
