/** The kinds of error that a user can meet; each has its own name so that scripts can tell them apart. */
export type ErrorCode =
  | 'FANFOLD_USAGE'
  | 'FANFOLD_SPACE'
  | 'FANFOLD_POINTS_FILE'
  | 'FANFOLD_WORKER'
  | 'FANFOLD_SCHEMA'
  | 'FANFOLD_PYTHON'
  | 'FANFOLD_OUT'
  | 'FANFOLD_OTHER_SPEC'
  | 'FANFOLD_CHANGED_WORKER'
  | 'FANFOLD_MANIFEST'
  | 'FANFOLD_LOCKED'
  | 'FANFOLD_INCOMPLETE'
  | 'FANFOLD_DAMAGED'
  | 'FANFOLD_COLUMNS'
  | 'FANFOLD_STOPPED'
  | 'FANFOLD_HOST'
  | 'FANFOLD_IO'
  | 'FANFOLD_RAISED'
  | 'FANFOLD_CRASHED'
  | 'FANFOLD_SLURM';

/**
 * An error that the user can mend: its message says what was expected, what came and what to do, and it is shown
 * without a stack. Any other error is a defect of fanfold and is shown with one.
 */
export class FanfoldError extends Error {
  override readonly name: string = 'FanfoldError';
  readonly code: ErrorCode;
  /** What the command exits with: 2 for bad input, 1 where a run went wrong, 75 where its time was over. */
  readonly exitCode: 1 | 2 | 75;

  constructor(code: ErrorCode, message: string, options: { exitCode?: 1 | 2 | 75; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.exitCode = options.exitCode ?? 2;
  }
}

/** The error of options or arguments that can't be meant so. */
export function usage(message: string): FanfoldError {
  return new FanfoldError('FANFOLD_USAGE', message);
}

/** The words of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The system's error code (`ENOENT`, …) of a failed call, or undefined for anything else. */
export function systemCode(error: unknown): string | undefined {
  // Not `instanceof Error`: errors of node's own modules are of another realm inside a test runner's context.
  const hasCode = typeof error === 'object' && error !== null && 'code' in error;
  return hasCode && typeof error.code === 'string' ? error.code : undefined;
}

/** What helps against an error of the system, found in its message by its code. */
export function remedyFor(message: string): string {
  const code = /\bE[A-Z]+\b/.exec(message)?.[0] ?? '';
  return REMEDIES.find(([codes]) => codes.includes(code))?.[1] ?? 'Mend that';
}

const REMEDIES: readonly (readonly [codes: readonly string[], remedy: string])[] = [
  [['ENOSPC', 'EDQUOT'], 'Make room there (bytes or inodes)'],
  [['EFBIG'], 'Raise the limit of file sizes (ulimit -f)'],
  [['EROFS', 'EACCES', 'EPERM'], 'Make it writable'],
  [['ENOENT', 'ESTALE'], 'See whether it was removed or renamed'],
];
