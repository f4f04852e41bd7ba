import type { Point } from '../space/space.js';

/** As much of a zod schema (3 or 4) as is used here. */
export interface ParameterSchema {
  safeParse(
    point: unknown,
  ): { success: true; data: unknown } | { success: false; error: { issues: readonly Issue[] } };
  readonly shape?: Readonly<Record<string, unknown>>;
  readonly _zod?: { readonly def?: object };
  readonly _def?: object;
}

export function isSchema(value: unknown): value is ParameterSchema {
  return (
    typeof value === 'object' &&
    value !== null &&
    'safeParse' in value &&
    typeof value.safeParse === 'function'
  );
}

/**
 * The point with the schema's defaults filled in.
 * @throws Error with one line a parameter that the schema refuses
 */
export function parsePoint(schema: ParameterSchema, point: Point): Point {
  const parsed = schema.safeParse(point);
  if (parsed.success) return parsed.data as Point;
  throw new Error(parsed.error.issues.map((issue) => describeIssue(issue, point)).join('\n'));
}

/**
 * One line for each parameter that the schema refuses or doesn't know.
 * @param names all parameters of the sweep; a point may lack one that is left to its default
 */
export function problemsOf(
  schema: ParameterSchema,
  names: readonly string[],
  points: readonly Point[],
): string[] {
  const problems = new Map<string, string>();
  for (const name of unknownNames(schema, names)) {
    const known = Object.keys(schema.shape ?? {}).join(', ') || 'none';
    problems.set(
      name,
      `parameter "${name}": the worker's schema doesn't know it; its parameters are: ${known}`,
    );
  }
  for (const point of points) {
    const parsed = schema.safeParse(point);
    if (parsed.success) continue;
    for (const issue of parsed.error.issues) {
      const name = String(issue.path[0] ?? issue.message);
      if (!problems.has(name)) problems.set(name, describeIssue(issue, point));
    }
  }
  return [...problems.values()];
}

// --- internal ---

interface Issue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** zod drops unknown keys in silence unless told otherwise, which would hide a misspelt parameter. */
function unknownNames(schema: ParameterSchema, names: readonly string[]): string[] {
  const { shape } = schema;
  const isOpen = hasCatchall(schema._zod?.def) || isPassthrough(schema._def);
  if (shape === undefined || isOpen) return [];
  return names.filter((name) => !Object.hasOwn(shape, name));
}

/** zod 4: `z.looseObject`, `z.strictObject` and `.catchall()`. */
function hasCatchall(def: object | undefined): boolean {
  return def !== undefined && 'catchall' in def && def.catchall !== undefined;
}

/** zod 3: `.passthrough()`. */
function isPassthrough(def: object | undefined): boolean {
  return def !== undefined && 'unknownKeys' in def && def.unknownKeys === 'passthrough';
}

function describeIssue({ path, message }: Issue, point: Point): string {
  const [name] = path;
  if (name === undefined) return message;
  const key = String(name);
  const value = point[key];
  const given = Object.hasOwn(point, key)
    ? `got ${typeof value === 'string' ? JSON.stringify(value) : String(value)}`
    : 'it is missing: give it by --param or --set';
  return `parameter "${path.map(String).join('.')}": the worker's schema says "${message}"; ${given}`;
}
