import { FanfoldError } from '../errors.js';
import { MOST_TIMER_MS } from '../timers.js';

/** An axis as typed, in the order of the command line, which is the order of the grid. */
export interface AxisText {
  readonly option: 'range' | 'param' | 'points';
  readonly text: string;
}

// `--range`, `--param` and `--points` share one list, because their order among each other is that of the grid;
// commander keeps a list for each option.
const shared: AxisText[] = [];

export function collectAxis(
  axes: AxisText[] | undefined,
  option: AxisText['option'],
  text: string,
): AxisText[] {
  const list = axes ?? shared;
  list.push({ option, text });
  return list;
}

export function collectText(text: string, previous: string[]): string[] {
  return [...previous, text];
}

const OTHER_COMMANDS = ['resume', 'retry', 'status', 'attach', 'stop', 'verify', 'fold', 'element', 'help'];

/** Takes the command after `--` out of the arguments: its options are its own, whatever they look like. */
export function splitCommand(argv: readonly string[]): { own: string[]; command: string[] | undefined } {
  const at = argv.indexOf('--');
  if (at < 0 || OTHER_COMMANDS.includes(argv[2] ?? '')) return { own: [...argv], command: undefined };
  return { own: argv.slice(0, at), command: argv.slice(at + 1) };
}

/**
 * A placeholder as a word of its own belongs to a command.
 * @throws FanfoldError where there is no command
 */
export function refusePlaceholders(own: readonly string[]): void {
  const stray = own.slice(2).find((word) => /^\{[\p{L}_][\p{L}\p{N}_]*\}$/u.test(word));
  if (stray === undefined) return;
  throw new FanfoldError(
    'FANFOLD_USAGE',
    `Expected a command after --, got "${stray}" before any. Put -- before the program: fanfold --param T=1:4 -- ./ising {T}.`,
  );
}

/** A reader of a positive integer. */
export function parseCount(option: string): (text: string) => number {
  return (text) => {
    const count = Number(text);
    if (/^\+?\d+$/.test(text) && Number.isSafeInteger(count) && count > 0) return count;
    throw new FanfoldError(
      'FANFOLD_USAGE',
      `Expected ${option} to be a positive integer, got "${text}". Use ${option} 1 or more.`,
    );
  };
}

/** A reader of a whole number from 0 on. */
export function parseIndex(option: string): (text: string) => number {
  return (text) => {
    const index = Number(text);
    if (/^\d+$/.test(text) && Number.isSafeInteger(index)) return index;
    throw new FanfoldError(
      'FANFOLD_USAGE',
      `Expected ${option} to be a whole number, 0 or more, got "${text}".`,
    );
  };
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000 };

/** A reader of a duration such as `30s`, `500ms`, `5m` or `1.5h`, a bare number being seconds; gives milliseconds. */
export function parseDuration(option: string): (text: string) => number {
  return durationReader(option, (ms) => ms > 0);
}

/** A reader of a duration that may be 0. */
export function parseDelay(option: string): (text: string) => number {
  return durationReader(option, (ms) => ms >= 0);
}

function durationReader(option: string, isRight: (ms: number) => boolean): (text: string) => number {
  return (text) => {
    const { number, unit } =
      /^(?<number>\d+(?:\.\d*)?|\.\d+)\s*(?<unit>[a-z]*)$/.exec(text.trim())?.groups ?? {};
    const factor = UNITS[unit === '' ? 's' : (unit ?? '')];
    const ms = Number(number) * (factor ?? NaN);
    if (isRight(ms) && ms <= MOST_TIMER_MS) return ms;
    throw new FanfoldError(
      'FANFOLD_USAGE',
      `Expected ${option} to be a duration of up to 24 days, such as 30s, 500ms, 5m or 1.5h, got "${text}".`,
    );
  };
}

export function parseSeed(text: string): bigint {
  if (/^\d{1,20}$/.test(text) && BigInt(text) < 2n ** 64n) return BigInt(text);
  throw new FanfoldError(
    'FANFOLD_USAGE',
    `Expected --seed to be an integer from 0 to 2^64 - 1, got "${text}".`,
  );
}

/**
 * Splits `NAME=VALUE` at its first `=`.
 * @throws FanfoldError where there is none
 */
export function splitNamed(option: string, text: string): { name: string; value: string } {
  const at = text.indexOf('=');
  if (at > 0) return { name: text.slice(0, at), value: text.slice(at + 1) };
  throw new FanfoldError(
    'FANFOLD_USAGE',
    `Expected ${option} to be NAME=VALUE, such as ${option} U=1${option === '--param' ? ',2' : ''}, got "${text}".`,
  );
}
