import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { WorkerBundle } from '../engine/worker-bundle.js';
import type { CommandReference } from '../engine/worker-reference.js';
import type { HostWorker, WorkerCommand } from '../host/protocol.js';
import { runPaths } from '../run/paths.js';
import type { Plan } from './plan.js';

/**
 * The worker of a run as its hosts load it. A module is written into the temporary folder.
 * @param temporary a folder that lives as long as the run's processes
 */
export function hostWorker(plan: Plan, bundle: WorkerBundle, temporary: string): HostWorker {
  const { worker } = plan.request;
  if (worker.kind === 'command') return hostCommand(worker, plan, temporary);
  const { code = '', commonJs } = bundle;
  const file = join(temporary, commonJs === undefined ? 'worker.mjs' : 'worker.cjs');
  writeFileSync(file, commonJs ?? code);
  return { kind: 'module', file, export: worker.export };
}

// --- internal ---

function hostCommand(worker: CommandReference, plan: Plan, temporary: string): WorkerCommand {
  const { space, fixed } = plan.request;
  const { spec, program, folder, keepScratch } = worker;
  return {
    kind: 'command',
    spec,
    program,
    folder,
    keepScratch,
    scratch: runPaths(plan.directory).scratch,
    temporary,
    parameters: [...space.axes, ...fixed].map(({ name, values }) => ({ name, dtype: values.dtype })),
  };
}
