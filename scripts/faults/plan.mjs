import { DISK_FAULTS } from './fault-disk.mjs';
import { FILE_FAULTS } from './fault-files.mjs';
import { PROCESS_FAULTS } from './fault-processes.mjs';
import { RIVAL_FAULTS } from './fault-rivals.mjs';
import { randomFrom } from './random.mjs';
import { FORMATS } from './sweeps.mjs';

export const FAULTS = [...PROCESS_FAULTS, ...FILE_FAULTS, ...DISK_FAULTS, ...RIVAL_FAULTS];
export const FAULTS_A_ROUND = 5;

/**
 * Deals faults and sweeps to rounds as cards are dealt: each comes as often as any other.
 * @param chosen `faults` and `sweeps` of which this machine can do all
 */
export function planRounds(seed, count, { faults, sweeps }) {
  const random = randomFrom(seed, 'plan');
  const faultDeck = deck(random, faults);
  const sweepDeck = deck(random, sweeps);
  return Array.from({ length: count }, (_, number) => {
    const sweep = sweepDeck(() => true);
    const dealt = Array.from({ length: FAULTS_A_ROUND }, () =>
      faultDeck(({ fits }) => fits?.(sweep) ?? true),
    );
    return {
      number,
      sweep,
      format: random.pick(FORMATS),
      faults: dealt.filter((fault) => fault !== undefined),
    };
  });
}

// --- internal ---

function deck(random, cards) {
  let left = [];
  return (fits) => {
    if (!cards.some(fits)) return undefined;
    while (!left.some(fits)) left = [...left, ...random.shuffled(cards)];
    return left.splice(left.findIndex(fits), 1)[0];
  };
}
