import { constants } from 'node:os';

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
  if (!(error instanceof Error)) return String(error);
  const name = unnamedCode(error);
  return name === undefined ? error.message : error.message.replace(UNNAMED, `${name}${WORDS[name] ?? ''}`);
}

/** The system's error code (`ENOENT`, …) of a failed call, or undefined for anything else. */
export function systemCode(error: unknown): string | undefined {
  // Not `instanceof Error`: errors of node's own modules are of another realm inside a test runner's context.
  const hasCode = typeof error === 'object' && error !== null && 'code' in error;
  if (!hasCode || typeof error.code !== 'string') return undefined;
  return unnamedCode(error) ?? error.code;
}

/** What helps against an error of the system, found in its message by its code. */
export function remedyFor(message: string): string {
  const code = /\bE[A-Z]+\b/.exec(message)?.[0] ?? '';
  return REMEDIES.find(([codes]) => codes.includes(code))?.[1] ?? 'Mend that';
}

const REMEDIES: readonly (readonly [codes: readonly string[], remedy: string])[] = [
  [['ENOSPC'], 'Make room there (bytes or inodes)'],
  [['EDQUOT'], 'Make room there, or ask for a larger quota'],
  [['EFBIG'], 'Raise the limit of file sizes (ulimit -f)'],
  [['EROFS', 'EACCES', 'EPERM'], 'Make it writable'],
  [['ENOENT', 'ESTALE'], 'See whether it was removed or renamed'],
];

/** What node calls an error for which it has no name: that of a used-up quota, say, which few file systems give. */
const UNNAMED = /Unknown system error -\d+(?:: Unknown system error -\d+)?|UNKNOWN: unknown error/;
const WORDS: Readonly<Record<string, string>> = {
  EDQUOT: ': disk quota exceeded',
  ESTALE: ': stale file handle',
};

/** The system's name of such an error. */
function unnamedCode(error: object): string | undefined {
  const { code, errno } = error as { readonly code?: unknown; readonly errno?: unknown };
  if (typeof errno !== 'number' || typeof code !== 'string' || !/^(?:Unknown|UNKNOWN)/.test(code))
    return undefined;
  return Object.entries(constants.errno).find(([, number]) => number === -errno)?.[0];
}
