import { FanfoldError } from '../errors.js';
import type { Value } from '../format/value.js';
import type { Axis } from './axis.js';

/** A set of named parameter values. */
export type Point = Record<string, Value>;

/** The ordered points made from axes. Lazy: it holds the axes' rules, never the points. */
export interface Space {
  /** The axes in the order in which they were given. */
  readonly axes: readonly Axis[];
  /** Axes that walk together, slowest group first. */
  readonly groups: readonly (readonly Axis[])[];
  readonly size: number;
  /** The values of point `index`, one for each axis; undefined where it is left to the worker's default. */
  readonly values: (index: number) => (Value | undefined)[];
  /** Point `index` as the worker gets it. */
  readonly point: (index: number) => Point;
}

/**
 * The grid of groups of axes in C order: the last group runs fastest. The axes of one group walk together.
 * @throws FanfoldError where a name is given twice or is no identifier, a group's axes differ in length, or the
 *   space has 2^53 points or more
 */
export function space(groups: readonly (readonly Axis[])[]): Space {
  const axes = groups.flat();
  checkNames(axes);
  const walks = groups.map(walkTogether);
  const size = walks.reduce((product, { length }) => product * length, 1);
  if (!Number.isSafeInteger(size)) {
    throw new FanfoldError(
      'FANFOLD_SPACE',
      'Expected a space of less than 2^53 points, got more: make the grid coarser.',
    );
  }
  const places = walks.flatMap(({ members, length }, index) => {
    const stride = walks.slice(index + 1).reduce((product, walk) => product * walk.length, 1);
    return members.map(({ values: { at } }) => ({ at, length, stride }));
  });
  const [only] = places;
  // Called for every point: divisions cost more than all else here, and one axis needs none.
  const values = (index: number): (Value | undefined)[] => {
    if (only !== undefined && places.length === 1) return [only.at(index)];
    const found: (Value | undefined)[] = [];
    for (let axis = 0; axis < places.length; axis++) {
      const { at, length, stride } = places[axis] as (typeof places)[number];
      found.push(at(Math.floor(index / stride) % length));
    }
    return found;
  };
  return { axes, groups, size, values, point: (index) => pointOf(axes, values(index)) };
}

/** The point with the given values, one for each axis; a missing value is left out. */
export function pointOf(axes: readonly Axis[], values: readonly (Value | undefined)[]): Point {
  const point: Point = {};
  for (let index = 0; index < axes.length; index++) {
    const value = values[index];
    if (value !== undefined) point[(axes[index] as Axis).name] = value;
  }
  return point;
}

/** The value that a point has under a name; `constructor` is a name like any other. */
export function valueIn(point: Readonly<Point>, name: string): Value | undefined {
  return Object.hasOwn(point, name) ? point[name] : undefined;
}

/**
 * A name that can be a keyword argument in any of the workers' languages.
 * @throws FanfoldError for any other name
 */
export function checkName(name: string): string {
  if (/^[\p{L}_][\p{L}\p{N}_]*$/u.test(name) && name !== '__proto__') return name;
  throw new FanfoldError(
    'FANFOLD_SPACE',
    `Expected a parameter name of letters, digits and _ that doesn't begin with a digit, got ${JSON.stringify(name)}.`,
  );
}

/**
 * Refuses a parameter that is given twice, or by a name that is none.
 * @throws FanfoldError naming it
 */
export function checkNames(axes: readonly Axis[]): void {
  const seen = new Set<string>();
  for (const { name } of axes) {
    if (seen.has(checkName(name))) {
      throw new FanfoldError(
        'FANFOLD_SPACE',
        `Expected each parameter once, got "${name}" twice. (--range gives the parameter x.)`,
      );
    }
    seen.add(name);
  }
}

// --- internal ---

function walkTogether(members: readonly Axis[]): { members: readonly Axis[]; length: number } {
  const length = members[0]?.values.size ?? 1;
  const other = members.find(({ values }) => values.size !== length);
  if (other === undefined) return { members, length };
  throw new FanfoldError(
    'FANFOLD_SPACE',
    `Expected parameters that walk together to have the same number of values, got ${String(length)} for "${members[0]?.name ?? ''}" and ${String(other.values.size)} for "${other.name}".`,
  );
}
