import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { alternate } from './alternation.mjs';
import { FANFOLD, pythonCommand, runCommand } from './command.mjs';
import { timeFigures, timeRatio } from './figures.mjs';

const PROCESSES = '8';
const FORK_AIM = 1.2;
const SPAWN_AIM = 1 / 3;
const MODEL = join(import.meta.dirname, 'model_numpy.py');

/** (python-start) A model that imports NumPy: from the start of the command to its first result. */
export async function benchPythonStart({ python, runs, folder, say }) {
  const watched = watchedPython(folder, python);
  const peer = (method) => () =>
    firstResult(folder, (out) => pythonCommand(python, 'pool_first.py', method, PROCESSES, out), firstOfPool);
  const outcomes = await alternate(
    {
      fanfold: () => firstResult(folder, (out) => fanfoldCommand(python, out), firstOfRun),
      'fanfold, from the start of its interpreter': () =>
        firstResult(
          folder,
          (out) => fanfoldCommand(watched, out),
          firstOfRun,
          () => startOf(watched),
        ),
      'Pool, fork': peer('fork'),
      'Pool, spawn': peer('spawn'),
    },
    runs,
    say,
  );
  return {
    title: `start to first result of a model that imports NumPy, ${PROCESSES} processes`,
    notes: [
      "A pool's program is itself the interpreter; fanfold's starts one, after node has booted. So both are counted from the start of the Python process, and fanfold's whole command besides.",
      "fanfold's first result is in its task file right after the time that its journal has of it; a pool's is received.",
    ],
    figures: timeFigures(outcomes),
    ratios: [
      timeRatio(outcomes, ['fanfold, from the start of its interpreter', 'Pool, fork'], FORK_AIM),
      timeRatio(outcomes, ['fanfold, from the start of its interpreter', 'Pool, spawn'], SPAWN_AIM),
      timeRatio(outcomes, ['fanfold', 'Pool, fork']),
      timeRatio(outcomes, ['fanfold', 'Pool, spawn']),
    ],
    checks: [],
  };
}

// --- internal ---

/** Runs a command with a fresh folder; gives the seconds from its start, or a later one, to its first result. */
async function firstResult(folder, commandFor, readFirst, readStart) {
  const parent = mkdtempSync(join(folder, 'run-'));
  try {
    const out = join(parent, 'out');
    const startMs = Date.now();
    await runCommand(commandFor(out));
    return { seconds: (readFirst(out) - (readStart?.() ?? startMs)) / 1000 };
  } finally {
    rmSync(parent, { recursive: true, force: true });
  }
}

function fanfoldCommand(python, out) {
  const cut = ['--tasks', PROCESSES, '--jobs', PROCESSES, '--python', python.program];
  return [...FANFOLD, `${MODEL}:root`, '--range', `0:${PROCESSES}`, ...cut, '--out', out, '-q'];
}

/** An interpreter that notes when it is started: a shell script, whose few milliseconds count as the interpreter's. */
function watchedPython(folder, { program }) {
  const script = join(folder, 'watched-python');
  const note = join(folder, 'python-started');
  writeFileSync(script, `#!/bin/sh\ndate +%s.%N > '${note}'\nexec '${program}' "$@"\n`, { mode: 0o755 });
  return { program: script, note };
}

function startOf({ note }) {
  return Number(readFileSync(note, 'utf8')) * 1000;
}

/** The layout of a run is recorded with its first result. */
function firstOfRun(out) {
  const records = readFileSync(join(out, 'events.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  return Math.min(...records.filter(({ event }) => event === 'layout').map(({ time }) => time));
}

function firstOfPool(out) {
  return Number(readFileSync(join(out, 'first'), 'utf8'));
}
