import { parseArgs } from 'node:util';

const FULL = { points: 10_000_000, runs: 5 };
const QUICK = { points: 1_000_000, runs: 3 };
const KEYS = ['a', 'b', 'c', 'commands', 'stream', 'pool', 'python', 'python-start', 'slurm'];

export const HELP = `npm run bench -- [options]

  (a) ${FULL.points.toLocaleString('en-US')} points of double, 2 tasks over 2 processes: time and peak memory
  (b) 64 tasks that sleep for 0.5 s, over 16 processes
  (c) 17 points over 4 tasks, against the start of as many bare node processes
  (commands) 500 commands that do nothing, against GNU parallel and xargs
  (stream) 100,000 points through a program in C that stays alive
  (pool) 20,000 tasks of one item in a pool, against concurrent.futures and piscina
  (python) 1,000,000 points of a Python function, 2 processes, against Python's own pools
  (python-start) a Python model that imports NumPy, 8 processes: start to first result
  (slurm) 64 tasks of one command on a Slurm of this machine, against a bare array; left out where that can't be

  --runs N    measured runs of each program, after one that isn't counted (default ${FULL.runs})
  --quick     ${QUICK.points.toLocaleString('en-US')} points in (a), and ${QUICK.runs} runs
  --only a,c  only these cases
  --json      JSON instead of the table
  --help      this text

Exit code: 0 when all was measured (aims may be missed), 1 when results differ or a command fails, 2 when something
needed is missing.`;

/**
 * Reads the command line.
 * @returns the options; `fault` says what is wrong with them, if anything is
 */
export function readOptions(argv) {
  try {
    const { values } = parseArgs({
      args: argv,
      options: {
        runs: { type: 'string' },
        quick: { type: 'boolean', default: false },
        only: { type: 'string', default: KEYS.join(',') },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    return interpret(values);
  } catch (error) {
    return { fault: error.message };
  }
}

// --- internal ---

function interpret(values) {
  const size = values.quick ? QUICK : FULL;
  const runs = values.runs === undefined ? size.runs : Number(values.runs);
  const only = values.only.split(',');
  let fault;
  if (!Number.isInteger(runs) || runs < 1) fault = `Expected --runs 1 or more, got "${values.runs}".`;
  const unknown = only.filter((key) => !KEYS.includes(key));
  if (unknown.length > 0) fault = `Expected --only with some of ${KEYS.join(',')}, got "${values.only}".`;
  return { points: size.points, runs, only, isJson: values.json, isHelp: values.help, fault };
}
