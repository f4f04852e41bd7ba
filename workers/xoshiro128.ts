// Looked up once: in a realm that intercepts its globals, as a test runner's does, `Math.imul` itself is slow.
const { imul } = Math;

/**
 * xoshiro128**, the generator of D. Blackman and S. Vigna, "Scrambled linear pseudorandom number generators",
 * ACM Trans. Math. Softw. 47, 36 (2021), seeded as its authors advise by SplitMix64. Ten times as fast as
 * `context.random()`, for the workers that draw millions of numbers a point.
 * @param seed an unsigned 64-bit integer, such as `context.seed`
 * @returns a function that gives the next unsigned 32-bit integer
 */
export function xoshiro128(seed: bigint): () => number {
  const mix = splitMix64(seed);
  const [low, high] = [mix(), mix()];
  return xoshiro128FromState([word(low, 0n), word(low, 32n), word(high, 0n), word(high, 32n)]);
}

/** The generator from a given state of four 32-bit words, of which one at least isn't 0. */
export function xoshiro128FromState(state: readonly [number, number, number, number]): () => number {
  let [s0, s1, s2, s3] = state;
  return () => {
    const result = imul(rotateLeft(imul(s1, 5), 7), 9) >>> 0;
    const shifted = s1 << 9;
    s2 ^= s0;
    s3 ^= s1;
    s1 ^= s2;
    s0 ^= s3;
    s2 ^= shifted;
    s3 = rotateLeft(s3, 11);
    return result;
  };
}

/** SplitMix64 of S. Vigna (https://prng.di.unimi.it/splitmix64.c), the next unsigned 64-bit integer a call. */
export function splitMix64(seed: bigint): () => bigint {
  let state = seed;
  return () => {
    state = BigInt.asUintN(64, state + 0x9e3779b97f4a7c15n);
    let mixed = state;
    mixed = BigInt.asUintN(64, (mixed ^ (mixed >> 30n)) * 0xbf58476d1ce4e5b9n);
    mixed = BigInt.asUintN(64, (mixed ^ (mixed >> 27n)) * 0x94d049bb133111ebn);
    return mixed ^ (mixed >> 31n);
  };
}

// --- internal ---

function rotateLeft(value: number, count: number): number {
  return (value << count) | (value >>> (32 - count));
}

function word(value: bigint, shift: bigint): number {
  return Number((value >> shift) & 0xffffffffn);
}
