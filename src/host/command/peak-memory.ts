import { numbersIn, readProc } from '../../proc.js';

/** Looks at the memory of a process and all under it while it lives: the system forgets it with the process. */
export interface PeakMemory {
  /** The most that was seen, in bytes; undefined where nothing was: of a process that ended in a moment, say. */
  readonly bytes: () => number | undefined;
  readonly close: () => void;
}

/** Often at first, so that something is known of a short one too. */
const FIRST_MS = 5;
const LONGEST_MS = 512;

/**
 * @param pid of the process
 * @param options.isItself false where only what is under it counts
 */
export function watchPeakMemory(pid: number, { isItself }: { readonly isItself: boolean }): PeakMemory {
  let peak: number | undefined;
  let timer: NodeJS.Timeout | undefined;
  const plan = (ms: number): void => {
    timer = setTimeout(() => {
      const members = isItself ? treeOf(pid) : childrenOf(pid).flatMap(treeOf);
      const held = members.map(memoryOf);
      // What one of them ever held, and what they hold together now.
      const all = [...held.map(({ most }) => most), held.reduce((sum, { now }) => sum + now, 0)];
      const bytes = Math.max(...all);
      if (bytes > 0) peak = Math.max(peak ?? 0, bytes);
      plan(Math.min(LONGEST_MS, 2 * ms));
    }, ms).unref();
  };
  // Elsewhere the question would cost more than most commands do.
  if (process.platform === 'linux') plan(FIRST_MS);
  return {
    bytes: () => peak,
    close: () => {
      clearTimeout(timer);
    },
  };
}

// --- internal ---

function treeOf(pid: number): number[] {
  return [pid, ...childrenOf(pid).flatMap(treeOf)];
}

function childrenOf(pid: number): number[] {
  const folder = `/proc/${String(pid)}/task`;
  return numbersIn(folder)
    .flatMap((thread) => readProc(`${folder}/${String(thread)}/children`).split(' '))
    .filter((word) => word !== '')
    .map(Number);
}

function memoryOf(pid: number): { readonly now: number; readonly most: number } {
  const status = readProc(`/proc/${String(pid)}/status`);
  const bytes = (name: string): number =>
    1024 * Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0);
  return { now: bytes('VmRSS'), most: bytes('VmHWM') };
}
