import { readFileSync } from 'node:fs';
import { systemCode } from '../errors.js';

/** What a process took. */
export interface Usage {
  /** The most memory that it, or it and all under it, was seen to hold. */
  readonly peakMemoryBytes?: number;
  readonly processorSeconds?: number;
}

/** The kernel counts in hundredths of a second for every program, whatever its own clock is. */
const TICKS_A_SECOND = 100;
/** Places in `/proc/PID/stat` after the name, which may hold anything, counted from the state. */
const [UTIME, STIME, CUTIME, CSTIME] = [11, 12, 13, 14] as const;

let seen: number | undefined;

/**
 * Processor time of the children of this process that have ended since this was last asked; node does not tell it of each.
 * Undefined where the system does not either.
 */
export function endedChildrenSeconds(): number | undefined {
  const fields = statFields('self');
  const total = fields && secondsIn(fields, [CUTIME, CSTIME]);
  const since = total === undefined || seen === undefined ? undefined : total - seen;
  seen = total;
  return since;
}

/** Processor time of a living process and of those under it that have ended; undefined where the system doesn't tell. */
export function livingSeconds(pid: number): number | undefined {
  const fields = statFields(String(pid));
  return fields && secondsIn(fields);
}

/** The same, from the fields of its `/proc/PID/stat` after the name. */
export function secondsIn(
  fields: readonly string[],
  places: readonly number[] = [UTIME, STIME, CUTIME, CSTIME],
): number {
  return places.reduce((sum, place) => sum + Number(fields[place]), 0) / TICKS_A_SECOND;
}

/** A usage of what is known of it. */
export function usageOf(peakMemoryBytes: number | undefined, processorSeconds: number | undefined): Usage {
  return {
    ...(peakMemoryBytes === undefined ? {} : { peakMemoryBytes }),
    ...(processorSeconds === undefined ? {} : { processorSeconds: Math.round(processorSeconds * 1e6) / 1e6 }),
  };
}

// --- internal ---

function statFields(pid: string): string[] | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return undefined;
  }
}
