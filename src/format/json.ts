import { endOfString } from './end-of-string.js';

/**
 * JSON as JSON.parse reads it, but for its numbers, of which `readNumber` gets the text: `1.0` is no `1`, and 2^53 + 1 no
 * double. Also `NaN` and `Infinity`, as Python's json writes them, and `nan` and `inf`, as C's printf does.
 * @throws SyntaxError where it is not such a text
 */
export function parseJson(text: string, readNumber: (token: string) => unknown): unknown {
  const reader: Reader = { text, at: 0, readNumber };
  const value = readValue(reader);
  skipBlanks(reader);
  if (reader.at < text.length) throw unexpected(reader);
  return value;
}

// --- internal ---

interface Reader {
  readonly text: string;
  at: number;
  readonly readNumber: (token: string) => unknown;
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.+-])|[+-]?(?:nan|inf(?:inity)?)\b/iy;
/** A string whose characters stand for themselves. */
const PLAIN = /^"[\u0020-\uffff]*"$/;
const WORD = /true|false|null/y;
const WORDS: Readonly<Record<string, unknown>> = { true: true, false: false, null: null };

function readValue(reader: Reader): unknown {
  skipBlanks(reader);
  switch (reader.text.charCodeAt(reader.at)) {
    case 0x7b:
      return readObject(reader);
    case 0x5b:
      return readArray(reader);
    case 0x22:
      return readString(reader);
  }
  const number = take(reader, NUMBER);
  if (number !== undefined) return reader.readNumber(number);
  const word = take(reader, WORD);
  if (word === undefined) throw unexpected(reader);
  return WORDS[word];
}

function readObject(reader: Reader): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  reader.at++;
  for (let isFirst = true; !isAt(reader, '}'); isFirst = false) {
    if (!isFirst) expect(reader, ',');
    skipBlanks(reader);
    const name = readString(reader);
    expect(reader, ':');
    const value = readValue(reader);
    if (name === '__proto__') {
      Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true });
    } else {
      object[name] = value;
    }
  }
  reader.at++;
  return object;
}

function readArray(reader: Reader): unknown[] {
  const items: unknown[] = [];
  reader.at++;
  for (let isFirst = true; !isAt(reader, ']'); isFirst = false) {
    if (!isFirst) expect(reader, ',');
    items.push(readValue(reader));
  }
  reader.at++;
  return items;
}

function readString(reader: Reader): string {
  const end = reader.text[reader.at] === '"' ? endOfString(reader.text, reader.at) : undefined;
  if (end === undefined) throw unexpected(reader);
  const quoted = reader.text.slice(reader.at, end);
  reader.at = end;
  return PLAIN.test(quoted) && !quoted.includes('\\') ? quoted.slice(1, -1) : (JSON.parse(quoted) as string);
}

function take(reader: Reader, pattern: RegExp): string | undefined {
  const from = reader.at;
  pattern.lastIndex = from;
  if (!pattern.test(reader.text)) return undefined;
  reader.at = pattern.lastIndex;
  return reader.text.slice(from, reader.at);
}

function skipBlanks(reader: Reader): void {
  for (; ; reader.at++) {
    const code = reader.text.charCodeAt(reader.at);
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
  }
}

function isAt(reader: Reader, character: string): boolean {
  skipBlanks(reader);
  return reader.text[reader.at] === character;
}

function expect(reader: Reader, character: string): void {
  if (!isAt(reader, character)) throw unexpected(reader);
  reader.at++;
}

function unexpected({ text, at }: Reader): SyntaxError {
  const found = at < text.length ? `"${text.slice(at, at + 20)}"` : 'its end';
  return new SyntaxError(`Unexpected ${found} at ${String(at)}`);
}
