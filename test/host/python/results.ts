import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { anyDouble, bitsOf } from '../../format/bits.js';
import { anyText } from '../../format/text.js';
import { newFolder } from './host.js';

// Results as both languages make them: what the JavaScript writer gets, and what a Python model returns.

export interface Both {
  readonly js: unknown;
  readonly python: unknown;
}

export const float = (value: number): Both => ({ js: value, python: ['float', bitsOf(value)] });
export const int = (value: bigint): Both => ({ js: value, python: ['int', String(value)] });
export const bool = (value: boolean): Both => ({ js: value, python: ['bool', value] });
export const text = (value: string): Both => ({ js: value, python: ['str', value] });
export const complex = (re: number, im: number): Both => ({
  js: { re, im },
  python: ['complex', bitsOf(re), bitsOf(im)],
});
export const vector = (items: readonly Both[]): Both => ({
  js: items.map(({ js }) => js),
  python: ['list', items.map(({ python }) => python)],
});
export const record = (names: readonly string[], items: readonly Both[]): Both => ({
  js: Object.fromEntries(items.map(({ js }, index) => [names[index] ?? '', js])),
  python: ['dict', items.map(({ python }, index) => [names[index] ?? '', python])],
});

export function anyScalar(): fc.Arbitrary<Both> {
  return fc.oneof(
    anyDouble().map(float),
    fc.oneof(fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }), fc.bigInt({ min: -9n, max: 9n })).map(int),
    fc.boolean().map(bool),
    anyText().map(text),
    fc.tuple(anyDouble(), anyDouble()).map(([re, im]) => complex(re, im)),
  );
}

/** A model whose point `index` gives result `index`. */
export function sourceOf(results: readonly Both[], parameters: readonly string[]): string {
  const file = join(newFolder(), 'results.json');
  writeFileSync(file, JSON.stringify(results.map(({ python }) => python)));
  return `
import json, struct

def number(bits):
    return struct.unpack('>d', bytes.fromhex(bits))[0]

def made(item):
    kind, held = item[0], item[1]
    if kind == 'float':
        return number(held)
    if kind == 'complex':
        return complex(number(held), number(item[2]))
    if kind == 'list':
        return [made(part) for part in held]
    if kind == 'dict':
        return {name: made(part) for name, part in held}
    return int(held) if kind == 'int' else held

with open(${JSON.stringify(file)}) as file:
    RESULTS = [made(item) for item in json.load(file)]

def f(${[...parameters, 'index'].join(', ')}):
    return RESULTS[index]
`;
}
