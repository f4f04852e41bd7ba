import { FanfoldError } from '../../errors.js';
import type { DeclaredColumns } from '../../format/layout.js';
import { encodePoint } from '../../host/protocol.js';
import type { Point, Space } from '../../space/space.js';
import { describeDeath, isDeath, type HostProcess } from './host-process.js';

/** Positions of one group of axes that are checked against a schema; those between are the same rule's. */
const CHECKED_POSITIONS = 10_000;

/**
 * Waits for a host to load a worker and checks the sweep's parameters against its schema.
 * @returns the columns that it declares
 * @throws FanfoldError where the worker can't be loaded, or its schema refuses a parameter
 */
export async function probeWorker(
  host: HostProcess,
  { names, points }: { names: readonly string[]; points: readonly Point[] },
): Promise<DeclaredColumns | undefined> {
  const loaded = await host.next();
  if (isDeath(loaded)) {
    throw new FanfoldError(
      'FANFOLD_WORKER',
      `Expected the worker to load, but it did not. ${describeDeath(loaded)}`,
    );
  }
  if (loaded.type === 'refused') throw new FanfoldError('FANFOLD_WORKER', loaded.message);
  if (loaded.type !== 'loaded') throw new Error(`A host answered load with ${loaded.type}.`);
  if (loaded.hasSchema) await checkParameters(host, names, points);
  return loaded.columns;
}

/** Points of the space that hold, between them, every position of every group of axes (first and last of a long one). */
export function checkedPoints({ groups, size, point }: Space, fixed: Point): Point[] {
  const points = [{ ...fixed, ...point(0) }];
  let stride = size;
  for (const group of groups) {
    const length = group[0]?.values.size ?? 1;
    stride /= length;
    for (let position = 1; position < length; position++) {
      if (position === CHECKED_POSITIONS / 2 && length > CHECKED_POSITIONS) {
        position = length - CHECKED_POSITIONS / 2;
      }
      points.push({ ...fixed, ...point(position * stride) });
    }
  }
  return points;
}

// --- internal ---

async function checkParameters(
  host: HostProcess,
  names: readonly string[],
  points: readonly Point[],
): Promise<void> {
  host.send({ type: 'check', names, points: points.map(encodePoint) });
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
