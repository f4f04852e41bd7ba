import { FanfoldError } from '../errors.js';
import { endOfString } from '../format/end-of-string.js';
import { arange } from './arange.js';
import type { Values } from './axis.js';
import { geomspace, linspace, logspace } from './linspace.js';
import { listOfTexts, readNumber, type TypedText } from './list.js';

const FUNCTIONS = { linspace, logspace, geomspace };
const SYNTAX =
  'start:stop[:step], linspace(a,b,n), logspace(a,b,n), geomspace(a,b,n), or a list such as 1,2,5 or up,down';

/**
 * The values of `--param NAME=SPEC`: `0:10`, `0:1:0.1`, `linspace(0,1,11)`, `1,2,5`, `up,down`, `"a,b",c`.
 * @param option how the user gave it, for messages
 * @throws FanfoldError where the text is none of these
 */
export function parseValues(text: string, option: string): Values {
  const call = /^\s*(?<name>[A-Za-z]\w*)\s*\((?<args>[^()]*)\)\s*$/.exec(text)?.groups;
  if (call !== undefined) return parseCall(call['name'] ?? '', call['args'] ?? '', option);
  // A slip in a call must not give a list of its pieces as strings.
  if (/^\s*(?:arange|linspace|logspace|geomspace)\s*\(/.test(text)) throw refusal(option, `"${text}"`);
  const items = splitList(text, option);
  const [only] = items;
  if (items.length === 1 && only !== undefined && !only.isQuoted && only.text.includes(':')) {
    return parseRange(only.text, option);
  }
  refuseRanges(items, option);
  refuseBrackets(items, option);
  return listOfTexts(items);
}

/**
 * The values of a range, `stop` being left out as in NumPy's `arange`: int64, or float64 where a part is written as one.
 * @throws FanfoldError where the text is no range
 */
export function parseRange(text: string, option: string): Values {
  const parts = text.split(':');
  const numbers = parts.map((part) => readNumber(part.trim()));
  const bad = numbers.findIndex(
    (number) => number === undefined || Number.isNaN(number) || Math.abs(Number(number)) === Infinity,
  );
  if (parts.length < 2 || parts.length > 3 || bad >= 0) {
    const reason = bad >= 0 && parts.length > 1 ? ` ("${parts[bad] ?? ''}" is not a finite number)` : '';
    throw new FanfoldError(
      'FANFOLD_SPACE',
      `Expected ${option} to be start:stop[:step] with finite numbers, such as 0:17 or 0:1:0.1, got "${text}"${reason}.`,
    );
  }
  const [start = 0, stop = 0, step = 1] = numbers as (number | bigint)[];
  const isFloat = parts.some((part) => !/^\s*[+-]?\d+\s*$/.test(part));
  return isFloat
    ? arange(Number(start), Number(stop), Number(step), { dtype: 'float64' })
    : arange(start, stop, step, { dtype: 'int64' });
}

/**
 * The one value of `--set NAME=VALUE`, as a list of one: typed as in a list, but commas are part of it.
 */
export function parseFixed(text: string): Values {
  return listOfTexts([unquote(text.trim()) ?? { text, isQuoted: false }]);
}

// --- internal ---

/** `np.linspace(0,1,5)` or `[1,2]` would otherwise pass for a list of strings. */
function refuseBrackets(items: readonly TypedText[], option: string): void {
  const odd = items.find(({ text, isQuoted }) => !isQuoted && !isBalanced(text));
  if (odd === undefined) return;
  throw new FanfoldError(
    'FANFOLD_SPACE',
    `Expected ${option} to be ${SYNTAX}, got "${odd.text}" with a bracket that has no partner. A list is written without brackets; a string that holds one in quotes.`,
  );
}

function isBalanced(text: string): boolean {
  return [
    ['(', ')'],
    ['[', ']'],
    ['{', '}'],
  ].every(([open = '', close = '']) => text.split(open).length === text.split(close).length);
}

/** A range among other values would otherwise pass for a string. */
function refuseRanges(items: readonly TypedText[], option: string): void {
  const range = items.find(
    ({ text, isQuoted }) =>
      !isQuoted && text.includes(':') && text.split(':').every((part) => readNumber(part) !== undefined),
  );
  if (range === undefined) return;
  throw new FanfoldError(
    'FANFOLD_SPACE',
    `Expected ${option} to be one range or a list of values, got the range "${range.text}" in a list. Write its values out, or put it in quotes if it is a string.`,
  );
}

function parseCall(name: string, args: string, option: string): Values {
  const rule = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name as keyof typeof FUNCTIONS] : undefined;
  const numbers = args.split(',').map((part) => readNumber(part.trim()));
  const [start, stop, num] = numbers;
  if (
    rule === undefined ||
    numbers.length !== 3 ||
    start === undefined ||
    stop === undefined ||
    num === undefined
  ) {
    throw refusal(option, `"${name}(${args})"`);
  }
  return rule(Number(start), Number(stop), Number(num));
}

/** Splits at commas outside double quotes. */
function splitList(text: string, option: string): TypedText[] {
  return cutAtCommas(text, option).map((item) => {
    const trimmed = item.trim();
    const found = unquote(trimmed) ?? { text: trimmed, isQuoted: false };
    if (found.text !== '' || found.isQuoted) return found;
    throw refusal(option, `an empty value in "${text}". An empty string is written ""`);
  });
}

function cutAtCommas(text: string, option: string): string[] {
  const items: string[] = [];
  let from = 0;
  for (let at = 0; at <= text.length; at++) {
    if (text[at] === '"') {
      const end = endOfString(text, at);
      if (end === undefined) throw refusal(option, `a quote that is not closed in "${text}"`);
      at = end - 1;
    } else if (at === text.length || text[at] === ',') {
      items.push(text.slice(from, at));
      from = at + 1;
    }
  }
  return items;
}

function refusal(option: string, got: string): FanfoldError {
  return new FanfoldError('FANFOLD_SPACE', `Expected ${option} to be ${SYNTAX}, got ${got}.`);
}

function unquote(text: string): TypedText | undefined {
  if (!text.startsWith('"') || endOfString(text, 0) !== text.length) return undefined;
  try {
    return { text: JSON.parse(text) as string, isQuoted: true };
  } catch {
    // Not an escape that JSON knows, such as "C:\data": the backslash then stands for itself.
    return { text: text.slice(1, -1), isQuoted: true };
  }
}
