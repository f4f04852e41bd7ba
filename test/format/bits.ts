import { readFileSync } from 'node:fs';
import fc from 'fast-check';

/** The double with the given big-endian IEEE 754 bits, in hexadecimal. */
export function fromBits(hex: string): number {
  return Buffer.from(hex, 'hex').readDoubleBE();
}

/** The big-endian IEEE 754 bits of a double, in hexadecimal. */
export function bitsOf(value: number): string {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return bytes.toString('hex');
}

/** Any double: fast-check's own, which favours small and special ones, and ones of random bits. */
export function anyDouble(): fc.Arbitrary<number> {
  return fc.oneof(
    fc.double(),
    fc.integer({ min: -1000, max: 1000 }),
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((bits) => fromBits(bits.toString(16).padStart(16, '0'))),
    // Halves and tenths of powers of ten lie about the limits between positional and exponent.
    fc
      .tuple(fc.integer({ min: -99, max: 99 }), fc.integer({ min: -8, max: 20 }))
      .map(([mantissa, exponent]) => mantissa * 10 ** exponent),
  );
}

/** A file of `test/golden`. */
export function goldenText(name: string): string {
  return readFileSync(new URL(`../golden/${name}`, import.meta.url), 'utf8');
}

/** A JSON file of `test/golden`. */
export function goldenJson(name: string): unknown {
  return JSON.parse(goldenText(name));
}
