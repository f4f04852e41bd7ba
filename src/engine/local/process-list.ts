import { spawnSync } from 'node:child_process';
import { numbersIn, processStat, readProc } from '../../proc.js';

/** A process of this machine, as it was a moment ago. */
export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  /** 0 where the system doesn't say. */
  readonly session: number;
  /** When it started, in the system's own words; tells it from a later one with its number. Empty where it doesn't say. */
  readonly started: string;
  /** Memory that it holds, shared pages counted in full. */
  readonly bytes: number;
  /** Processor time of it, and, where the system says, of those under it that have ended. */
  readonly seconds: number;
}

/** The living processes of this machine; undefined where there is no way to list them. */
export function listProcesses(): ProcessEntry[] | undefined {
  switch (process.platform) {
    case 'linux':
      return listFromProc();
    case 'win32':
      return undefined;
    default:
      return parsePs(spawnSync('ps', ['-axo', PS_COLUMNS], { encoding: 'utf8' }).stdout);
  }
}

/**
 * Memory of a process in which pages that several share are counted by shares; undefined where the system doesn't say. It
 * takes a millisecond for every few hundred megabytes.
 */
export function proportionalBytes(pid: number): number | undefined {
  const [, kilobytes] = /^Pss:\s+(\d+) kB$/m.exec(readProc(`/proc/${String(pid)}/smaps_rollup`)) ?? [];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}

/** What `ps` prints with the columns that it is asked for; exported for a test. */
export function parsePs(text: string | null): ProcessEntry[] | undefined {
  const rows = (text ?? '').trim().split('\n');
  const entries = rows.flatMap((row) => {
    const [pid = '', parent, group, kilobytes, state = '', time = ''] = row.trim().split(/\s+/);
    if (!/^\d+$/.test(pid) || state.startsWith('Z')) return [];
    return [
      {
        pid: Number(pid),
        parent: Number(parent),
        group: Number(group),
        session: 0,
        started: '',
        bytes: Number(kilobytes) * 1024,
        seconds: readClock(time),
      },
    ];
  });
  return entries.length === 0 ? undefined : entries;
}

export const PS_COLUMNS = 'pid=,ppid=,pgid=,rss=,state=,time=';

// --- internal ---

/** A time as `ps` prints it: `0:01.50` on macOS, `1-02:03:04` elsewhere. */
function readClock(text: string): number {
  const [clock = '', days = '0'] = text.split('-').reverse();
  return clock.split(':').reduce((sum, part) => 60 * sum + Number(part), 0) + 86_400 * Number(days);
}

/** The parent of all threads of the kernel, which are most of what is listed on a quiet machine. */
const KERNEL = 2;
const LISTS_TO_RENEW = 100;
const kernelThreads = new Set<number>();
let listed = 0;

function listFromProc(): ProcessEntry[] | undefined {
  const size = pageSize();
  if (size === undefined) return undefined;
  // Their numbers may be others' one day.
  if (listed++ % LISTS_TO_RENEW === 0) kernelThreads.clear();
  return numbersIn('/proc').flatMap((pid) => {
    if (kernelThreads.has(pid)) return [];
    const stat = processStat(pid);
    if (stat?.parent === KERNEL && stat.pages === 0) kernelThreads.add(pid);
    if (stat === undefined || 'ZX'.includes(stat.state)) return [];
    const { parent, group, session, started, pages, seconds, childrenSeconds } = stat;
    return [
      {
        pid,
        parent,
        group,
        session,
        started,
        bytes: pages * size,
        seconds: seconds + childrenSeconds,
      },
    ];
  });
}

let knownSize: number | undefined;

/** Node doesn't tell it, but it tells the same memory in bytes that the system counts in pages. */
function pageSize(): number | undefined {
  const pages = processStat('self')?.pages ?? 0;
  if (knownSize === undefined && pages > 0)
    knownSize = 2 ** Math.round(Math.log2(process.memoryUsage.rss() / pages));
  return knownSize;
}
