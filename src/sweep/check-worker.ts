import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Crew } from '../engine/local/crew.js';
import { checkedPoints, probeWorker } from '../engine/local/probe.js';
import type { WorkerBundle } from '../engine/worker-bundle.js';
import { FanfoldError } from '../errors.js';
import type { DeclaredColumns } from '../format/layout.js';
import { pointOf } from '../space/space.js';
import type { Plan, SweepRequest } from './plan.js';

/**
 * Checks a worker's export where that is known without running it; a CommonJS module shows only `default`.
 * @throws FanfoldError where there is no such export
 */
export function checkExport({ exports }: WorkerBundle, { worker }: SweepRequest): void {
  const isCommonJs = exports.length === 1 && exports[0] === 'default';
  if (exports.includes(worker.export) || (isCommonJs && worker.export !== 'default')) return;
  throw new FanfoldError(
    'FANFOLD_WORKER',
    `Expected the worker ${worker.file} to export ${worker.export === 'default' ? 'a default function' : `a function "${worker.export}"`}, but it exports: ${exports.join(', ') || 'nothing'}. Name an export by FILE:name.`,
  );
}

/**
 * Loads the worker in a first process where its exports say that it declares columns or a schema.
 * @returns the columns that it declares
 * @throws FanfoldError where the worker does not load or its schema refuses a parameter
 */
export async function checkInProcess(
  { request }: Plan,
  bundle: WorkerBundle,
  crew: Crew,
): Promise<DeclaredColumns | undefined> {
  const isPlain = bundle.exports.length > 1 || request.worker.export === 'default';
  const declares = ['schema', 'columns'].some((name) => bundle.exports.includes(name));
  const isCommonJs = bundle.exports.length === 1 && bundle.code.includes('__commonJS');
  if (!declares && isPlain && !isCommonJs) return undefined;
  const { fixed, space, worker } = request;
  const given = pointOf(
    fixed,
    fixed.map(({ values }) => values.at(0)),
  );
  const folder = mkdtempSync(join(tmpdir(), 'fanfold-'));
  try {
    const file = join(folder, 'worker.mjs');
    writeFileSync(file, bundle.code);
    return await probeWorker(crew.first(), { file, export: worker.export }, checkedPoints(space, given));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
