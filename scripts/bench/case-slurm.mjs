import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout } from 'node:timers/promises';
import { alternate } from './alternation.mjs';
import { FANFOLD, runCommand } from './command.mjs';
import { timeFigures, timeRatio } from './figures.mjs';
import { untilIdle, withBed } from './slurm-bed.mjs';
import { runTrial } from './trial.mjs';

const TASKS = 64;
const MOST_RUNS = 3;
const LOOK_MS = 20;

const BEDS = [
  { name: 'a job on each processor', settings: [], aim: 1.5 },
  {
    // Where Slurm takes no time at all, what is left to compare is the start of 128 processes of node on two cores.
    name: '8 jobs on each processor',
    settings: ['PartitionName=main Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP OverSubscribe=FORCE:8'],
  },
];
const SECONDS = [0, 1];

/** An array of tasks of one command each, beside the same commands submitted by hand. */
export async function benchSlurm({ runs, folder, say }) {
  const outcomes = {};
  const ratios = [];
  for (const bed of BEDS) {
    await withBed(folder, bed.settings, async () => {
      for (const seconds of SECONDS) {
        const label = (name) => `${name}, ${String(seconds)} s, ${bed.name}`;
        const found = await alternate(programsOf(folder, seconds, label), Math.min(runs, MOST_RUNS), say);
        Object.assign(outcomes, found);
        ratios.push(
          timeRatio(found, [label('fanfold'), label('sbatch')], bed.aim),
          timeRatio(found, [label('fanfold --pack 2'), label('sbatch')]),
        );
      }
    });
  }
  return {
    title: `${String(TASKS)} tasks of one command, of 0 s and of 1 s, on Slurm: two nodes of two processors on this machine`,
    notes: [
      `sbatch: --array=0-${String(TASKS - 1)} of the bare command, whose output is a file each; until all ${String(TASKS)} files are there.`,
      'fanfold: the whole command, with the result folded; an element is a job that starts two node processes, on the same two cores as all else here.',
      `At most ${String(MOST_RUNS)} runs.`,
    ],
    figures: timeFigures(outcomes),
    ratios,
    checks: [],
  };
}

// --- internal ---

function programsOf(folder, seconds, label) {
  const fanfold = (options) => async () => {
    await untilIdle();
    return runTrial(folder, (out) => fanfoldCommand(out, seconds, options));
  };
  return {
    [label('sbatch')]: () => bareArray(folder, seconds),
    [label('fanfold')]: fanfold([]),
    [label('fanfold --pack 2')]: fanfold(['--pack', '2']),
  };
}

function fanfoldCommand(out, seconds, options) {
  const cut = ['--range', `0:${String(TASKS)}`, '--tasks', String(TASKS)];
  const how = ['--engine', 'slurm', ...options, '--out', out, '-q'];
  return [...FANFOLD, ...cut, ...how, '--', 'sh', '-c', shellText(seconds, '$1'), 'sh', '{x}'];
}

function shellText(seconds, value) {
  return `${seconds > 0 ? `sleep ${String(seconds)}; ` : ''}echo "${value}"`;
}

let arrays = 0;

/** From before sbatch is called until all files are there. */
async function bareArray(folder, seconds) {
  await untilIdle();
  const out = join(folder, `array-${String(++arrays)}`);
  mkdirSync(out);
  const script = join(out, 'job.sh');
  const index = '$SLURM_ARRAY_TASK_ID';
  writeFileSync(script, `#!/bin/sh\n${shellText(seconds, index)} > "${out}/task_index=${index}.txt"\n`);
  const startMs = performance.now();
  await runCommand(['sbatch', `--array=0-${String(TASKS - 1)}`, '--output=/dev/null', script]);
  while (readdirSync(out).length <= TASKS) await setTimeout(LOOK_MS);
  return { seconds: (performance.now() - startMs) / 1000 };
}
