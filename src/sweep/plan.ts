import { basename, join, resolve } from 'node:path';
import type { Format } from '../format/cell.js';
import { FanfoldError } from '../errors.js';
import type { WorkerReference } from '../engine/worker-reference.js';
import type { Limits } from '../run/limits.js';
import type { SlurmSettings } from '../run/slurm-settings.js';
import { shortHash, specHash, workerLabel, type SweepSpec } from '../run/spec.js';
import { checkTasks, type Slicing } from '../slicing.js';
import type { Axis } from '../space/axis.js';
import { defineSpace } from '../space/definition.js';
import { checkNames, type Space } from '../space/space.js';

import { checkCommand } from './check-command.js';
import { checkMemoryLimit } from './check-memory-limit.js';

/** What a user asks for, read and checked. */
export interface SweepRequest {
  readonly worker: WorkerReference;
  readonly space: Space;
  /** Keyword arguments that are the same for every point. */
  readonly fixed: readonly Axis[];
  /** Path of the points file, for the manifest. */
  readonly pointsFile?: string | undefined;
  /** 0 to 2^64 - 1. */
  readonly seed: bigint;
  readonly slicing: Slicing | undefined;
  readonly tasks: number | undefined;
  /** Processes at once. */
  readonly jobs: number;
  /** How it is submitted; undefined for processes of this machine. */
  readonly slurm?: SlurmSettings | undefined;
  /** Tasks of an element of a batch job. */
  readonly pack?: number | undefined;
  readonly limits: Limits;
  readonly format: Format;
  /** Undefined for the format's own custom: a csv has one, a txt none. */
  readonly header: boolean | undefined;
  readonly out: string | undefined;
}

/** What is to be done, before anything is. */
export interface Plan {
  readonly request: SweepRequest;
  readonly spec: SweepSpec;
  /** sha256 in full; its first digits name the run. */
  readonly hash: string;
  /** Absolute path. */
  readonly directory: string;
  /** The number of tasks of a new run; one that is gone on with keeps its own. */
  readonly tasks: number;
  readonly header: boolean;
}

/** Tasks for each job slot where the user names no number: enough for slots to end at about the same time. */
const TASKS_PER_SLOT = 16;

/**
 * Works out the spec, its hash, the number of tasks and the run directory.
 * @throws FanfoldError where parts of the request contradict each other
 */
export function planSweep(request: SweepRequest): Plan {
  const { space, fixed, worker, tasks } = request;
  checkNames([...space.axes, ...fixed]);
  if (worker.kind === 'command') checkCommand(worker, [...space.axes, ...fixed]);
  checkMemoryLimit(request.limits);
  if (request.out === '') {
    throw new FanfoldError(
      'FANFOLD_OUT',
      'Expected --out to name a directory, got an empty text. The current folder is ".".',
    );
  }
  if (tasks !== undefined) checkTasks(space.size, tasks);
  const slicing = request.slicing ?? (tasks === undefined ? 'balanced' : 'guan');
  const spec: SweepSpec = {
    worker: worker.kind === 'command' ? worker.spec : { file: basename(worker.file), export: worker.export },
    space: storable(defineSpace(space)),
    fixed: fixed.map(({ name, values }) => ({ name, values: structuredClone(values.definition) })),
    seed: String(request.seed),
    slicing,
    tasks: tasks ?? 'auto',
    format: request.format,
  };
  const hash = specHash(spec);
  const directory = resolve(request.out ?? join('runs', `${runName(spec.worker)}-${shortHash(hash)}`));
  const all = tasks ?? defaultTasks(request);
  return {
    request: withPack(request, all),
    spec,
    hash,
    directory,
    tasks: all,
    header: request.header ?? request.format === 'csv',
  };
}

/** A request whose elements have no more tasks than there are: each would ask for processors for them. */
export function withPack(request: SweepRequest, tasks: number): SweepRequest {
  const { pack } = request;
  return pack === undefined ? request : { ...request, pack: Math.min(pack, tasks) };
}

// --- internal ---

/** Elements for each one that may run at once; a cluster has them start at very different times. */
const ELEMENTS_PER_SLOT = 4;
const ELEMENTS_AT_ONCE = 32;

function defaultTasks({ space, jobs, slurm, pack = 1 }: SweepRequest): number {
  const wanted =
    slurm === undefined
      ? jobs * TASKS_PER_SLOT
      : (slurm.maxRunning ?? ELEMENTS_AT_ONCE) * ELEMENTS_PER_SLOT * pack;
  return Math.max(1, Math.min(space.size, wanted));
}

/** A name may have 255 bytes on most file systems; of these the hash takes some, and `-compare`. */
const MOST_NAME_CHARACTERS = 50;

/** `double`, `model-energy` for a named export, the program's name for a command: a folder name on any file system. */
function runName(worker: SweepSpec['worker']): string {
  const stem = workerLabel(worker).replace(/(?<=.)\.[^.]*$/, '');
  const name = 'command' in worker || worker.export === 'default' ? stem : `${stem}-${worker.export}`;
  return Array.from(name, (character) => (/[\p{C}\p{Zl}\p{Zp}/\\]/u.test(character) ? '_' : character))
    .slice(0, MOST_NAME_CHARACTERS)
    .join('');
}

/** The definition as plain mutable data, which is what the schema of the manifest describes. */
function storable(definition: ReturnType<typeof defineSpace>): SweepSpec['space'] {
  return JSON.parse(JSON.stringify(definition)) as SweepSpec['space'];
}
