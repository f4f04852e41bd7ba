import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { numbersIn, processStat, readProc } from '../src/proc.js';

/** A process of this machine that has not ended. */
export interface LivingProcess {
  readonly pid: number;
  readonly parent: number;
  readonly args: string;
}

/** The processes of this machine, without those that have ended and wait to be reaped. Slim systems lack ps and pgrep. */
export function livingProcesses(): LivingProcess[] {
  if (existsSync('/proc/self/stat')) return numbersIn('/proc').flatMap(livingIn);
  const { stdout } = spawnSync('ps', ['-axo', 'pid=,ppid=,stat=,args='], { encoding: 'utf8' });
  return stdout.split('\n').flatMap((row) => {
    const [pid, parent, state = 'Z', ...args] = row.trim().split(/\s+/);
    return state.startsWith('Z') ? [] : [{ pid: Number(pid), parent: Number(parent), args: args.join(' ') }];
  });
}

/** Those that a process has started. */
export function childrenOf(process: number | undefined): LivingProcess[] {
  return livingProcesses().filter(({ parent }) => parent === process);
}

// --- internal ---

function livingIn(pid: number): LivingProcess[] {
  const stat = processStat(pid);
  if (stat === undefined || 'ZX'.includes(stat.state)) return [];
  const args = readProc(`/proc/${String(pid)}/cmdline`)
    .replaceAll('\0', ' ')
    .trim();
  return [{ pid, parent: stat.parent, args }];
}
