import type { Dtype, Scalar } from '../../format/value.js';

const NUMBER = String.raw`(?:(?:\d+(?:\.\d*)?|\.\d+)(?:[eEdD][+-]?\d+)?|nan|inf(?:inity)?)`;
const INTEGER = /^[+-]?\d+$/;
const FLOAT = new RegExp(`^[+-]?${NUMBER}$`, 'i');
/** How C writes the payload of a nan, and Fortran an exponent of three digits. */
const ODD_FLOAT = /^[+-]?(?:nan\([^()]*\)|\d*\.\d+[+-]\d{3})$/i;
/** `(1.0,2.0)` as Fortran writes it. */
const PAIR = new RegExp(`^\\((?<re>[+-]?${NUMBER}),(?<im>[+-]?${NUMBER})\\)$`, 'i');
/** `(1+2j)` and `2j` as NumPy, `1+2i` as R and Octave, `1+2im` as Julia. */
const SUM = new RegExp(`^\\(?(?:(?<re>[+-]?${NUMBER})(?=[+-]))?(?<im>[+-]?${NUMBER})(?:j|i|im)\\)?$`, 'i');
/** Of an integer, as in Python: the time that it takes to read more grows with their square. */
const MOST_DIGITS = 4300;
const BOOL = /^(?:true|false)$/i;
const DECLARED_BOOL = /^(?:t|true|\.true\.|1|(?<no>f|false|\.false\.|0))$/i;

/**
 * A word that a program printed, as a value: `3` is an integer of any size (a bigint), `3.0` and `1.0D+03` are floats,
 * then nan, inf, complex numbers and bools; any other word is a string.
 * @param dtype the type that its column was given, if any; a value that can't be of it is refused where it is written
 * @throws Error for the stars that Fortran prints where a number doesn't fit its field
 */
export function readWord(word: string, dtype?: Dtype): Scalar {
  if (dtype === 'string') return word;
  if (dtype === 'bool') {
    const match = DECLARED_BOOL.exec(word);
    return match === null ? word : match.groups?.['no'] === undefined;
  }
  if (INTEGER.test(word)) return dtype === 'complex128' ? Number(word) : readInteger(word);
  if (FLOAT.test(word) || ODD_FLOAT.test(word)) return readFloat(word);
  const complex = (PAIR.exec(word) ?? SUM.exec(word))?.groups;
  if (complex !== undefined)
    return { re: readFloat(complex['re'] ?? '0'), im: readFloat(complex['im'] ?? '0') };
  if (BOOL.test(word)) return word.toLowerCase() === 'true';
  if (/^\*+$/.test(word)) throw new Error(`got "${word}", a number that did not fit its field`);
  return word;
}

/** The blank-separated words of a line. */
export function wordsOf(line: string): string[] {
  return line.split(/\s+/).filter((word) => word !== '');
}

// --- internal ---

function readInteger(word: string): bigint {
  if (word.length > MOST_DIGITS)
    throw new Error(`got an integer of ${String(word.length)} digits, more than ${String(MOST_DIGITS)}`);
  return BigInt(word.replace(/^\+/, ''));
}

function readFloat(word: string): number {
  if (/nan/i.test(word)) return NaN;
  if (/inf/i.test(word)) return word.startsWith('-') ? -Infinity : Infinity;
  const text = /[ed]/i.test(word) ? word.replace(/d/i, 'e') : word.replace(/(?<=.)(?=[+-])/, 'e');
  return Number(text);
}
