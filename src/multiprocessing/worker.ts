import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NODE_HOST, startHost, type HostProcess } from '../engine/local/host-process.js';
import { startReaper, type Reaper } from '../engine/local/reaper.js';
import { bundleWorker } from '../engine/worker-bundle.js';
import { parseWorkerReference, type ModuleReference } from '../engine/worker-reference.js';
import { FanfoldError } from '../errors.js';
import type { WireCall, WorkerModule } from '../host/protocol.js';
import { encodeValue } from '../host/wire.js';

// What a worker's kind decides: how it is named, made loadable, and which program its process runs.

/**
 * Reads what a caller gives as a worker.
 * @throws FanfoldError where it is no file, or a function
 */
export function referenceOf(worker: string | URL): ModuleReference {
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
  const reference = parseWorkerReference(given instanceof URL ? given.href : given);
  if (reference.kind === 'module') return reference;
  throw new FanfoldError(
    'FANFOLD_WORKER',
    `Expected a JavaScript or TypeScript module, got ${reference.file}.`,
  );
}

/**
 * Makes a worker loadable for its processes. Its files are read once: a program that changes them goes on with the
 * first version.
 * @throws FanfoldError where they have an error, with its place
 */
export async function loadable(worker: ModuleReference): Promise<WorkerModule> {
  const { file } = worker;
  let bundling = bundles.get(file);
  if (bundling === undefined) {
    bundling = writeBundle(worker, `worker-${String(bundles.size)}.mjs`);
    bundles.set(file, bundling);
  }
  return { kind: 'module', file: await bundling, export: worker.export };
}

/**
 * Starts a process that can load the worker. It ends with this one, however this one ends; what it prints is printed.
 * @param env the whole environment of the process
 * @throws FanfoldError where the system has no room for another process
 */
export function startProcess(env: NodeJS.ProcessEnv): HostProcess {
  reaper ??= startReaper();
  const host = startHost({
    program: NODE_HOST,
    env,
    reaper,
    onEnd: () => {
      living.delete(host);
      if (living.size === 0) closeReaper();
    },
  });
  living.add(host);
  host.output = (bytes, stream) => {
    process[stream].write(bytes);
  };
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

const bundles = new Map<string, Promise<string>>();
const living = new Set<HostProcess>();
let reaper: Reaper | undefined;
let folder: string | undefined;

async function writeBundle(worker: ModuleReference, name: string): Promise<string> {
  const { code = '' } = await bundleWorker(worker);
  const path = temporaryPath(name);
  writeFileSync(path, code);
  return path;
}

function closeReaper(): void {
  reaper?.close();
  reaper = undefined;
}
