import { usableMemory } from '../engine/local/usable-memory.js';
import { usage } from '../errors.js';
import type { MaxFailures, OnError } from '../run/limits.js';

// How limits are written, on the command line and in the library's options.

/** How many times more bytes each unit is; binary, as the kernel counts. */
const UNITS: Readonly<Record<string, number>> = { B: 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** No process holds less. */
const LEAST_BYTES = 2 ** 20;

/**
 * Reads an amount of memory such as `2G`, `512M`, `1.5GiB` or `50%` of what this process may use. A number without a unit
 * is refused: who writes 10 hardly means bytes.
 * @returns bytes
 */
export function parseMemory(option: string, text: string): number {
  const { number, unit } =
    /^(?<number>\d+(?:\.\d*)?|\.\d+)\s*(?<unit>%|B|[KMGT])(?:(?<=[KMGT])i?B)?$/i.exec(text.trim())?.groups ??
    {};
  const isShare = unit === '%';
  const factor = isShare ? usableMemory() / 100 : UNITS[(unit ?? '').toUpperCase()];
  const bytes = Math.floor(Number(number) * (factor ?? NaN));
  const isRight = isShare ? Number(number) > 0 && Number(number) <= 100 : bytes >= LEAST_BYTES;
  if (isRight && Number.isSafeInteger(bytes)) return bytes;
  throw usage(
    `Expected ${option} to be a size with a unit such as 500M or 2G, 1M or more, or a share such as 50%, got "${text}". K, M, G and T are powers of 1024.`,
  );
}

/** Reads the most failed points: a number of them, or a share of all such as `5%`. */
export function parseMaxFailures(option: string, text: string): MaxFailures {
  const { number = '', percent } =
    /^(?<number>\d+(?:\.\d*)?|\.\d+)(?<percent>%?)$/.exec(text.trim())?.groups ?? {};
  const value = Number(number);
  if (percent === '%' && value <= 100) return { percent: value };
  if (percent === '' && Number.isSafeInteger(value) && /^\d+$/.test(number)) return { points: value };
  throw usage(`Expected ${option} to be a number of points, or a share of them such as 5%, got "${text}".`);
}

/** Reads how often something is done again; 0 is a number too. */
export function parseRetries(option: string, text: string): number {
  if (/^\d+$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text);
  throw usage(`Expected ${option} to be an integer, 0 or more, got "${text}".`);
}

export const ON_ERROR = ['stop', 'continue', 'nan'] as const satisfies readonly OnError[];

/** Reads what is done once a point has failed. */
export function parseOnError(option: string, text: string): OnError {
  const found = ON_ERROR.find((name) => name === text);
  if (found !== undefined) return found;
  throw usage(`Expected ${option} to be stop, continue or nan, got "${text}".`);
}
