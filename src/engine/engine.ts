import type { Layout } from '../format/layout.js';
import type { RunJob } from '../host/protocol.js';
import type { Lock } from '../run/lock.js';
import type { Slice } from '../slicing.js';
import type { Point } from '../space/space.js';

/** A task that an engine has to finish. */
export interface Task extends Slice {
  readonly index: number;
}

/** What an engine is given: the run directory is open and locked, and only `tasks` are to be computed. */
export interface Work {
  /**
   * Checked before each task; once it is lost every process ends, and nothing more is written. None where nobody else
   * knows of the directory.
   */
  readonly lock?: Lock;
  readonly job: RunJob;
  readonly tasks: readonly Task[];
  /** Known where an earlier session has computed a point. */
  readonly layout: Layout | undefined;
  /** Compute failed points again. */
  readonly retryFailed: boolean;
  /** The parameters of a point, for the record of one whose process died. */
  readonly parameters: (index: number) => Point;
}

/** How a user ends a run: `stop` lets the points in hand finish, `kill` ends every process at once. */
export interface Controls {
  readonly stop: AbortSignal;
  readonly kill: AbortSignal;
}

/** Where tasks are computed. Its only result is the run directory's files. */
export interface Engine {
  /**
   * Computes the tasks, or as many as it can until it is stopped.
   * @throws FanfoldError where the run can't go on, such as on a full disk
   */
  run(work: Work, controls: Controls): Promise<void>;
}
