import { isComplex, type Dtype, type Scalar } from './value.js';

/** One column of a result. Without a dtype each value is printed by its own type. */
export interface Column {
  readonly name: string;
  readonly dtype?: Dtype;
}

/** The shape of a worker's results: one scalar, a vector, or named columns. */
export interface Layout {
  readonly kind: 'scalar' | 'vector' | 'record';
  readonly columns: readonly Column[];
}

/** What a worker's result may be. */
export type Result = Scalar | readonly Scalar[] | ArrayLike<number> | Readonly<Record<string, Scalar>>;

/**
 * Names and types of the columns, as a worker declares them: `export const columns = { energy: 'float64' }`. Null leaves
 * each value of a column to its own type.
 */
export type DeclaredColumns = Readonly<Record<string, Dtype | null>>;

/** A result that can't be written; it fails its point, not the run. */
export class ResultError extends Error {
  override readonly name = 'ResultError';
}

const ACCEPTED =
  'a number, bigint, string, boolean, complex {re, im}, an array of those, or an object of named columns';

/**
 * The layout of a result.
 * @param declared the columns that the worker declares, if any: they fix number, order and type
 * @param parameters names of the sweep's axes, which a result column may not repeat
 * @throws ResultError where the value is no result, or not what the worker declares
 */
export function layoutOf(
  result: unknown,
  declared: DeclaredColumns | undefined,
  parameters: readonly string[],
): Layout {
  const kind = kindOf(result);
  const found = namesOf(result, kind, parameters);
  if (declared === undefined) {
    return { kind, columns: checkNames(found, parameters).map((name) => ({ name })) };
  }
  const names = Object.keys(declared);
  if (kind === 'record' ? !sameSet(names, found) : names.length !== found.length) {
    throw new ResultError(
      `Expected the result to have the columns that the worker declares (${names.join(', ')}), got ${describe(result, kind, found)}.`,
    );
  }
  return {
    kind,
    columns: checkNames(names, parameters).map((name) => withDtype(name, declared[name] ?? undefined)),
  };
}

/**
 * The scalars of a result, in the order of the layout's columns.
 * @throws ResultError where the result has another shape than the layout
 */
export function cellsOf(result: unknown, layout: Layout): readonly unknown[] {
  const kind = kindOf(result);
  if (kind === layout.kind) {
    if (kind === 'scalar') return [result];
    if (kind === 'vector') {
      const vector = result as ArrayLike<unknown>;
      if (vector.length === layout.columns.length) return Array.isArray(vector) ? vector : Array.from(vector);
    } else {
      const record = result as Record<string, unknown>;
      const names = layout.columns.map(({ name }) => name);
      // Names that the worker declares have their order from there; others must always come in the same one.
      const isDeclared = layout.columns.some(({ dtype }) => dtype !== undefined);
      const found = Object.keys(record);
      if (isDeclared ? sameSet(names, found) : sameOrder(names, found))
        return names.map((name) => record[name]);
    }
  }
  throw new ResultError(
    `Expected the same columns as the points before (${describeLayout(layout)}), got ${describe(result, kind, namesOf(result, kind, []))}.`,
  );
}

export function sameLayout(a: Layout, b: Layout): boolean {
  return (
    a.kind === b.kind &&
    a.columns.length === b.columns.length &&
    a.columns.every(({ name }, index) => name === b.columns[index]?.name)
  );
}

export function describeLayout({ kind, columns }: Layout): string {
  if (kind === 'scalar') return 'one scalar';
  if (kind === 'vector') return `an array of ${String(columns.length)}`;
  return `the columns ${columns.map(({ name }) => name).join(', ')}`;
}

/** What a value that is no result was, for a message. */
export function describeValue(value: unknown): string {
  if (value === null) return 'null';
  if (value === undefined) return 'undefined';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object'
    ? `a ${Object.prototype.toString.call(value).slice(8, -1)}`
    : `a ${typeof value}`;
}

/** The type of a typed array's elements, as NumPy's arrays have one; undefined for other results. */
export function dtypeOfArray(result: unknown): Dtype | undefined {
  // A uint64 needn't fit in int64, so it goes by value.
  if (!ArrayBuffer.isView(result) || result instanceof BigUint64Array) return undefined;
  return /^(?:Big)?(?:Int|Uint)/.test(result.constructor.name) ? 'int64' : 'float64';
}

// --- internal ---

function kindOf(result: unknown): Layout['kind'] {
  if (['number', 'bigint', 'string', 'boolean'].includes(typeof result)) return 'scalar';
  if (typeof result === 'object' && result !== null) {
    if (isVector(result)) return 'vector';
    if (isComplex(result)) return 'scalar';
    if (isPlainObject(result) && Object.keys(result).length > 0) return 'record';
  }
  throw new ResultError(`Expected the worker to return ${ACCEPTED}; got ${describeValue(result)}.`);
}

function isVector(value: object): boolean {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));
}

function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  // An object of another realm has that realm's Object.prototype, which has no prototype itself.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** A lone result is `y`, those of an array `y0`, `y1`, …; `result` where an axis is called so. */
function namesOf(result: unknown, kind: Layout['kind'], parameters: readonly string[]): string[] {
  if (kind === 'record') return Object.keys(result as object);
  if (kind === 'scalar') return [parameters.includes('y') ? 'result' : 'y'];
  const { length } = result as ArrayLike<unknown>;
  const names = (stem: string): string[] => Array.from({ length }, (_, index) => `${stem}${String(index)}`);
  return names('y').some((name) => parameters.includes(name)) ? names('result') : names('y');
}

function checkNames(names: readonly string[], parameters: readonly string[]): readonly string[] {
  const repeated = names.find((name) => parameters.includes(name));
  if (repeated === undefined) return names;
  throw new ResultError(
    `Expected result columns with names of their own, got "${repeated}", which is a parameter of the sweep: rename it in the worker.`,
  );
}

function withDtype(name: string, dtype: Dtype | undefined): Column {
  return dtype === undefined ? { name } : { name, dtype };
}

function sameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name) => b.includes(name));
}

function sameOrder(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name, index) => name === b[index]);
}

function describe(result: unknown, kind: Layout['kind'], names: readonly string[]): string {
  if (kind === 'scalar') return describeValue(result);
  return kind === 'vector' ? `an array of ${String(names.length)}` : `the columns ${names.join(', ')}`;
}
