import type { Layout } from '../../format/layout.js';
import type { HostWorker } from '../../host/protocol.js';
import type { FileHashes } from '../../run/file-hashes.js';
import type { Limits } from '../../run/limits.js';
import type { RunPaths } from '../../run/paths.js';
import type { Work } from '../engine.js';
import type { Attempts } from './attempts.js';
import type { Crew } from './crew.js';
import type { HostProcess } from './host-process.js';
import type { MemoryWatch } from './memory-watch.js';

export interface LocalEngineOptions {
  /** Processes at once. */
  readonly jobs: number;
  /** A new process for every task. */
  readonly isFresh: boolean;
  readonly worker: HostWorker;
  /** The hashes of the files that the run began with, where each process reads them anew. */
  readonly files: FileHashes | undefined;
  readonly crew: Crew;
  /** Called with files that a model has imported late, which the manifest doesn't have yet. */
  readonly learn: (files: FileHashes) => void;
  readonly limits: Limits;
  /** Called once for every point that fails. */
  readonly onFailed: (index: number) => void;
}

/** What the slots of a run share. */
export interface Session extends Omit<LocalEngineOptions, 'files'> {
  files: FileHashes | undefined;
  readonly work: Work;
  readonly paths: RunPaths;
  /** Position of the next task that no slot has taken. */
  next: number;
  readonly hosts: Set<HostProcess>;
  layout: Layout | undefined;
  /** The points that have failed in this session. */
  readonly failed: ReadonlySet<number>;
  isStopping: boolean;
  /** The run is ended at once, its processes are killed. */
  isKilled: boolean;
  readonly attempts: Attempts;
  readonly memory: MemoryWatch;
  /** Aborted once the run is to end, for whatever reason. */
  readonly ending: AbortSignal;
}
