// Control and format characters, surrogates and those of private use, as Unicode 12.1 has them. By number, not `\p{C}`: each
// Node and each Python has its own edition of Unicode, on which no byte may depend.
const CONTROLS = [
  String.raw`\0-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u08e2\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064`,
  String.raw`\u2066-\u206f\ud800-\uf8ff\ufeff\ufff9-\ufffb\u{110bd}\u{110cd}\u{13430}-\u{13438}\u{1bca0}-\u{1bca3}`,
  String.raw`\u{1d173}-\u{1d17a}\u{e0001}\u{e0020}-\u{e007f}\u{f0000}-\u{ffffd}\u{100000}-\u{10fffd}`,
].join('');
// Beside those blanks, quotes, backslashes, and `#`, which opens a comment for NumPy.
const NEEDS_QUOTES = new RegExp(String.raw`[\s${CONTROLS}"\\#]`, 'u');
const NUMBER = String.raw`(?:(?:\d[\d_]*(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?|nan|inf(?:inity)?)`;
// What would read as a number, a complex number or a bool.
const LOOKS_LIKE_A_VALUE = new RegExp(
  String.raw`^(?:[+-]?${NUMBER}(?:(?:[+-]${NUMBER})?j)?|0[xbo][\da-f]+|true|false|\(.*\))$`,
  'i',
);
// What can't stand in a cell of one line, or would be taken for the JSON string of another text.
const NEEDS_JSON = new RegExp(String.raw`^"|[${CONTROLS}\u2028\u2029]`, 'u');
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
  return escapeJson(JSON.stringify(text));
}

/** The same JSON without the control characters that JSON.stringify leaves as they are. */
export function escapeJson(json: string): string {
  return json.replace(
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
