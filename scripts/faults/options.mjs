import { parseArgs } from 'node:util';
import { randomInt } from 'node:crypto';

const ROUNDS = 46;

export const HELP = `npm run test:faults -- [options]

Runs real sweeps under faults, and compares every result with an undisturbed run's.

  --rounds N   rounds of five faults (default ${String(ROUNDS)})
  --seed S     the seed of all choices, printed by every run
  --round N    only this round of them
  --only TEXT  only faults in whose name this stands
  --sweep TEXT only sweeps in whose name this stands
  --lanes N    rounds at a time (default 2)
  --report     write docs/reliability.md
  --list       print the names of the faults
  --help       this text

Exit code: 0 when nothing was lost, 1 when something was, 2 when it could not be tried.`;

/**
 * Reads the command line.
 * @returns the options; `fault` says what is wrong with them, if anything is
 */
export function readOptions(argv) {
  try {
    const text = { type: 'string' };
    const flag = { type: 'boolean', default: false };
    const { values } = parseArgs({
      args: argv,
      options: {
        ...{ rounds: text, seed: text, round: text, only: text, sweep: text, lanes: text },
        ...{ report: flag, list: flag, help: flag },
      },
    });
    const { seed = String(randomInt(2 ** 32)), only = '', sweep = '', report, list, help } = values;
    const numbers = {
      rounds: positive('rounds', values.rounds ?? String(ROUNDS)),
      lanes: positive('lanes', values.lanes ?? '2'),
      round: values.round === undefined ? undefined : Number(values.round),
    };
    return { seed, only, sweep, isReport: report, isList: list, isHelp: help, ...numbers };
  } catch (error) {
    return { fault: error.message };
  }
}

// --- internal ---

function positive(name, text) {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new Error(`Expected --${name} 1 or more, got "${text}".`);
}
