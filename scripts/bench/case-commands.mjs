import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { alternate } from './alternation.mjs';
import { FANFOLD } from './command.mjs';
import { timeFigures, timeRatio } from './figures.mjs';
import { runTrial } from './trial.mjs';

const POINTS = 500;
const SLOTS = '2';
const PARALLEL_AIM = 0.4;
const XARGS_AIM = 1.8;

/** Commands that do nothing: what starting one costs, all of fanfold's own start and files included. */
export async function benchCommands({ runs, folder, say }) {
  const list = join(folder, 'points');
  writeFileSync(list, Array.from({ length: POINTS }, (_, index) => `${index}\n`).join(''));
  const outcomes = await alternate(
    {
      fanfold: () => runTrial(folder, fanfoldCommand),
      'GNU parallel': () => runTrial(folder, () => ['parallel', '-j', SLOTS, '-a', list, 'true']),
      xargs: () => runTrial(folder, () => ['xargs', '-a', list, '-P', SLOTS, '-n', '1', 'true']),
    },
    runs,
    say,
  );
  return {
    title: `${POINTS} commands that do nothing (true), over ${SLOTS} slots`,
    notes: ['All three start a process for each point; only fanfold keeps results, and can be resumed.'],
    figures: timeFigures(outcomes),
    ratios: [
      timeRatio(outcomes, ['fanfold', 'GNU parallel'], PARALLEL_AIM),
      timeRatio(outcomes, ['fanfold', 'xargs'], XARGS_AIM),
    ],
    checks: [],
  };
}

// --- internal ---

function fanfoldCommand(out) {
  const options = [
    '--range',
    `0:${POINTS}`,
    '--tasks',
    SLOTS,
    '--jobs',
    SLOTS,
    '--out',
    out,
    '-q',
    '--result',
    'exit',
  ];
  return [...FANFOLD, ...options, '--', 'true'];
}
