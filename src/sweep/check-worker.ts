import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startHost, type HostProcess } from '../engine/local/host-process.js';
import { checkedPoints, probeWorker } from '../engine/local/probe.js';
import type { Reaper } from '../engine/local/reaper.js';
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
 * @returns that process, which goes on as the first job slot's, and the columns
 * @throws FanfoldError where the worker does not load or its schema refuses a parameter
 */
export async function checkInProcess(
  { request }: Plan,
  bundle: WorkerBundle,
  { env, reaper }: { env: NodeJS.ProcessEnv; reaper: Reaper },
): Promise<{ host?: HostProcess; columns?: DeclaredColumns }> {
  const isPlain = bundle.exports.length > 1 || request.worker.export === 'default';
  const declares = ['schema', 'columns'].some((name) => bundle.exports.includes(name));
  const isCommonJs = bundle.exports.length === 1 && bundle.code.includes('__commonJS');
  if (!declares && isPlain && !isCommonJs) return {};
  const folder = mkdtempSync(join(tmpdir(), 'fanfold-'));
  const host = startHost({ env, reaper, onOutput: (bytes) => process.stderr.write(bytes) });
  try {
    const file = join(folder, 'worker.mjs');
    writeFileSync(file, bundle.code);
    const fixed = pointOf(
      request.fixed,
      request.fixed.map(({ values }) => values.at(0)),
    );
    const module = { file, export: request.worker.export };
    const columns = await probeWorker(host, module, checkedPoints(request.space, fixed));
    return { host, ...(columns === undefined ? {} : { columns }) };
  } catch (error) {
    host.kill();
    throw error;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
