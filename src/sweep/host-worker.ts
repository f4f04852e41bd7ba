import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { WorkerBundle } from '../engine/worker-bundle.js';
import type { CommandReference, ModuleReference, WorkerReference } from '../engine/worker-reference.js';
import type { HostWorker, RunJob, WorkerCommand } from '../host/protocol.js';
import type { Manifest } from '../run/manifest.js';
import { runPaths } from '../run/paths.js';
import type { SweepSpec } from '../run/spec.js';
import { listPowers } from '../space/definition.js';
import type { Plan } from './plan.js';

/**
 * A module as hosts load it: written into the temporary folder, where they find it also before there is a run directory.
 * @param temporary a folder that lives as long as the run's processes
 */
export function hostModule(worker: ModuleReference, bundle: WorkerBundle, temporary: string): HostWorker {
  const { code = '', commonJs } = bundle;
  const file = join(temporary, commonJs === undefined ? 'worker.mjs' : 'worker.cjs');
  writeFileSync(file, commonJs ?? code);
  return { kind: 'module', file, export: worker.export };
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

/** A run as hosts get it. */
export function runJob(
  worker: WorkerReference,
  { spec, wholeNumbers, columns }: Manifest,
  how: Pick<RunJob, 'directory' | 'limits' | 'facts'> & { readonly element?: number | undefined },
): RunJob {
  const { element, ...rest } = how;
  return {
    ...rest,
    ...(element === undefined ? {} : { element }),
    spec: worker.kind === 'python' ? ({ ...spec, space: listPowers(spec.space) } as SweepSpec) : spec,
    wholeNumbers,
    ...(columns === undefined ? {} : { columns }),
  };
}
