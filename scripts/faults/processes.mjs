import { readdirSync, readFileSync } from 'node:fs';

const MARKER = 'FANFOLD_FAULTS';

/** What makes every process below a command known, wherever it goes. */
export function markerOf(id) {
  return { [MARKER]: id };
}

/**
 * All living processes that were started with a marker in their environment, wherever they are now.
 * @returns each with its `pid`, its parent's, its state as /proc has it, and its role: coordinator, reaper, worker, server
 *   (the fork server of Python's hosts) or other
 */
export function processesOf(id) {
  const wanted = `${MARKER}=${id}\0`;
  const found = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    if (!readProc(name, 'environ').includes(wanted)) continue;
    const stat = readProc(name, 'stat');
    const [state, ppid] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A zombie has ended, whatever its parent has yet to read of it.
    if (state === undefined || 'ZX'.includes(state)) continue;
    found.push({ pid: Number(name), ppid: Number(ppid), state, words: readProc(name, 'cmdline') });
  }
  return found.map((one) => ({ ...one, role: roleOf(one, found) }));
}

/** Sends a signal; false where the process has ended. */
export function signal(pid, name) {
  try {
    process.kill(pid, name);
    return true;
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
    return false;
  }
}

/** Ends all that is left, also what is stopped. */
export function killAll(id) {
  for (let round = 0; round < 50; round++) {
    const left = processesOf(id);
    if (left.length === 0) return;
    for (const { pid } of left) signal(pid, 'SIGKILL');
  }
}

// --- internal ---

function readProc(pid, name) {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'latin1');
  } catch {
    // It has just ended, or is another user's.
    return '';
  }
}

function roleOf({ words, pid }, all) {
  if (words.includes('cli.cjs')) return 'coordinator';
  if (words.includes("trap '' HUP INT TERM")) return 'reaper';
  if (words.includes('host.cjs')) return 'worker';
  if (!words.includes('fanfold_host')) return 'other';
  return all.some((child) => child.ppid === pid && child.words.includes('fanfold_host'))
    ? 'server'
    : 'worker';
}
