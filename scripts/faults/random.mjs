import { createHash } from 'node:crypto';

/**
 * A generator of random choices that depend on nothing but the seed and what they are for.
 * @param purpose such as a round's number, so that each round can be repeated alone
 */
export function randomFrom(seed, ...purpose) {
  let state = createHash('sha256')
    .update([seed, ...purpose].join(':'))
    .digest()
    .readUInt32LE(0);
  // mulberry32
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (count) => Math.floor(next() * count);
  return {
    /** In [least, most), not whole. */
    between: (least, most) => least + next() * (most - least),
    below,
    chance: (probability) => next() < probability,
    pick: (list) => list[below(list.length)],
    shuffled: (list) => {
      const left = [...list];
      return Array.from(list, () => left.splice(below(left.length), 1)[0]);
    },
  };
}
