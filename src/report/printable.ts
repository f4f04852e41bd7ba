import { isatty } from 'node:tty';
import { shortened as shorten } from '../format/shortened.js';

/** A path as it goes to stdout: as it is where a program reads it, and as a person may see it where that is a terminal. */
export function pathForStdout(path: string): string {
  return isatty(1) ? printable(path) : path;
}

const MOST_CHARACTERS = 4000;

/** A message with its middle left out where it is too long to be read: it may quote a value of any length. */
export function shortened(text: string): string {
  return shorten(text, MOST_CHARACTERS);
}

/** Text without control characters but line breaks and tabs: to a terminal the others are commands. */
export function printable(text: string): string {
  return text.replace(
    /[^\P{C}\n\t]/gu,
    (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  );
}
