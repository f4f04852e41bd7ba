import { readdirSync, readFileSync } from 'node:fs';
import { systemCode } from './errors.js';

// What Linux tells of processes under /proc.

/** A process as `/proc/PID/stat` has it. */
export interface ProcessStat {
  /** `Z` and `X`: it has ended, whatever its parent has yet to read of it. */
  readonly state: string;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** When it started, in clock ticks since its machine did. */
  readonly started: string;
  /** Pages of memory that it holds, shared ones counted in full. */
  readonly pages: number;
  /** Processor time of it, in seconds. */
  readonly seconds: number;
  /** That of those under it that have ended and that it has waited for. */
  readonly childrenSeconds: number;
}

/** The state of a process; undefined where there is no such process, no /proc, or it is closed to us. */
export function processStat(pid: number | 'self'): ProcessStat | undefined {
  const text = readProc(`/proc/${String(pid)}/stat`);
  if (text === '') return undefined;
  // The name before it may hold anything.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const number = (place: number): number => Number(fields[place]);
  return {
    state: fields[0] ?? '',
    parent: number(1),
    group: number(2),
    session: number(3),
    started: fields[19] ?? '',
    pages: number(21),
    seconds: (number(11) + number(12)) / TICKS_A_SECOND,
    childrenSeconds: (number(13) + number(14)) / TICKS_A_SECOND,
  };
}

/** The text of a file of the system's, as of a process: empty where that has ended or is closed to us, and where there is no /proc. */
export function readProc(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return '';
  }
}

/** The names of what lies in a folder of processes or threads that are numbered: none where it is gone, or there is no /proc. */
export function numbersIn(folder: string): number[] {
  try {
    return readdirSync(folder)
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return [];
  }
}

// --- internal ---

/** The kernel counts in hundredths of a second for every program, whatever its own clock is. */
const TICKS_A_SECOND = 100;
