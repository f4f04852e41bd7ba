import { FanfoldError } from './errors.js';

/**
 * Checks a number of things that a caller gives; one in plain JavaScript has no compiler that would tell.
 * @throws FanfoldError where it is not a positive integer
 */
export function checkCount(name: string, count: number): void {
  if (Number.isSafeInteger(count) && count > 0) return;
  throw new FanfoldError('FANFOLD_USAGE', `Expected ${name} to be a positive integer, got ${String(count)}.`);
}
