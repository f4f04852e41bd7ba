import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import type { DeclaredColumns } from '../format/layout.js';
import { DTYPES } from '../format/value.js';
import type { Point } from '../space/space.js';
import type { Worker } from './context.js';
import type { AheadWorker } from './lookahead.js';
import type { WorkerModule } from './protocol.js';
import { isSchema, type ParameterSchema } from './schema.js';

/** What a worker's module gives. */
export interface LoadedWorker {
  readonly run: Worker<Point>;
  readonly schema?: ParameterSchema;
  readonly columns?: DeclaredColumns;
  /** Computes several points together, instead of `run`; such a worker has no schema. */
  readonly ahead?: AheadWorker;
  /** Called when the result of the point in hand is written. */
  readonly accepted?: () => void;
  /** Called where it can't be written, and says why in the worker's own words. */
  readonly refused?: (error: Error) => Error;
  /** Takes back results that it gave, where it learns later that they are not to be trusted. */
  readonly recall?: Recall;
  /** Ends what it has started, before its process ends. */
  readonly close?: () => Promise<void>;
}

/** How a worker takes results back. */
export interface Recall {
  /** There are such results, so that no more should be computed before they are taken back. */
  readonly isDue: () => boolean;
  /** Those of the time since it was last asked. It may wait a moment to find out. */
  readonly take: () => Promise<Recalled | undefined>;
}

/** Points whose results are no results. */
export interface Recalled {
  readonly indices: readonly number[];
  readonly error: Error;
}

/** A worker that can't be used; the message is for its author. */
export class WorkerError extends Error {
  override readonly name = 'WorkerError';
}

/**
 * Imports a worker: the named function, and the exports `schema` and `columns` where it has them.
 * @throws WorkerError where an export is missing or of the wrong kind; or what the module throws on import
 */
export async function loadWorker(module: WorkerModule): Promise<LoadedWorker> {
  // Only now, so that node does not look for a map of the host's own program in every process that starts.
  process.setSourceMapsEnabled(true);
  const imported = await importFile(module.file);
  // A CommonJS worker's exports are all in its default.
  const inner = isRecord(imported['default']) ? imported['default'] : {};
  const get = (name: string): unknown => imported[name] ?? inner[name];
  const run =
    module.export === 'default' && typeof inner['default'] === 'function'
      ? inner['default']
      : get(module.export);
  if (typeof run !== 'function') {
    const names = [...new Set([...Object.keys(imported), ...Object.keys(inner)])];
    throw new WorkerError(
      `Expected the worker's export "${module.export}" to be a function, got ${run === undefined ? 'no such export' : `a ${typeof run}`}. It exports: ${names.join(', ') || 'nothing'}.`,
    );
  }
  const schema = get('schema');
  if (schema !== undefined && !isSchema(schema)) {
    throw new WorkerError(
      'Expected the worker\'s export "schema" to be a zod schema, such as z.object({ x: z.number() }).',
    );
  }
  const columns = get('columns');
  return {
    run: run as Worker<Point>,
    ...(schema === undefined ? {} : { schema }),
    ...(columns === undefined ? {} : { columns: checkColumns(columns) }),
  };
}

// --- internal ---

async function importFile(file: string): Promise<Record<string, unknown>> {
  if (file.endsWith('.cjs')) return createRequire(import.meta.url)(file) as Record<string, unknown>;
  const { importModule } = await import('./import-module.js');
  return (await importModule(pathToFileURL(file).href)) as Record<string, unknown>;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return (typeof value === 'object' || typeof value === 'function') && value !== null;
}

function checkColumns(columns: unknown): DeclaredColumns {
  const entries = isRecord(columns) ? Object.entries(columns) : [];
  if (
    entries.length > 0 &&
    entries.every(([, dtype]) => typeof dtype === 'string' && DTYPES.includes(dtype))
  ) {
    return columns as DeclaredColumns;
  }
  throw new WorkerError(
    `Expected the worker's export "columns" to give each result column one of ${DTYPES.join(', ')}, such as { energy: 'float64' }, got ${JSON.stringify(columns)}.`,
  );
}
