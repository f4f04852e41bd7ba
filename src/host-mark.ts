import { killProcess } from './process-group.js';
import { numbersIn, readProc } from './proc.js';

/**
 * The variable by which everything under a host can be told, also what left its group, its session and its parents. It holds
 * a mark for each host above it, for a worker may run another sweep.
 */
const MARK = 'FANFOLD_HOST_ID';

/** The environment with a mark more. */
export function withMark(env: NodeJS.ProcessEnv, mark: string): NodeJS.ProcessEnv {
  const outer = env[MARK];
  return { ...env, [MARK]: outer === undefined ? mark : `${outer} ${mark}` };
}

/** The marks that a process was started with; none where the system keeps them to itself. */
export function marksOf(pid: number): readonly string[] {
  const variable = readProc(`/proc/${String(pid)}/environ`)
    .split('\0')
    .find((text) => text.startsWith(`${MARK}=`));
  return variable?.slice(MARK.length + 1).split(' ') ?? [];
}

/** Ends every process that bears one of some marks, unless this one does too; only on Linux can they be found. */
export function killMarked(given: Iterable<string>): void {
  if (process.platform !== 'linux') return;
  const marks = new Set(given);
  for (const own of marksOf(process.pid)) marks.delete(own);
  if (marks.size === 0) return;
  // What they have started meanwhile is found in the next round.
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const found = numbersIn('/proc').filter((pid) => marksOf(pid).some((mark) => marks.has(mark)));
    if (found.length === 0) return;
    found.forEach(killProcess);
  }
}

// --- internal ---

const MOST_ROUNDS = 20;
