import { messageOf } from '../errors.js';
import type { Value } from '../format/value.js';
import { arange } from './arange.js';
import {
  loadNumber,
  storeNumber,
  type Axis,
  type AxisDtype,
  type StoredNumber,
  type Values,
  type ValuesDefinition,
} from './axis.js';
import { geomspace, linspace, logspace } from './linspace.js';
import { listOf } from './list.js';
import { columnsFrom, damagedPoints, type PointsColumns } from './points-columns.js';
import { space, type Space } from './space.js';

/** The stored form of a space: groups of axes that walk together, slowest first. */
export interface SpaceDefinition {
  readonly groups: readonly (readonly { readonly name: string; readonly values: ValuesDefinition }[])[];
}

/** What the manifest keeps of a space. */
export function defineSpace({ groups }: Space): SpaceDefinition {
  return {
    groups: groups.map((group) => group.map(({ name, values }) => ({ name, values: values.definition }))),
  };
}

/**
 * The space of a stored form.
 * @param points the columns of the run's copy of the points file, where an axis needs one
 */
export function spaceFrom(definition: SpaceDefinition, points?: PointsColumns): Space {
  const axes = points === undefined ? new Map<string, Axis>() : axesOf(points);
  return space(
    definition.groups.map((group) =>
      group.map(({ name, values }) => {
        const column = axes.get(name);
        if (values.kind !== 'column') return { name, values: valuesFrom(values) };
        const isSame = JSON.stringify(column?.values.definition) === JSON.stringify(values);
        if (column === undefined || !isSame) throw damagedPoints(`the column "${name}"`);
        return column;
      }),
    ),
  );
}

/**
 * The same space with values listed where they come by a power of ten, whose last bit differs between languages: for a
 * host that is not of this one.
 */
export function listPowers({ groups }: SpaceDefinition): SpaceDefinition {
  return {
    groups: groups.map((group) =>
      group.map(({ name, values }) => {
        if (values.kind !== 'logspace' && values.kind !== 'geomspace') return { name, values };
        const listed = valuesFrom(values);
        const stored = Array.from({ length: listed.size }, (_, index) =>
          storeNumber(Number(listed.at(index))),
        );
        return { name, values: { kind: 'list', dtype: 'float64', values: stored } };
      }),
    ),
  };
}

/** True where an axis of the space is a column of a points file. */
export function needsPoints({ groups }: SpaceDefinition): boolean {
  return groups.some((group) => group.some(({ values }) => values.kind === 'column'));
}

// --- internal ---

/** A damaged copy may hold anything. */
function axesOf(points: PointsColumns): Map<string, Axis> {
  try {
    return new Map(columnsFrom(points).map((axis) => [axis.name, axis]));
  } catch (error) {
    throw damagedPoints(messageOf(error));
  }
}

const RULES = { linspace, logspace, geomspace };

function valuesFrom(definition: Exclude<ValuesDefinition, { kind: 'column' }>): Values {
  switch (definition.kind) {
    case 'arange': {
      const { start, stop, step, dtype } = definition;
      return arange(loadNumber(start, dtype), loadNumber(stop, dtype), loadNumber(step, dtype), { dtype });
    }
    case 'list':
      return listOf(
        definition.dtype,
        definition.values.map((stored) => loadValue(stored, definition.dtype)),
      );
    default:
      return RULES[definition.kind](Number(definition.start), Number(definition.stop), definition.num);
  }
}

function loadValue(stored: StoredNumber | boolean | null, dtype: AxisDtype): Value | undefined {
  if (stored === null) return undefined;
  if (dtype === 'string' || typeof stored === 'boolean') return stored;
  return loadNumber(stored, dtype);
}
