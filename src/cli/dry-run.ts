import type { Plan } from '../sweep/plan.js';
import { shortPath } from '../report/command-line.js';
import { count, thousands } from '../report/duration.js';
import { sliceOf, slicingAdvice } from '../slicing.js';

const SHOWN = 3;

/** What a plan would do, in lines for a person; constant work however large the space. */
export function describePlan({ request, spec, tasks, directory }: Plan): string {
  const { space, fixed, worker } = request;
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
    `worker: ${shortPath(worker.file)}${worker.export === 'default' ? '' : `:${worker.export}`}`,
    `parameters: ${axes.join(', ') || 'none'}`,
    ...fixed.map(({ name, values }) => `fixed: ${name}=${String(values.at(0))} (${values.dtype})`),
    `points: ${thousands(space.size)}`,
    ...firstAndLast(space.size, (index) => `  ${String(index)}: ${describePoint(space.point(index))}`),
    `tasks: ${count(tasks, 'task')} (${spec.slicing}), ${String(Math.min(tasks, request.jobs))} at once`,
    ...shownTasks,
    ...(advice === undefined ? [] : [advice]),
    `run directory: ${shortPath(directory)}`,
    'dry run: nothing was started',
  ].join('\n');
}

// --- internal ---

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
