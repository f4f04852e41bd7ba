import { spawnSync } from 'node:child_process';
import { alternate } from './alternation.mjs';
import { FANFOLD, pythonCommand } from './command.mjs';
import { sameResult, timeFigures, timeRatio } from './figures.mjs';
import { runTrial } from './trial.mjs';

const POINTS = 1_000_000;
const PROCESSES = '2';
const AIM = 1.1;

/** (python) Many cheap points of a Python function: what a point costs beside Python's own pools. */
export async function benchPython({ python, runs, folder, say }) {
  const peers = {
    'Pool.map': 'pool',
    'concurrent.futures': 'futures',
    ...(hasJoblib(python) ? { joblib: 'joblib' } : {}),
  };
  const trial = (commandFor) => () => runTrial(folder, commandFor, { hasResult: true });
  const peerTrials = Object.entries(peers).map(([name, method]) => [
    name,
    trial((out) => pythonCommand(python, 'pool_double.py', method, POINTS, PROCESSES, out)),
  ]);
  const outcomes = await alternate(
    { fanfold: trial((out) => fanfoldCommand(python, out)), ...Object.fromEntries(peerTrials) },
    runs,
    say,
  );
  return {
    title: `${POINTS.toLocaleString('en-US')} points of double in Python, over ${PROCESSES} processes`,
    notes: [
      'Each peer maps in chunks, four for each process, and writes the same file in one go; the aim is for the fastest.',
      ...(hasJoblib(python) ? [] : ['joblib is left out: this python3 can’t import it.']),
    ],
    figures: timeFigures(outcomes),
    ratios: Object.keys(peers).map((name) => timeRatio(outcomes, ['fanfold', name], AIM)),
    checks: [sameResult(outcomes)],
  };
}

// --- internal ---

function fanfoldCommand(python, out) {
  const cut = ['--tasks', PROCESSES, '--jobs', PROCESSES, '--python', python.program];
  return [...FANFOLD, 'workers/double.py:double', '--range', `0:${POINTS}`, ...cut, '--out', out, '-q'];
}

function hasJoblib(python) {
  return spawnSync(python.program, ['-c', 'import joblib'], { stdio: 'ignore' }).status === 0;
}
