import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '../errors.js';
import { runPaths, type RunPaths } from './paths.js';

// A batch job is made of elements, which run at the same time on machines that nothing but the run directory connects.
// An element computes `pack` tasks that follow each other: element E those from E * pack on. What it writes beside the
// tasks' own files lies in `elements/E`.

/** The tasks of an element, in order. */
export function tasksOf(element: number, pack: number, tasks: number): number[] {
  const first = element * pack;
  return Array.from({ length: Math.max(0, Math.min(pack, tasks - first)) }, (_, index) => first + index);
}

/** How many elements there are for so many tasks. */
export function countElements(tasks: number, pack: number): number {
  return Math.ceil(tasks / pack);
}

/** The elements to which tasks belong, in order. */
export function elementsOf(tasks: readonly number[], pack: number): number[] {
  return [...new Set(tasks.map((task) => Math.floor(task / pack)))].sort((one, other) => one - other);
}

/** All elements of so many tasks, in order. */
export function allElements(tasks: number, pack: number): number[] {
  return Array.from({ length: countElements(tasks, pack) }, (_, element) => element);
}

/** The elements that have a folder in the run directory, in order. */
export function listElements({ elements }: RunPaths): number[] {
  let names: string[];
  try {
    names = readdirSync(elements);
  } catch (error) {
    // Also of a file, or of what lies below one.
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')) return [];
    throw error;
  }
  return names
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((one, other) => one - other);
}

/** The run's own journals and those of its elements; for an element, the run's own and its own. */
export function journalsOf(paths: RunPaths): Pick<RunPaths, 'events' | 'failures'>[] {
  const { directory, element } = paths;
  const own = { events: join(directory, 'events.jsonl'), failures: join(directory, 'failures.jsonl') };
  if (element !== undefined) return [own, paths];
  return [own, ...listElements(paths).map((each) => runPaths(directory, undefined, each))];
}
