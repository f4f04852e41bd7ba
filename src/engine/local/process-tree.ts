import { marksOf } from '../../host-mark.js';
import { killGroup, killProcess } from '../../process-group.js';
import { listProcesses, type ProcessEntry } from './process-list.js';

/** A host and everything under it. */
export interface ProcessTree {
  /** Those of the listed processes that belong to it. What did once still does when its parent has ended. */
  readonly members: (list: readonly ProcessEntry[]) => ProcessEntry[];
  /** Ends them all. */
  readonly kill: () => void;
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
      knownMarksOf(entry).includes(mark);
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

function knownMarksOf({ pid, started }: ProcessEntry): readonly string[] {
  const seen = knownMarks.get(pid);
  if (seen?.started === started) return seen.marks;
  const marks = marksOf(pid);
  if (knownMarks.size >= MOST_KNOWN) knownMarks.clear();
  knownMarks.set(pid, { started, marks });
  return marks;
}
