import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Crew } from '../engine/local/crew.js';
import { checkedPoints, probeWorker } from '../engine/local/probe.js';
import type { WorkerBundle } from '../engine/worker-bundle.js';
import { FanfoldError } from '../errors.js';
import type { WorkerModule } from '../host/protocol.js';
import type { DeclaredColumns } from '../format/layout.js';
import { pointOf } from '../space/space.js';
import type { Plan, SweepRequest } from './plan.js';

/**
 * Checks a worker's export where that is known without running it; a CommonJS module shows only `default`.
 * @throws FanfoldError where there is no such export
 */
export function checkExport(bundle: WorkerBundle, { worker }: SweepRequest): void {
  const { exports } = bundle;
  if (exports.includes(worker.export) || isCommonJs(bundle)) return;
  throw new FanfoldError(
    'FANFOLD_WORKER',
    `Expected the worker ${worker.file} to export ${worker.export === 'default' ? 'a default function' : `a function "${worker.export}"`}, but it exports: ${exports.join(', ') || 'nothing'}. Name an export by FILE:name.`,
  );
}

/** Writes the module that processes load into a folder, and says where. */
export function writeModule(folder: string, bundle: WorkerBundle, { worker }: SweepRequest): WorkerModule {
  const file = join(folder, bundle.commonJs === undefined ? 'worker.mjs' : 'worker.cjs');
  writeFileSync(file, bundle.commonJs ?? bundle.code);
  return { file, export: worker.export };
}

/**
 * Loads the worker in the crew's processes and holds the sweep's parameters against its schema, if it has one.
 * @returns the columns that it declares
 * @throws FanfoldError where the worker does not load or its schema refuses a parameter
 */
export async function checkInProcess(
  { request }: Plan,
  bundle: WorkerBundle,
  { crew, module }: { crew: Crew; module: WorkerModule },
): Promise<DeclaredColumns | undefined> {
  const { fixed, space } = request;
  const given = pointOf(
    fixed,
    fixed.map(({ values }) => values.at(0)),
  );
  const hasSchema = bundle.exports.includes('schema') || isCommonJs(bundle);
  const names = [...space.axes, ...fixed].map(({ name }) => name);
  const points = hasSchema ? checkedPoints(space, given) : [];
  return probeWorker(crew.load(module), { names, points });
}

// --- internal ---

/** Such a module's exports are only known when it is loaded. */
function isCommonJs({ exports }: WorkerBundle): boolean {
  return exports.length === 1 && exports[0] === 'default';
}
