import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { readCommandFiles } from '../engine/command-files.js';
import type { Crew } from '../engine/local/crew.js';
import {
  awaitLoaded,
  checkedPoints,
  checkParameters,
  probe,
  type Parameters,
} from '../engine/local/probe.js';
import { faultOfPython } from '../engine/python-interpreter.js';
import type { WorkerBundle } from '../engine/worker-bundle.js';
import type { CommandReference, ModuleReference, PythonReference } from '../engine/worker-reference.js';
import { FanfoldError, systemCode } from '../errors.js';
import type { DeclaredColumns } from '../format/layout.js';
import type { HostWorker } from '../host/protocol.js';
import type { Manifest } from '../run/manifest.js';
import type { CommandSpec } from '../run/spec.js';
import { sha256 } from '../sha256.js';
import { pointOf } from '../space/space.js';
import { hostCommand, hostModule } from './host-worker.js';
import type { Plan } from './plan.js';
import { checkSameRun } from './prepare.js';

/** A worker that was found, and accepts the sweep's parameters. */
export interface CheckedWorker {
  readonly bundle: WorkerBundle;
  /** What its processes load. */
  readonly load: HostWorker;
  /** The columns that it declares. */
  readonly columns?: DeclaredColumns | undefined;
  /** Version of the interpreter that runs it, where that is not node. */
  readonly python?: string | undefined;
}

/** What a worker is checked with. */
export interface CheckOptions {
  /** The run to go on with. */
  readonly existing: Manifest | undefined;
  readonly allowChangedWorker: boolean;
  /** Its first process loads the worker. One without processes is of a run that has nothing to compute. */
  readonly crew: Crew;
  /** A temporary folder that lives as long as the crew. */
  readonly folder: string;
  /** A module, being bundled. */
  readonly bundling: Promise<WorkerBundle> | undefined;
}

/**
 * Finds a worker, holds it against the run that it is to go on with, and the sweep's parameters against its schema or
 * signature. User code runs in a child.
 * @throws FanfoldError where the worker does not load, was changed, or refuses a parameter
 */
export function checkWorker(plan: Plan, options: CheckOptions): Promise<CheckedWorker> {
  const { worker } = plan.request;
  switch (worker.kind) {
    case 'module':
      return checkModule(worker, plan, options);
    case 'python':
      return checkPython(worker, plan, options);
    case 'command':
      return checkCommand(worker, plan, options);
  }
}

// --- internal ---

async function checkModule(
  worker: ModuleReference,
  plan: Plan,
  { existing, allowChangedWorker, crew, folder, bundling }: CheckOptions,
): Promise<CheckedWorker> {
  if (bundling === undefined) throw new Error('A module was to be checked before it was bundled.');
  const bundle = await bundling;
  checkExport(bundle, worker);
  if (existing !== undefined) checkSameRun(existing, plan, bundle, { allowChangedWorker });
  const load = hostModule(worker, bundle, folder);
  if (crew.size === 0) return { bundle, load };
  const columns = await probe(crew, load, async (host) => {
    const loaded = await awaitLoaded(host);
    if (loaded.hasSchema) await checkParameters(host, parametersOf(plan));
    return loaded.columns;
  });
  return { bundle, load, columns };
}

/** A model's files are known when it is imported; of a complete run, those that it had are looked at. */
async function checkPython(
  worker: PythonReference,
  plan: Plan,
  { existing, allowChangedWorker, crew }: CheckOptions,
): Promise<CheckedWorker> {
  const load: HostWorker = { kind: 'python', file: worker.file, export: worker.export };
  if (crew.size === 0) {
    const bundle = { code: undefined, files: hashesNow(worker, existing), exports: [] };
    if (existing !== undefined) checkSameRun(existing, plan, bundle, { allowChangedWorker });
    return { bundle, load };
  }
  return probe(crew, load, async (host) => {
    const loaded = await awaitLoaded(host).catch((error: unknown) => {
      throw pythonError(worker, error);
    });
    // Those that it imports only while it computes are as they are now.
    const files = { ...hashesNow(worker, existing), ...loaded.files };
    const bundle = { code: undefined, files, exports: [] };
    if (existing !== undefined) checkSameRun(existing, plan, bundle, { allowChangedWorker });
    await checkParameters(host, parametersOf(plan));
    return { bundle, load, columns: loaded.columns, python: loaded.versions?.python };
  });
}

/** A command was checked when the request was read, so its run need not wait for a process. */
async function checkCommand(
  worker: CommandReference,
  plan: Plan,
  { existing, allowChangedWorker, crew, folder }: CheckOptions,
): Promise<CheckedWorker> {
  const bundle = await readCommandFiles(worker);
  if (existing !== undefined) checkSameRun(existing, plan, bundle, { allowChangedWorker });
  const load = hostCommand(worker, plan, folder);
  if (crew.size > 0) crew.load(load);
  return { bundle, load, columns: declaredColumns(worker.spec) };
}

/**
 * Checks a worker's export where that is known without running it; a CommonJS module shows only `default`.
 * @throws FanfoldError where there is no such export
 */
function checkExport({ exports }: WorkerBundle, worker: ModuleReference): void {
  const isCommonJs = exports.length === 1 && exports[0] === 'default';
  if (exports.includes(worker.export) || isCommonJs) return;
  throw new FanfoldError(
    'FANFOLD_WORKER',
    `Expected the worker ${worker.file} to export ${worker.export === 'default' ? 'a default function' : `a function "${worker.export}"`}, but it exports: ${exports.join(', ') || 'nothing'}. Name an export by FILE:name.`,
  );
}

function parametersOf({ request }: Plan): Parameters {
  const { space, fixed } = request;
  const given = pointOf(
    fixed,
    fixed.map(({ values }) => values.at(0)),
  );
  return { axes: [...space.axes, ...fixed], points: checkedPoints(space, given) };
}

/** The columns of `--columns`; one without a type goes by its values. */
function declaredColumns({ columns }: CommandSpec): DeclaredColumns | undefined {
  return columns && Object.fromEntries(columns.map(({ name, dtype }) => [name, dtype ?? null]));
}

/** An interpreter that is too old ends at once, some at the host's syntax; that is to be said in other words. */
function pythonError({ interpreter, file }: PythonReference, error: unknown): unknown {
  if (!(error instanceof FanfoldError)) return error;
  const { message } = error;
  if (message.startsWith('Expected the worker to load')) {
    const fault = faultOfPython(interpreter);
    return fault === undefined ? error : new FanfoldError('FANFOLD_PYTHON', fault);
  }
  if (message.startsWith('Expected')) return error;
  return new FanfoldError(
    'FANFOLD_WORKER',
    `Expected the model ${basename(file)} to be imported, but it raised:\n${message}`,
  );
}

function hashesNow({ file }: PythonReference, existing: Manifest | undefined): Record<string, string> {
  const folder = dirname(file);
  const names = Object.keys(existing?.worker.files ?? {});
  return Object.fromEntries(names.map((name) => [name, hashOf(join(folder, name))]));
}

function hashOf(path: string): string {
  try {
    return sha256(readFileSync(path));
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return 'missing';
    throw error;
  }
}
