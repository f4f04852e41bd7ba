import { FanfoldError } from '../../errors.js';
import type { DeclaredColumns } from '../../format/layout.js';
import { encodePoint, type WorkerModule } from '../../host/protocol.js';
import type { Point, Space } from '../../space/space.js';
import { describeDeath, isDeath, type HostProcess } from './host-process.js';

/** Values of one axis that are checked against a schema; those between are the same rule's. */
const CHECKED_VALUES = 10_000;

/**
 * Loads a worker in a host and checks the sweep's parameters against its schema.
 * @returns the columns that it declares
 * @throws FanfoldError where the worker can't be loaded, or its schema refuses a parameter
 */
export async function probeWorker(
  host: HostProcess,
  worker: WorkerModule,
  points: readonly Point[],
): Promise<DeclaredColumns | undefined> {
  host.send({ type: 'load', worker });
  const loaded = await host.next();
  if (isDeath(loaded)) {
    throw new FanfoldError(
      'FANFOLD_WORKER',
      `Expected the worker to load, but it did not. ${describeDeath(loaded)}`,
    );
  }
  if (loaded.type === 'refused') throw new FanfoldError('FANFOLD_WORKER', loaded.message);
  if (loaded.type !== 'loaded') throw new Error(`A host answered load with ${loaded.type}.`);
  if (loaded.hasSchema) await checkParameters(host, points);
  return loaded.columns;
}

/** Points that hold, between them, every value of every axis (the first and last of a long one). */
export function checkedPoints({ groups, point }: Space, fixed: Point): Point[] {
  const first = { ...fixed, ...point(0) };
  const points = [first];
  for (const { name, values } of groups.flat()) {
    const half = CHECKED_VALUES / 2;
    for (let index = 1; index < values.size; index++) {
      if (index === half && values.size > CHECKED_VALUES) index = values.size - half;
      const value = values.at(index);
      if (value !== undefined) points.push({ ...first, [name]: value });
    }
  }
  return points;
}

// --- internal ---

async function checkParameters(host: HostProcess, points: readonly Point[]): Promise<void> {
  host.send({ type: 'check', points: points.map(encodePoint) });
  const checked = await host.next();
  if (isDeath(checked))
    throw new FanfoldError(
      'FANFOLD_WORKER',
      `The worker's schema ended its process. ${describeDeath(checked)}`,
    );
  if (checked.type === 'broken')
    throw new FanfoldError('FANFOLD_WORKER', `The worker's schema threw: ${checked.message}`);
  if (checked.type !== 'checked') throw new Error(`A host answered check with ${checked.type}.`);
  if (checked.problems.length === 0) return;
  const lines = checked.problems.map((problem) => `  ${problem}`).join('\n');
  throw new FanfoldError(
    'FANFOLD_SCHEMA',
    `Expected parameters that the worker's schema accepts, got:\n${lines}`,
  );
}
