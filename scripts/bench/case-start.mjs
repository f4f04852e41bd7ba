import { alternate } from './alternation.mjs';
import { FANFOLD, pythonCommand } from './command.mjs';
import { sameResult, timeFigures, timeRatio } from './figures.mjs';
import { runTrial } from './trial.mjs';

const POINTS = '17';
const TASKS = '4';
const AIM = 1.5;

// As little as a program can do that starts processes and waits for them; node ends after its last child.
const BARE = `
const { spawn } = require('node:child_process');
for (let i = 0; i < ${TASKS}; i += 1) spawn(process.execPath, ['-e', '0'], { stdio: 'ignore' });
`;

/** (c) Next to nothing to compute: what fanfold costs beyond the processes that it has to start. */
export async function benchStart({ python, runs, folder, say }) {
  const peer = pythonCommand(python, 'multiprocessing_double.py', POINTS, TASKS);
  const outcomes = await alternate(
    {
      fanfold: () => runTrial(folder, fanfoldCommand, { hasResult: true }),
      'bare node': () => runTrial(folder, () => [process.execPath, '-e', BARE]),
      Python: () => runTrial(folder, (out) => [...peer, out], { hasResult: true }),
    },
    runs,
    say,
  );
  return {
    title: `${POINTS} points of double, ${TASKS} tasks over ${TASKS} processes`,
    notes: [
      `fanfold: a coordinator and ${TASKS} hosts, 5 node processes; its time also holds what else it does and starts: esbuild for the worker's TypeScript, a small shell, git.`,
      `bare node: node -e, which starts ${TASKS} times node -e 0 at once and waits for all, also 5 node processes.`,
      `Python: the program of (a) with ${TASKS} processes, which imports NumPy once.`,
    ],
    figures: timeFigures(outcomes),
    ratios: [
      timeRatio(outcomes, ['fanfold', 'bare node'], AIM),
      timeRatio(outcomes, ['fanfold', 'Python']),
      timeRatio(outcomes, ['Python', 'bare node']),
    ],
    checks: [sameResult(outcomes)],
  };
}

// --- internal ---

function fanfoldCommand(out) {
  const cut = ['--tasks', TASKS, '--jobs', TASKS];
  return [...FANFOLD, 'workers/double.ts', '--range', `0:${POINTS}`, ...cut, '--out', out, '-q'];
}
