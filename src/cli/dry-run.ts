import type { CommandReference } from '../engine/worker-reference.js';
import { commandWords } from '../host/command/command-words.js';
import { pointText } from '../host/command/point-text.js';
import { pointSeed } from '../host/philox.js';
import { describeWorker, shortPath } from '../report/command-line.js';
import { pointFolder, runPaths } from '../run/paths.js';
import { count, thousands } from '../report/duration.js';
import { sliceOf, slicingAdvice, taskOf } from '../slicing.js';
import { pointOf } from '../space/space.js';
import type { SlurmSettings } from '../run/slurm-settings.js';
import { jobsOf } from '../sweep/compute.js';
import type { Plan } from '../sweep/plan.js';

const SHOWN = 3;

/** What a plan would do, in lines for a person; constant work however large the space. */
export async function describePlan(plan: Plan): Promise<string> {
  const { request, spec, tasks, directory } = plan;
  const { space, fixed, worker } = request;
  const commandOf = worker.kind === 'command' ? commandLines(plan, worker) : undefined;
  const axes = space.axes.map(
    ({ name, values }) => `${name} (${values.dtype}, ${String(values.size)} values)`,
  );
  const advice = slicingAdvice(space.size, tasks, spec.slicing);
  const shownTasks = firstAndLast(tasks, (index) => {
    const { start, stop } = sliceOf(space.size, tasks, spec.slicing, index);
    return `  task ${String(index)}: points ${String(start)} to ${String(stop - 1)} (${String(stop - start)})`.replace(
      /points \d+ to -?\d+ \(0\)/,
      'no points',
    );
  });
  return [
    worker.kind === 'command'
      ? `command: ${describeWorker(spec)} (${shortPath(worker.program)})`
      : `worker: ${shortPath(worker.file)}${worker.export === 'default' ? '' : `:${worker.export}`}`,
    `parameters: ${axes.join(', ') || 'none'}`,
    ...fixed.map(({ name, values }) => `fixed: ${name}=${String(values.at(0))} (${values.dtype})`),
    `points: ${thousands(space.size)}`,
    ...firstAndLast(space.size, (index) => {
      const point = `  ${String(index)}: ${describePoint(space.point(index))}`;
      return commandOf === undefined ? point : `${point}\n     ${commandOf(index)}`;
    }),
    `tasks: ${count(tasks, 'task')} (${spec.slicing}), ${String(Math.min(tasks, jobsOf(plan)))} at once`,
    ...shownTasks,
    ...(advice === undefined ? [] : [advice]),
    ...(request.slurm === undefined ? [] : [await describeOnSlurm(plan, request.slurm)]),
    `run directory: ${shortPath(directory)}`,
    'dry run: nothing was started',
  ].join('\n');
}

// --- internal ---

async function describeOnSlurm(plan: Plan, settings: SlurmSettings): Promise<string> {
  const { describeSubmission } = await import('./dry-run-slurm.js');
  return describeSubmission(plan, settings);
}

/** What would be started for a point, or asked of a program that stays alive. */
function commandLines(
  { request, spec, tasks, directory }: Plan,
  worker: CommandReference,
): (index: number) => string {
  const { space, fixed, seed } = request;
  const words = commandWords(worker.spec, worker.program);
  const texts = pointText(
    [...space.axes, ...fixed].map(({ name, values }) => ({ name, dtype: values.dtype })),
  );
  const same = pointOf(
    fixed,
    fixed.map(({ values }) => values.at(0)),
  );
  const { scratch } = runPaths(directory);
  return (index) => {
    const point = { ...same, ...space.point(index) };
    const facts = {
      index,
      task_index: taskOf(index, space.size, tasks, spec.slicing),
      seed: pointSeed(seed, index),
    };
    if (worker.spec.stream) return texts.json(point, facts);
    return words.line(texts.valueOf(point, facts, pointFolder(scratch, index)));
  };
}

function firstAndLast(size: number, describe: (index: number) => string): string[] {
  const head = Array.from({ length: Math.min(size, SHOWN) }, (_, index) => describe(index));
  if (size <= 2 * SHOWN) {
    return [...head, ...Array.from({ length: size - head.length }, (_, index) => describe(SHOWN + index))];
  }
  return [...head, '  …', ...Array.from({ length: SHOWN }, (_, index) => describe(size - SHOWN + index))];
}

function describePoint(point: Readonly<Record<string, unknown>>): string {
  return Object.entries(point)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? JSON.stringify(value) : String(value)}`)
    .join(' ');
}
