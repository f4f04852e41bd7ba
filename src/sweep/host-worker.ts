import type { CommandReference, WorkerReference } from '../engine/worker-reference.js';
import type { HostWorker, WorkerCommand } from '../host/protocol.js';
import { runPaths } from '../run/paths.js';
import type { Plan } from './plan.js';

/**
 * The worker of a run as its hosts load it.
 * @param temporary a folder that lives as long as the run's processes
 */
export function hostWorker(worker: WorkerReference, plan: Plan, temporary: string): HostWorker {
  if (worker.kind === 'command') return hostCommand(worker, plan, temporary);
  return { kind: 'module', file: runPaths(plan.directory).workerModule, export: worker.export };
}

/** A command as hosts load it. */
export function hostCommand(worker: CommandReference, plan: Plan, temporary: string): WorkerCommand {
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
