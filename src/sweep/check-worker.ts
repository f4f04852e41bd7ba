import type { Crew } from '../engine/local/crew.js';
import { checkedPoints, probeWorker } from '../engine/local/probe.js';
import type { WorkerBundle } from '../engine/worker-bundle.js';
import type { ModuleReference } from '../engine/worker-reference.js';
import { FanfoldError } from '../errors.js';
import type { HostWorker } from '../host/protocol.js';
import type { DeclaredColumns } from '../format/layout.js';
import type { CommandSpec } from '../run/spec.js';
import { pointOf } from '../space/space.js';
import type { Plan } from './plan.js';

/**
 * Checks a worker's export where that is known without running it; a CommonJS module shows only `default`.
 * @throws FanfoldError where there is no such export
 */
export function checkExport(bundle: WorkerBundle, worker: ModuleReference): void {
  const { exports } = bundle;
  if (exports.includes(worker.export) || isCommonJs(bundle)) return;
  throw new FanfoldError(
    'FANFOLD_WORKER',
    `Expected the worker ${worker.file} to export ${worker.export === 'default' ? 'a default function' : `a function "${worker.export}"`}, but it exports: ${exports.join(', ') || 'nothing'}. Name an export by FILE:name.`,
  );
}

/**
 * Loads the worker in the crew's processes and holds the sweep's parameters against its schema, if it has one. A command
 * was checked when the request was read, so its run need not wait for a process.
 * @returns the columns that it declares
 * @throws FanfoldError where the worker does not load or its schema refuses a parameter
 */
export async function checkInProcess(
  plan: Plan,
  bundle: WorkerBundle,
  { crew, load }: { crew: Crew; load: HostWorker },
): Promise<DeclaredColumns | undefined> {
  const { fixed, space, worker } = plan.request;
  if (worker.kind === 'command') {
    crew.load(load);
    return declaredColumns(worker.spec);
  }
  const given = pointOf(
    fixed,
    fixed.map(({ values }) => values.at(0)),
  );
  const hasSchema = bundle.exports.includes('schema') || isCommonJs(bundle);
  const names = [...space.axes, ...fixed].map(({ name }) => name);
  const points = hasSchema ? checkedPoints(space, given) : [];
  return probeWorker(crew.load(load), { names, points });
}

// --- internal ---

/** The columns of `--columns`; one without a type goes by its values. */
function declaredColumns({ columns }: CommandSpec): DeclaredColumns | undefined {
  return columns && Object.fromEntries(columns.map(({ name, dtype }) => [name, dtype ?? null]));
}

/** Such a module's exports are only known when it is loaded. */
function isCommonJs({ exports }: WorkerBundle): boolean {
  return exports.length === 1 && exports[0] === 'default';
}
