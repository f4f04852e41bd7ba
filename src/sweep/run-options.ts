import type { Controls } from '../engine/engine.js';
import type { Manifest } from '../run/manifest.js';

/** How a sweep is run; none of it changes a byte of the result. */
export interface RunOptions {
  readonly isFresh?: boolean;
  readonly isForced?: boolean;
  /** Compute failed points again. */
  readonly retryFailed?: boolean;
  /** Go on with another version of the worker than the run was begun with; the manifest then names both. */
  readonly allowChangedWorker?: boolean;
  /** `OMP_NUM_THREADS` and its kin for each process, whatever the environment has. */
  readonly threads?: number | undefined;
  /** How long this session may take, in ms; its points in hand are then finished, and it stops. */
  readonly timeLimitMs?: number | undefined;
  readonly controls: Controls;
  /** Called with what is mended, or is otherwise than it was, or is waited for, in words for the user. */
  readonly onNotice?: (text: string) => void;
  /** How long a file system may hide what another machine has done, in milliseconds. */
  readonly fsLatencyMs?: number | undefined;
  /** A scheduler says that no element of the run is at work: what locks they left are not waited for as long as others. */
  readonly areElementsGone?: boolean | undefined;
  /** Of a run on Slurm: return once its jobs are submitted. */
  readonly isDetached?: boolean | undefined;
  /** Absolute path of this package's command, which a scheduler's jobs start. */
  readonly command?: string | undefined;
  /** Called when the run directory is open and before its first process starts. */
  readonly onStart?: (manifest: Manifest) => void;
}
