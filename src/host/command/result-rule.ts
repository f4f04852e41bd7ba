import { FanfoldError, messageOf } from '../../errors.js';

/** What of a command's doings is its result. */
export type ResultRule =
  | { readonly kind: 'line' | 'last-line' | 'json' | 'exit' }
  | { readonly kind: 'regex'; readonly pattern: RegExp }
  | { readonly kind: 'file'; readonly name: string };

/**
 * Reads the value of `--result`.
 * @throws FanfoldError for an unknown rule, a regular expression that is none, or a file that is not inside {out}
 */
export function parseResultRule(text: string): ResultRule {
  switch (text) {
    case 'line':
    case 'last-line':
    case 'json':
    case 'exit':
      return { kind: text };
  }
  const { rule, rest = '' } = /^(?<rule>regex|file):(?<rest>[^]+)$/.exec(text)?.groups ?? {};
  if (rule === 'regex') return { kind: 'regex', pattern: compile(rest) };
  if (rule === 'file') return { kind: 'file', name: checkFile(rest) };
  throw new FanfoldError(
    'FANFOLD_USAGE',
    `Expected --result to be line, last-line, json, regex:PATTERN, file:NAME or exit, got "${text}".`,
  );
}

/** The named groups of a regular expression, in order. */
export function groupNames(pattern: RegExp): string[] {
  // The empty alternative always matches, and leaves every group empty.
  return Object.keys(new RegExp(`${pattern.source}|`, pattern.flags).exec('')?.groups ?? {});
}

// --- internal ---

function compile(source: string): RegExp {
  try {
    return new RegExp(source, 'm');
  } catch (error) {
    throw new FanfoldError(
      'FANFOLD_USAGE',
      `Expected --result regex: with a JavaScript regular expression, got "${source}" (${messageOf(error)}).`,
    );
  }
}

function checkFile(name: string): string {
  const parts = name.split(/[/\\]/);
  if (!parts.includes('..') && parts[0] !== '' && !/^[A-Za-z]:/.test(name) && !name.includes('\0'))
    return name;
  throw new FanfoldError(
    'FANFOLD_USAGE',
    `Expected --result file: with a file inside the point's own folder {out}, got "${name}". Name it relative to {out}, without "..".`,
  );
}
