import { readFileSync } from 'node:fs';
import { systemCode } from '../../errors.js';

/** What a process took. */
export interface Usage {
  /** The most memory that it, or it and all under it, was seen to hold. */
  readonly peakMemoryBytes?: number;
  readonly processorSeconds?: number;
}

/** The kernel counts in hundredths of a second for every program, whatever its own clock is. */
const TICKS_A_SECOND = 100;
/** Places in `/proc/PID/stat` after the name, which may hold anything, counted from the state. */
const [CUTIME, CSTIME] = [13, 14] as const;

let seen: number | undefined;

/**
 * Processor time of the children of this process that have ended since this was last asked; node does not tell it of each.
 * Undefined where the system does not either.
 */
export function endedChildrenSeconds(): number | undefined {
  const total = childrenSeconds();
  const since = total === undefined || seen === undefined ? undefined : total - seen;
  seen = total;
  return since;
}

// --- internal ---

function childrenSeconds(): number | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    const stat = readFileSync('/proc/self/stat', 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[CUTIME]) + Number(fields[CSTIME])) / TICKS_A_SECOND;
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return undefined;
  }
}
