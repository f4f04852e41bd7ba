import { alternate } from './alternation.mjs';
import { FANFOLD, pythonCommand } from './command.mjs';
import { timeFigures, timeRatio } from './figures.mjs';
import { spreadOf } from './spread.mjs';
import { runTrial } from './trial.mjs';

const TASKS = 64;
const PROCESSES = 16;
const SECONDS = 0.5;
const IDEAL_SECONDS = (TASKS / PROCESSES) * SECONDS;

/** (b) Jobs that only wait: what starting the processes and handing out the tasks adds to the ideal time. */
export async function benchSleep({ python, runs, folder, say }) {
  const peer = pythonCommand(python, 'multiprocessing_sleep.py', TASKS, PROCESSES, SECONDS);
  const outcomes = await alternate(
    {
      fanfold: () => runTrial(folder, fanfoldCommand),
      Python: () => runTrial(folder, () => peer),
    },
    runs,
    say,
  );
  return {
    title: `${TASKS} tasks that sleep for ${SECONDS} s, over ${PROCESSES} processes`,
    notes: [
      `Ideal: ${IDEAL_SECONDS} s, if processes cost nothing to start. Python is multiprocessing.Pool(${PROCESSES}).map.`,
    ],
    figures: timeFigures(outcomes),
    ratios: [timeRatio(outcomes, ['fanfold', 'Python']), ...Object.entries(outcomes).map(overIdeal)],
    checks: [],
  };
}

// --- internal ---

function fanfoldCommand(out) {
  const points = ['--range', `0:${TASKS}`, '--set', `seconds=${SECONDS}`];
  const cut = ['--tasks', String(TASKS), '--jobs', String(PROCESSES)];
  return [...FANFOLD, 'workers/sleep.ts', ...points, ...cut, '--out', out, '-q'];
}

function overIdeal([program, runs]) {
  const { median, min, max } = spreadOf(runs.map(({ seconds }) => seconds / IDEAL_SECONDS));
  return { name: `time: ${program} / ideal`, unit: '', value: median, min, max };
}
