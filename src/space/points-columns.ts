import type { Value } from '../format/value.js';
import { FanfoldError, messageOf } from '../errors.js';
import { sha256 } from '../sha256.js';
import {
  loadNumber,
  makeValues,
  storeNumber,
  type Axis,
  type AxisDtype,
  type StoredNumber,
  type Values,
} from './axis.js';

/** The columns of a points file, as the run directory keeps them in `points.json`. */
export interface PointsColumns {
  readonly version: 1;
  readonly columns: readonly {
    readonly name: string;
    readonly dtype: AxisDtype;
    readonly values: readonly (StoredNumber | boolean | null)[];
  }[];
}

/** The columns of axes, to be kept. */
export function pointsColumns(axes: readonly Axis[]): PointsColumns {
  const columns = axes.map(({ name, values }) => ({
    name,
    dtype: values.dtype,
    values: Array.from({ length: values.size }, (_, index) => store(values.at(index))),
  }));
  return { version: 1, columns };
}

/** The bytes of `points.json`. */
export function pointsText(columns: PointsColumns): string {
  return `${JSON.stringify(columns)}\n`;
}

/**
 * Reads `points.json`.
 * @throws FanfoldError where it is damaged so that it is no JSON; its values are held against the spec's hashes later
 */
export function parsePoints(text: string): PointsColumns {
  try {
    return JSON.parse(text) as PointsColumns;
  } catch (error) {
    throw damagedPoints(messageOf(error));
  }
}

/** The error of a `points.json` that is not as the run was begun with. */
export function damagedPoints(reason: string): FanfoldError {
  return new FanfoldError(
    'FANFOLD_DAMAGED',
    `Expected the run's points.json to hold the points that the run was begun with, but it was changed or damaged (${reason}). Restore it, or give the same points file with the same command again.`,
  );
}

/** Axes whose values stay in `points.json`; the manifest holds only their length and hash. */
export function columnsFrom({ columns }: PointsColumns): Axis[] {
  return columns.map(({ name, dtype, values }) => ({ name, values: column(dtype, values) }));
}

// --- internal ---

function store(value: Value | undefined): StoredNumber | boolean | null {
  if (value === undefined) return null;
  return typeof value === 'number' || typeof value === 'bigint' ? storeNumber(value) : value;
}

function column(dtype: AxisDtype, stored: readonly (StoredNumber | boolean | null)[]): Values {
  const isBig = dtype === 'int64' && stored.some((value) => typeof value === 'string');
  const values = stored.map((value): Value | undefined => {
    if (value === null) return undefined;
    if (dtype === 'string' || typeof value === 'boolean') return value;
    const number = loadNumber(value, dtype);
    return isBig ? BigInt(number) : number;
  });
  return makeValues(
    { kind: 'column', dtype, size: values.length, sha256: sha256(JSON.stringify(stored)) },
    dtype,
    values.length,
    (index) => values[index],
  );
}
