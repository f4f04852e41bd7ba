import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { basename } from 'node:path';

const INTERVAL_MS = 20;

/** Why peak memory can't be measured here; undefined where it can. */
export function whyNoMemory() {
  if (process.platform !== 'linux') return `not measured on ${process.platform}: there is no /proc`;
  if (existsSync(`/proc/self/task/${process.pid}/children`)) return undefined;
  return "not measured: this kernel doesn't list the children of a process in /proc";
}

/**
 * Follows a process and all its descendants, by their parents rather than their groups, and reads each one's peak
 * resident memory (VmHWM) every 20 ms; so what a process gains in its last 20 ms is not seen.
 * @returns `stop`, which gives `{ name, isRoot, peakBytes }` of each process, or undefined where /proc has no such thing
 */
export function watchMemory(rootPid) {
  if (whyNoMemory() !== undefined) return { stop: () => undefined };
  const found = new Map();
  const living = new Set([rootPid]);
  const sample = () => {
    // A Set that grows while it is walked also yields what is new, so this reaches every generation.
    for (const pid of living) {
      const process = readProcess(pid);
      if (process === undefined) living.delete(pid);
      else for (const child of process.children) living.add(child);
      // The last value and not the greatest: between fork and exec a child still shows its parent's.
      if (process?.peakBytes !== undefined) found.set(pid, { ...process, isRoot: pid === rootPid });
    }
  };
  sample();
  const timer = setInterval(sample, INTERVAL_MS);
  const stop = () => {
    clearInterval(timer);
    return [...found.values()].map(({ name, isRoot, peakBytes }) => ({ name, isRoot, peakBytes }));
  };
  return { stop };
}

// --- internal ---

function readProcess(pid) {
  const status = read(`/proc/${pid}/status`);
  if (status === undefined) return undefined;
  // A process that has ended but was not waited for has no memory left to show.
  const [, kibibytes] = /^VmHWM:\s+(\d+) kB$/m.exec(status) ?? [];
  return {
    name: nameOf(read(`/proc/${pid}/cmdline`) ?? ''),
    peakBytes: kibibytes === undefined ? undefined : Number(kibibytes) * 1024,
    children: childrenOf(pid),
  };
}

function childrenOf(pid) {
  let threads;
  try {
    threads = readdirSync(`/proc/${pid}/task`);
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
  const lists = threads.map((thread) => read(`/proc/${pid}/task/${thread}/children`) ?? '');
  return lists.join(' ').split(' ').filter(Boolean).map(Number);
}

/** The script that an interpreter runs, or else the program. */
function nameOf(commandLine) {
  const words = commandLine.split('\0');
  return basename(words.find((word) => /^[^\n]*\.(js|mjs|py)$/.test(word)) ?? (words[0] || '?'));
}

function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

/** A process may end between any two looks at it. */
function isGone(error) {
  return ['ENOENT', 'ESRCH'].includes(error.code);
}
