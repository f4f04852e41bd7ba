import { FanfoldError } from './errors.js';
import { describeLayout, sameLayout, type Layout } from './format/layout.js';
import { headerLine } from './format/row.js';
import { recordedLayouts } from './run/layouts.js';
import type { Manifest } from './run/manifest.js';
import type { RunEvent } from './run/records.js';

const NO_RESULTS: Layout = { kind: 'scalar', columns: [] };

/**
 * Holds the columns of all tasks against each other: those that began at the same time could not know.
 * @throws FanfoldError where they differ
 */
export function checkLayouts(events: readonly RunEvent[]): void {
  const layouts = [...recordedLayouts(events)];
  const [first] = layouts;
  const other = layouts.find(({ layout }) => first !== undefined && !sameLayout(first.layout, layout));
  if (first === undefined || other === undefined) return;
  throw new FanfoldError(
    'FANFOLD_COLUMNS',
    `Expected every result to have the same columns, got ${describeLayout(first.layout)} in task ${String(first.task)} and ${describeLayout(other.layout)} in task ${String(other.task)}. Let the worker always return the same columns in the same order, or declare them, and start anew with fanfold run --force.`,
    { exitCode: 1 },
  );
}

/**
 * The first line of the result, with the names of its columns; an empty text where none is wanted.
 * @throws FanfoldError where no record of the columns is left
 */
export function headerOf(
  { spec, points, header }: Manifest,
  layout: Layout | undefined,
  directory: string,
): string {
  if (!header) return '';
  const known = layout ?? (points === 0 ? NO_RESULTS : undefined);
  if (known !== undefined)
    return headerLine({ format: spec.format, axes: spec.space.groups.flat(), layout: known });
  throw lostColumns(directory);
}

/** The error of a run with results of which nobody knows the columns any more. */
export function lostColumns(directory: string): FanfoldError {
  return new FanfoldError(
    'FANFOLD_DAMAGED',
    `Expected events.jsonl in ${directory} to name the columns of the results, but no record of them is left whole. Remove any one task file and resume: computing it again records them.`,
    { exitCode: 1 },
  );
}
