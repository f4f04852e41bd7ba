import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NODE_HOST, startHost, type HostOptions, type HostProcess } from '../engine/local/host-process.js';
import { pythonHost } from '../engine/local/python-crew.js';
import { startReaper, type Reaper } from '../engine/local/reaper.js';
import { faultOfPython } from '../engine/python-interpreter.js';
import { bundleWorker } from '../engine/worker-bundle.js';
import {
  parseWorkerReference,
  type FunctionReference,
  type PythonOptions,
} from '../engine/worker-reference.js';
import { FanfoldError } from '../errors.js';
import type { WorkerFunction, WireCall } from '../host/protocol.js';
import { encodeValue } from '../host/wire.js';

// What a worker's kind decides: how it is named, made loadable, and which program its process runs.

/**
 * Reads what a caller gives as a worker.
 * @throws FanfoldError where it is no file, or a function; or a Python function, and there is no interpreter for it
 */
export function referenceOf(worker: string | URL, options: PythonOptions): FunctionReference {
  const given: unknown = worker;
  if (typeof given === 'function') {
    throw new FanfoldError(
      'FANFOLD_WORKER',
      `Expected the worker to be named by its file, got the function ${given.name}: another process can't be given a function. Export it from a file and name that, such as './model.mjs:${given.name || 'energy'}'.`,
    );
  }
  if (typeof given !== 'string' && !(given instanceof URL)) {
    throw new FanfoldError(
      'FANFOLD_WORKER',
      `Expected the worker to be the path of a module, got a ${typeof given}.`,
    );
  }
  return parseWorkerReference(given instanceof URL ? given.href : given, options);
}

/** Workers of one language: a process can only call those of its own kind. */
export interface WorkerKind {
  /** The program of its processes. */
  readonly program: HostOptions['program'];
  /**
   * Makes a worker loadable for its processes.
   * @throws FanfoldError where its files have an error, with its place
   */
  readonly load: (worker: FunctionReference) => Promise<WorkerFunction>;
  /** Why its program can't run, to be asked where a process ended before it had loaded anything; undefined where it can. */
  readonly fault: () => FanfoldError | undefined;
}

/** The kind of a worker: one for all modules, one for each Python interpreter. */
export function kindOf(worker: FunctionReference): WorkerKind {
  if (worker.kind === 'module') return JAVASCRIPT;
  const { interpreter } = worker;
  const known = pythons.get(interpreter);
  if (known !== undefined) return known;
  const python: WorkerKind = {
    program: pythonHost(interpreter),
    load: ({ file, export: name }) => Promise.resolve({ kind: 'python', file, export: name }),
    fault: () => {
      const fault = faultOfPython(interpreter);
      return fault === undefined ? undefined : new FanfoldError('FANFOLD_PYTHON', fault);
    },
  };
  pythons.set(interpreter, python);
  return python;
}

/**
 * Starts a process for workers of a kind. It ends with this one, however this one ends; what it prints is printed.
 * @param env the whole environment of the process
 * @throws FanfoldError where the system has no room for another process
 */
export function startProcess(kind: WorkerKind, env: NodeJS.ProcessEnv): HostProcess {
  reaper ??= startReaper();
  const host = startHost({
    program: kind.program,
    env,
    reaper,
    onEnd: () => {
      living.delete(host);
      if (living.size === 0) closeReaper();
    },
  });
  living.add(host);
  host.divert((bytes, stream) => {
    process[stream].write(bytes);
  });
  return host;
}

/**
 * A call as it passes to a process.
 * @throws TypeError naming the argument that can't pass to another process
 */
export function wireCall(args: readonly unknown[], kwargs?: Readonly<Record<string, unknown>>): WireCall {
  const values = args.map((value, index) => encodeValue(value, `argument ${String(index)}`));
  if (kwargs === undefined) return { args: values };
  const entries = Object.entries(kwargs).map(([name, value]) => [name, encodeValue(value, name)]);
  return { args: values, kwargs: Object.fromEntries(entries) as Record<string, unknown> };
}

/** A path in this program's temporary folder. */
export function temporaryPath(name: string): string {
  if (folder === undefined) {
    const made = mkdtempSync(join(tmpdir(), 'fanfold-'));
    folder = made;
    process.once('exit', () => {
      rmSync(made, { recursive: true, force: true });
    });
  }
  return join(folder, name);
}

// --- internal ---

const JAVASCRIPT: WorkerKind = {
  program: NODE_HOST,
  load: async (worker) => ({ kind: 'module', file: await bundleOnce(worker), export: worker.export }),
  fault: () => undefined,
};

const pythons = new Map<string, WorkerKind>();
const bundles = new Map<string, Promise<string>>();
const living = new Set<HostProcess>();
let reaper: Reaper | undefined;
let folder: string | undefined;

/** A worker's files are read once: a program that changes them goes on with the first version. */
function bundleOnce(worker: FunctionReference): Promise<string> {
  const known = bundles.get(worker.file);
  if (known !== undefined) return known;
  const bundling = writeBundle(worker.file, `worker-${String(bundles.size)}.mjs`);
  bundles.set(worker.file, bundling);
  return bundling;
}

async function writeBundle(file: string, name: string): Promise<string> {
  const { code = '' } = await bundleWorker({ file });
  const path = temporaryPath(name);
  writeFileSync(path, code);
  return path;
}

function closeReaper(): void {
  reaper?.close();
  reaper = undefined;
}
