import { usage } from '../errors.js';
import type { GivenLimits, OnError } from '../run/limits.js';
import { parseMaxFailures, parseMemory, parseOnError, parseRetries } from './limit-syntax.js';

/** The limits as options of the library. */
export interface LimitSettings {
  /** The longest that a point may take, in seconds; its process is then killed and the point recorded as failed. */
  readonly timeout?: number;
  /** How often a point is tried again that ended its process; 1 by default. */
  readonly retries?: number;
  /** The wait before that, in seconds, doubling each time; 0.5 by default. */
  readonly retryDelay?: number;
  /** The most memory that a process and everything under it may hold: bytes, 2 ** 20 or more, or text such as `'2G'` or `'50%'`. */
  readonly maxMemory?: number | string;
  /** The most points that may fail before the run stops early, or a share such as `'5%'`. */
  readonly maxFailures?: number | string;
  /** What is done once a point has failed; `continue` by default. */
  readonly onError?: OnError;
  /** How long this call may take, in seconds; the points in hand are then finished, and its status is `stopped`. */
  readonly timeLimit?: number;
}

/**
 * Reads the library's options; callers in plain JavaScript have no compiler that would tell them.
 * @throws FanfoldError where one is not as it must be
 */
export function readLimits(settings: LimitSettings): GivenLimits {
  const { timeout, retryDelay } = settings;
  return {
    timeoutMs: milliseconds('timeout', timeout, 'a positive number of seconds', (value) => value > 0),
    retries: read(settings.retries, 'retries', parseRetries),
    retryDelayMs: milliseconds('retryDelay', retryDelay, '0 or more seconds', (value) => value >= 0),
    maxMemoryBytes: read(inBytes(settings.maxMemory), 'maxMemory', parseMemory),
    maxFailures: read(settings.maxFailures, 'maxFailures', parseMaxFailures),
    onError: read(settings.onError, 'onError', parseOnError),
  };
}

/** The time limit of one session, in milliseconds. */
export function readTimeLimit({ timeLimit }: LimitSettings): number | undefined {
  const isRight = (value: number): boolean => value > 0 && value <= MOST_SECONDS;
  return milliseconds('timeLimit', timeLimit, 'a positive number of seconds, up to 24 days', isRight);
}

// --- internal ---

/** The longest that node's timers can wait. */
const MOST_SECONDS = (2 ** 31 - 1) / 1000;

function inBytes(memory: number | string | undefined): string | undefined {
  return typeof memory === 'number' ? `${String(memory)}B` : memory;
}

function read<T>(
  value: number | string | undefined,
  name: string,
  parse: (name: string, text: string) => T,
): T | undefined {
  return value === undefined ? undefined : parse(name, String(value));
}

function milliseconds(
  name: string,
  seconds: number | undefined,
  expected: string,
  isRight: (seconds: number) => boolean,
): number | undefined {
  if (seconds === undefined) return undefined;
  if (Number.isFinite(seconds) && isRight(seconds)) return seconds * 1000;
  throw usage(`Expected ${name} to be ${expected}, got ${String(seconds)}.`);
}
