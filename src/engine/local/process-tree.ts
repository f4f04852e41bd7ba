import { systemCode } from '../../errors.js';
import { killGroup } from '../../process-group.js';
import { environmentOf, listProcesses, type ProcessEntry } from './process-list.js';

/**
 * The variable by which everything under a host can be told, also what left its group, its session and its parents. It holds
 * a mark for each host above it, for a worker may run another sweep.
 */
export const MARK = 'FANFOLD_HOST_ID';

/** A host and everything under it. */
export interface ProcessTree {
  /** Those of the listed processes that belong to it. What did once still does when its parent has ended. */
  readonly members: (list: readonly ProcessEntry[]) => ProcessEntry[];
  /** Ends them all. */
  readonly kill: () => void;
}

/** The environment with a mark more. */
export function withMark(env: NodeJS.ProcessEnv, mark: string): NodeJS.ProcessEnv {
  const outer = env[MARK];
  return { ...env, [MARK]: outer === undefined ? mark : `${outer} ${mark}` };
}

/**
 * @param pid of the host, which leads a process group
 * @param mark that the host passes on
 */
export function processTree(pid: number, mark: string): ProcessTree {
  // The start time of each process that was seen to belong to it, by number.
  const known = new Map<number, string>();
  const members = (list: readonly ProcessEntry[]): ProcessEntry[] => {
    const ours = new Set<number>();
    const isOurs = (entry: ProcessEntry): boolean =>
      entry.pid === pid ||
      entry.group === pid ||
      entry.session === pid ||
      ours.has(entry.parent) ||
      (entry.started !== '' && known.get(entry.pid) === entry.started) ||
      marksOf(entry).includes(mark);
    // A child may be listed before its parent.
    for (let size = -1; size < ours.size;) {
      size = ours.size;
      for (const entry of list) if (!ours.has(entry.pid) && isOurs(entry)) ours.add(entry.pid);
    }
    const found = list.filter((entry) => ours.has(entry.pid));
    known.clear();
    for (const entry of found) known.set(entry.pid, entry.started);
    return found;
  };
  return {
    members,
    kill: () => {
      const killed = new Set<number>();
      // A process that has become another program since may have another environment.
      knownMarks.clear();
      // What they have started meanwhile is found in the next round.
      for (let round = 0; round < MOST_ROUNDS; round++) {
        const found = members(listProcesses() ?? []).filter((entry) => !killed.has(entry.pid));
        if (round === 0) killGroup(pid);
        if (found.length === 0) return;
        for (const entry of found) {
          killed.add(entry.pid);
          killProcess(entry.pid);
        }
      }
    },
  };
}

// --- internal ---

const MOST_ROUNDS = 20;

/** The marks of every process that was asked for; to read an environment takes as long as to list several processes. */
const knownMarks = new Map<number, { readonly started: string; readonly marks: readonly string[] }>();
const MOST_KNOWN = 10_000;

function marksOf({ pid, started }: ProcessEntry): readonly string[] {
  const seen = knownMarks.get(pid);
  if (seen?.started === started) return seen.marks;
  const variable = environmentOf(pid)
    .split('\0')
    .find((text) => text.startsWith(`${MARK}=`));
  const marks = variable?.slice(MARK.length + 1).split(' ') ?? [];
  if (knownMarks.size >= MOST_KNOWN) knownMarks.clear();
  knownMarks.set(pid, { started, marks });
  return marks;
}

function killProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    // It has ended, or has become another user's.
    if (systemCode(error) !== 'ESRCH' && systemCode(error) !== 'EPERM') throw error;
  }
}
