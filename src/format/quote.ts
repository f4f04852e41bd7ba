// Blanks, control and format characters, lone surrogates, quotes, backslashes, and `#`, which opens a comment for NumPy.
const NEEDS_QUOTES = /[\s\p{C}"\\#]/u;
// What would read back as a number, a complex number or a bool.
const LOOKS_LIKE_A_VALUE =
  /^(?:[+-]?(?:\d[\d_]*\.?\d*(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?|nan|inf|infinity)j?|true|false|\(.*\))$/i;
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
