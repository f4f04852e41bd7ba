// What stored or reported data must be to be read: a file may be damaged, and a worker may write where it should not.

/** True for a value that may stand in a place. */
export type Check = (value: unknown) => boolean;

export const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
export const isAmount: Check = (value) => typeof value === 'number' && value >= 0;
export const isText: Check = (value) => typeof value === 'string';
export const isFlag: Check = (value) => typeof value === 'boolean';

export function optional(check: Check): Check {
  return (value) => value === undefined || check(value);
}

export function listOf(check: Check): Check {
  return (value) => Array.isArray(value) && value.every(check);
}

/** An object whose values all pass, whatever their names. */
export function recordOf(check: Check): Check {
  return (value) => isRecord(value) && Object.values(value).every(check);
}

/** An object that has these fields, and maybe others. */
export function hasForm(form: Readonly<Record<string, Check>>): Check {
  return (value) =>
    isRecord(value) &&
    Object.entries(form).every(([key, check]) => check(Object.hasOwn(value, key) ? value[key] : undefined));
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The shape of a worker's results, as `format/layout` has it. */
export const isLayout: Check = hasForm({
  kind: (value) => value === 'scalar' || value === 'vector' || value === 'record',
  columns: listOf(hasForm({ name: isText, dtype: optional(isText) })),
});
