import { FanfoldError } from '../errors.js';
import type { Value } from '../format/value.js';
import type { Axis, Values } from './axis.js';
import { list } from './list.js';
import { space, type Space } from './space.js';

/** Values for a parameter: those of `arange`, `linspace`, …, or an array. */
export type ValuesInput = Values | readonly Value[];

/**
 * The grid of named parameters in C order, as `numpy.meshgrid(..., indexing='ij')` flattened: the last runs fastest.
 * @param parameters name and values of each
 * @param options.zip names of parameters that walk together, in the place of the first of them
 * @throws FanfoldError where a name or a length is wrong
 */
export function grid(
  parameters: Readonly<Record<string, ValuesInput>>,
  options: { zip?: readonly (readonly string[])[] } = {},
): Space {
  const axes = Object.entries(parameters).map(([name, input]) => ({ name, values: toValues(input) }));
  return space(groupAxes(axes, options.zip ?? []));
}

/**
 * Groups axes that walk together; each other axis is a group of its own.
 * @throws FanfoldError where a zip names an axis that isn't there, or one that another zip has
 */
export function groupAxes(axes: readonly Axis[], zips: readonly (readonly string[])[]): Axis[][] {
  for (const names of zips) checkZip(names, axes, zips);
  const zipOf = (name: string): readonly string[] | undefined => zips.find((names) => names.includes(name));
  const groups: Axis[][] = [];
  for (const axis of axes) {
    const zip = zipOf(axis.name);
    const group = groups.find(
      ([first]) => zip !== undefined && first !== undefined && zip.includes(first.name),
    );
    if (group === undefined) groups.push([axis]);
    else group.push(axis);
  }
  return groups;
}

/** Values as they come from `arange` and its like, or a list of an array. */
export function toValues(input: ValuesInput): Values {
  const given: unknown = input;
  if (Array.isArray(given) || ArrayBuffer.isView(given)) return list(Array.from(input));
  if (typeof given === 'object' && given !== null && 'at' in given && 'definition' in given)
    return input as Values;
  throw new FanfoldError(
    'FANFOLD_SPACE',
    `Expected the values of a parameter to be an array, or those of arange, linspace, logspace or geomspace, got a ${typeof given}.`,
  );
}

// --- internal ---

function checkZip(
  names: readonly string[],
  axes: readonly Axis[],
  zips: readonly (readonly string[])[],
): void {
  const fail = (got: string): never => {
    throw new FanfoldError(
      'FANFOLD_SPACE',
      `Expected --zip to name at least two parameters of the sweep, each in one --zip only, got ${got}. The sweep has: ${axes.map(({ name }) => name).join(', ') || 'none'}.`,
    );
  };
  if (names.length < 2) fail(`"${names.join(',')}"`);
  for (const name of names) {
    if (!axes.some((axis) => axis.name === name)) fail(`"${name}", which is not among them`);
    if (zips.flat().filter((other) => other === name).length > 1) fail(`"${name}" twice`);
  }
}
