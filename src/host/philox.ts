/**
 * Philox4x32-10, the counter-based generator of J. K. Salmon, M. A. Moraes, R. O. Dror and D. E. Shaw,
 * "Parallel random numbers: as easy as 1, 2, 3" (SC11). Checked against the test vectors of Random123.
 */
const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;
const ROUNDS = 10;

/**
 * One block of Philox4x32-10.
 * @param counter four unsigned 32-bit words
 * @param key two unsigned 32-bit words
 * @param out receives four unsigned 32-bit words
 */
export function philox4x32(counter: Uint32Array, key: Uint32Array, out: Uint32Array): void {
  let [c0 = 0, c1 = 0, c2 = 0, c3 = 0] = counter;
  let [k0 = 0, k1 = 0] = key;
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0, c0);
    const low0 = Math.imul(MULTIPLIER_0, c0);
    const high1 = multiplyHigh(MULTIPLIER_1, c2);
    const low1 = Math.imul(MULTIPLIER_1, c2);
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1 >>> 0;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0 >>> 0;
    k0 = (k0 + WEYL_0) >>> 0;
    k1 = (k1 + WEYL_1) >>> 0;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

/**
 * The seed of one point: the first 64 bits of the Philox block whose key is the sweep's seed and whose counter is
 * the point's index. Independent of tasks, processes and restarts.
 * @param sweepSeed the value of `--seed`, 0 to 2^64 - 1
 * @param index the point's index, 0 to 2^53 - 1
 * @returns an unsigned 64-bit integer
 */
export function pointSeed(sweepSeed: bigint, index: number): bigint {
  const out = new Uint32Array(4);
  philox4x32(new Uint32Array([index >>> 0, Math.floor(index / 2 ** 32), 0, 0]), keyOf(sweepSeed), out);
  return (BigInt(out[1] ?? 0) << 32n) | BigInt(out[0] ?? 0);
}

/**
 * A stream of uniform random numbers in [0, 1) with 53 random bits each: Philox blocks keyed by `seed`, counter
 * 0, 1, 2, … (two numbers a block).
 * @param seed an unsigned 64-bit integer
 */
export function philoxStream(seed: bigint): () => number {
  const key = keyOf(seed);
  const counter = new Uint32Array(4);
  const block = new Uint32Array(4);
  let used = 4;
  return () => {
    if (used === 4) {
      philox4x32(counter, key, block);
      counter[0] = (counter[0] ?? 0) + 1;
      if (counter[0] === 0) counter[1] = (counter[1] ?? 0) + 1;
      used = 0;
    }
    const high = (block[used] ?? 0) >>> 5;
    const low = (block[used + 1] ?? 0) >>> 6;
    used += 2;
    return (high * 2 ** 26 + low) / 2 ** 53;
  };
}

// --- internal ---

function keyOf(seed: bigint): Uint32Array {
  return new Uint32Array([Number(seed & 0xffffffffn), Number((seed >> 32n) & 0xffffffffn)]);
}

/** The upper 32 bits of a 32 by 32 bit product, by 16-bit halves: a double holds only 53 bits of it. */
function multiplyHigh(a: number, b: number): number {
  const aHigh = a >>> 16;
  const aLow = a & 0xffff;
  const bHigh = b >>> 16;
  const bLow = b & 0xffff;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = (middle & 0xffff) + aLow * bHigh;
  return (aHigh * bHigh + Math.floor(middle / 65536) + Math.floor(carry / 65536)) >>> 0;
}
