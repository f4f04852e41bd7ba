import { parseJson } from '../../format/json.js';
import { readWord } from './words.js';

/**
 * A result in JSON, its numbers as words are read: `3` is an integer of any size (a bigint), `3.0` and `1e5` are floats, and
 * there are `NaN`, `Infinity`, `nan` and `inf`. An object of `re` and `im` alone is a complex number.
 * @throws Error where it is no JSON
 */
export function parseResult(text: string): unknown {
  return withComplex(parseJson(text, readWord));
}

// --- internal ---

function withComplex(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(withComplex);
  const record = value as Record<string, unknown>;
  const names = Object.keys(record);
  const { re, im } = record;
  if (names.length === 2 && isNumber(re) && isNumber(im)) return { re: Number(re), im: Number(im) };
  for (const name of names) {
    if (typeof record[name] === 'object') record[name] = withComplex(record[name]);
  }
  return record;
}

function isNumber(value: unknown): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint';
}
