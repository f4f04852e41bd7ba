import { systemCode } from '../../errors.js';

/** An argument or a variable of the environment may be so long on Linux, with the byte that ends it. */
const MOST_BYTES = 128 << 10;

/** Why a text can't stand in an argument or a variable of a program, or undefined where it can. */
export function faultOf(text: string): string | undefined {
  if (text.includes('\0')) return 'a NUL character, at which arguments and variables end';
  if (/\p{Surrogate}/u.test(text)) return 'half a surrogate pair, which no UTF-8 text can hold';
  return undefined;
}

/** True where a variable `NAME=VALUE` can be passed to a program. */
export function fitsEnvironment(name: string, value: string | undefined): boolean {
  if (value === undefined) return true;
  return faultOf(value) === undefined && Buffer.byteLength(value) + name.length + 2 <= MOST_BYTES;
}

/**
 * Holds the words and variables of a process against what can be passed.
 * @throws Error naming the first that can't, and another way for it
 */
export function checkPassable(
  words: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): void {
  const texts: [string, string][] = [
    ...words.map((word, index): [string, string] => [`argument ${String(index)}`, word]),
    ...Object.entries(env).map(([name, value = '']): [string, string] => [`variable ${name}`, value]),
  ];
  for (const [place, text] of texts) {
    const fault = faultOf(text);
    if (fault !== undefined)
      throw new Error(
        `Expected its ${place} to be text that a program can be given, got ${fault}. ${ADVICE}`,
      );
  }
}

/** The system's error where a process could not be started, in words that say what to do. */
export function explainStart(error: unknown, words: readonly string[]): unknown {
  if (systemCode(error) !== 'E2BIG') return error;
  const longest = Math.max(...words.map((word) => Buffer.byteLength(word)));
  return new Error(
    `Its arguments and variables are too long for the system (E2BIG; one may have 128 kB, and the longest argument has ${String(longest)} bytes). ${ADVICE}`,
  );
}

// --- internal ---

const ADVICE = 'Use --stdin, which gives the point as JSON, and no placeholder for this parameter.';
