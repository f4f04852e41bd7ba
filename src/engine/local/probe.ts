import { constants } from 'node:os';
import { FanfoldError } from '../../errors.js';
import { encodePoint, type HostWorker, type Report } from '../../host/protocol.js';
import type { Axis } from '../../space/axis.js';
import type { Point, Space } from '../../space/space.js';
import type { Crew } from './crew.js';
import { describeDeath, isDeath, type Death, type HostProcess } from './host-process.js';

/** Positions of one group of axes that are checked against a schema; those between are the same rule's. */
const CHECKED_POSITIONS = 10_000;

/** A worker is loaded in another process at most so often where somebody kills the one that loads it. */
const MOST_LOADS = 3;

/** What a host tells of a worker that it has loaded. */
export type LoadedReport = Extract<Report, { type: 'loaded' }>;

/** The parameters of a sweep: their names and types, and points that hold every value. */
export interface Parameters {
  readonly axes: readonly Axis[];
  readonly points: readonly Point[];
}

/**
 * Has a process of a crew load a worker and answer what is asked of it. One that is killed meanwhile says nothing of the
 * worker, so another one is asked.
 */
export async function probe<T>(
  crew: Crew,
  worker: HostWorker,
  ask: (host: HostProcess) => Promise<T>,
): Promise<T> {
  for (let loads = 1; ; loads++) {
    try {
      return await ask(crew.load(worker));
    } catch (error) {
      if (loads === MOST_LOADS || crew.isClosed || !(error instanceof KilledError)) throw error;
    }
  }
}

/**
 * Waits for a host to load a worker.
 * @throws FanfoldError where it can't be loaded
 */
export async function awaitLoaded(host: HostProcess): Promise<LoadedReport> {
  const loaded = await host.next();
  if (isDeath(loaded)) {
    throw diedError('Expected the worker to load, but it did not.', loaded);
  }
  if (loaded.type === 'refused') throw new FanfoldError('FANFOLD_WORKER', loaded.message);
  if (loaded.type !== 'loaded') throw new Error(`A host answered load with ${loaded.type}.`);
  return loaded;
}

/**
 * Has a host hold the sweep's parameters against the worker's schema, or the signature of its function.
 * @throws FanfoldError where it refuses one
 */
export async function checkParameters(host: HostProcess, { axes, points }: Parameters): Promise<void> {
  const names = axes.map(({ name }) => name);
  const dtypes = Object.fromEntries(axes.map(({ name, values }) => [name, values.dtype]));
  host.send({ type: 'check', names, points: points.map(encodePoint), dtypes });
  const checked = await host.next();
  if (isDeath(checked)) throw diedError("The worker's schema ended its process.", checked);
  if (checked.type === 'broken')
    throw new FanfoldError('FANFOLD_WORKER', `The worker's schema threw: ${checked.message}`);
  if (checked.type !== 'checked') throw new Error(`A host answered check with ${checked.type}.`);
  if (checked.problems.length === 0) return;
  const lines = checked.problems.map((problem) => `  ${problem}`).join('\n');
  throw new FanfoldError('FANFOLD_SCHEMA', `Expected parameters that the worker accepts, got:\n${lines}`);
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

/** Thrown where a process was ended from outside, as far as a signal can tell. */
class KilledError extends FanfoldError {}

/** As a shell has it that looks for the interpreter: that of pyenv, say. */
const KILLED_STATUSES = [128 + constants.signals.SIGKILL, 128 + constants.signals.SIGTERM];

function diedError(what: string, death: Death): FanfoldError {
  const isKilled =
    death.signal === 'SIGKILL' || death.signal === 'SIGTERM' || KILLED_STATUSES.includes(death.exitCode ?? 0);
  return new (isKilled ? KilledError : FanfoldError)('FANFOLD_WORKER', `${what} ${describeDeath(death)}`);
}
