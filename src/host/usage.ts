import { processStat } from '../proc.js';

/** What a process took. */
export interface Usage {
  /** The most memory that it, or it and all under it, was seen to hold. */
  readonly peakMemoryBytes?: number;
  readonly processorSeconds?: number;
}

let seen: number | undefined;

/**
 * Processor time of the children of this process that have ended since this was last asked; node does not tell it of each.
 * Undefined where the system does not either.
 */
export function endedChildrenSeconds(): number | undefined {
  const total = processStat('self')?.childrenSeconds;
  const since = total === undefined || seen === undefined ? undefined : total - seen;
  seen = total;
  return since;
}

/** Processor time of a living process and of those under it that have ended; undefined where the system doesn't tell. */
export function livingSeconds(pid: number): number | undefined {
  const stat = processStat(pid);
  return stat && stat.seconds + stat.childrenSeconds;
}

/** A usage of what is known of it. */
export function usageOf(peakMemoryBytes: number | undefined, processorSeconds: number | undefined): Usage {
  return {
    ...(peakMemoryBytes === undefined ? {} : { peakMemoryBytes }),
    ...(processorSeconds === undefined ? {} : { processorSeconds: Math.round(processorSeconds * 1e6) / 1e6 }),
  };
}
