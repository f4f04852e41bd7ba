import { alternate } from './alternation.mjs';
import { FANFOLD, pythonCommand } from './command.mjs';
import { memoryAim, memoryFigures, memoryRatio, sameResult, timeFigures, timeRatio } from './figures.mjs';
import { whyNoMemory } from './memory.mjs';
import { runTrial } from './trial.mjs';

const PROCESSES = '2';
const TIME_AIM = 0.6;
const MEMORY_AIM_MB = 150;
const AIM_POINTS = 10_000_000;
const MEMORY_NOTE =
  "Memory is each process's VmHWM, sampled every 20 ms: shared pages count in each, and a process seen only before its exec bears its parent's name.";

/** (a) Many cheap points: what a point costs in time, and whether memory stays bounded. */
export async function benchDouble({ python, points, runs, folder, say }) {
  const trial = (commandFor) => () =>
    runTrial(folder, commandFor, { hasResult: true, isMemoryWatched: true });
  const outcomes = await alternate(
    {
      fanfold: trial((out) => fanfoldCommand(points, out)),
      Python: trial((out) => pythonCommand(python, 'multiprocessing_double.py', points, PROCESSES, out)),
    },
    runs,
    say,
  );
  const memory = whyNoMemory() === undefined ? describeMemory(outcomes) : { figures: [], ratios: [] };
  return {
    title: `${points.toLocaleString('en-US')} points of double, 2 tasks over 2 processes`,
    notes: notesFor(points),
    figures: [...timeFigures(outcomes), ...memory.figures],
    ratios: [timeRatio(outcomes, ['fanfold', 'Python'], TIME_AIM), ...memory.ratios],
    checks: [sameResult(outcomes)],
  };
}

// --- internal ---

function fanfoldCommand(points, out) {
  const cut = ['--tasks', PROCESSES, '--jobs', PROCESSES];
  return [...FANFOLD, 'workers/double.ts', '--range', `0:${points}`, ...cut, '--out', out, '-q'];
}

function describeMemory(outcomes) {
  return {
    figures: memoryFigures(outcomes),
    ratios: [
      memoryAim('fanfold', outcomes.fanfold, MEMORY_AIM_MB),
      memoryRatio(outcomes, ['fanfold', 'Python']),
    ],
  };
}

function notesFor(points) {
  const scale = `The aims are set for ${AIM_POINTS.toLocaleString('en-US')} points, not for this many.`;
  return [
    ...(points === AIM_POINTS ? [] : [scale]),
    "Python loops, writes and concatenates as the article does, without guan's check of shape for each point.",
    whyNoMemory() === undefined ? MEMORY_NOTE : `Memory is ${whyNoMemory()}.`,
  ];
}
