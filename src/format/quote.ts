// Blanks, control and format characters, lone surrogates, quotes, backslashes, and `#`, which opens a comment for NumPy.
const NEEDS_QUOTES = /[\s\p{C}"\\#]/u;
const NUMBER = String.raw`(?:(?:\d[\d_]*(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?|nan|inf(?:inity)?)`;
// What would read as a number, a complex number or a bool.
const LOOKS_LIKE_A_VALUE = new RegExp(
  String.raw`^(?:[+-]?${NUMBER}(?:(?:[+-]${NUMBER})?j)?|0[xbo][\da-f]+|true|false|\(.*\))$`,
  'i',
);
// What can't stand in a cell of one line, or would be taken for the JSON string of another text.
const NEEDS_JSON = /^"|[\p{C}\u2028\u2029]/u;
// JSON.stringify leaves these as they are, and some of them are commands to a terminal.
const UNESCAPED_BY_JSON = /[\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/**
 * A string as one blank-free-or-quoted word of a text file: as it is where that is unambiguous, otherwise as a JSON
 * string on one line, so that it reads back the same.
 */
export function quoteWord(text: string): string {
  return text === '' || NEEDS_QUOTES.test(text) || LOOKS_LIKE_A_VALUE.test(text) ? quoteJson(text) : text;
}

/** A JSON string without any raw control character. */
export function quoteJson(text: string): string {
  return JSON.stringify(text).replace(
    UNESCAPED_BY_JSON,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** A string as one cell of a csv line by RFC 4180, in it as a JSON string where it holds control characters. */
export function quoteCsv(text: string): string {
  if (NEEDS_JSON.test(text)) return doubleQuotes(quoteJson(text));
  return quoteWord(text) !== text || text.includes(',') ? doubleQuotes(text) : text;
}

// --- internal ---

function doubleQuotes(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}
