import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { alternate } from './alternation.mjs';
import { FANFOLD } from './command.mjs';
import { sameResult, timeFigures, timeOfPoint } from './figures.mjs';
import { runTrial } from './trial.mjs';

const POINTS = 100_000;
const SLOTS = '2';
const AIM_MICROSECONDS = 25;

/** Many cheap points through programs that stay alive: what a question and its answer cost. */
export async function benchStream({ runs, folder, say }) {
  const program = join(folder, 'double_stream');
  execFileSync('gcc', ['-O2', join(import.meta.dirname, 'double_stream.c'), '-o', program]);
  const outcomes = await alternate(
    {
      'C, staying alive': () =>
        runTrial(folder, (out) => fanfoldCommand(out, ['--stream', '--', program]), { hasResult: true }),
      'JavaScript worker': () =>
        runTrial(folder, (out) => fanfoldCommand(out, ['workers/double.ts']), { hasResult: true }),
    },
    runs,
    say,
  );
  return {
    title: `${POINTS.toLocaleString('en-US')} points of double through a program in C, over ${SLOTS} slots`,
    notes: ['The JavaScript worker computes the same in the processes of fanfold itself.'],
    figures: timeFigures(outcomes),
    ratios: [timeOfPoint('C, staying alive', outcomes, POINTS, AIM_MICROSECONDS)],
    checks: [sameResult(outcomes)],
  };
}

// --- internal ---

function fanfoldCommand(out, worker) {
  return [...FANFOLD, '--range', `0:${POINTS}`, '--jobs', SLOTS, '--out', out, '-q', ...worker];
}
