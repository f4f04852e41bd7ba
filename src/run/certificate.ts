/** How often the system has killed a process for want of memory: on this machine, and in our cgroup. */
export interface OomKills {
  readonly machine?: number;
  readonly cgroup?: number;
}

/** Who or what is most likely to blame for a failed attempt. */
export type Verdict = 'your code' | 'memory' | 'timeout' | 'preempted' | 'node';

/** What is known of the end of an attempt at a point. What could not be known is left out. */
export interface Certificate {
  readonly verdict: Verdict;
  /** The verdict in a line for a person. */
  readonly words: string;
  /** Of the process that ended; both null where it lived on. */
  readonly exitStatus: number | null;
  readonly signal: string | null;
  /** The most memory that the process, or it and all under it, was seen to hold. */
  readonly peakMemoryBytes?: number;
  /** Processor time of the process since it began. */
  readonly processorSeconds?: number;
  /** The system's counters before the attempt and after it. */
  readonly oomKills?: { readonly before: OomKills; readonly after: OomKills };
  /** Until the run's time limit or the scheduler's, whichever is sooner. */
  readonly timeLeftSeconds?: number;
  /** Name of the machine. */
  readonly node: string;
  /** The end of the task's log. */
  readonly logEnd: string;
  /** The command that computes this point alone again. */
  readonly again: string;
}

/** What a process needs to know to write certificates of its own. */
export interface CertificateFacts {
  /** When the run's time limit or the scheduler's ends it, in milliseconds since 1970. */
  readonly endsAtMs?: number;
  /** The command that computes one point again, but for the point's index at its end. */
  readonly again: string;
}

/** As much of a log's end stands in a certificate, in bytes. */
export const LOG_END_BYTES = 1000;

export function timeLeft(endsAtMs: number | undefined): { timeLeftSeconds?: number } {
  return endsAtMs === undefined ? {} : { timeLeftSeconds: Math.round((endsAtMs - Date.now()) / 100) / 10 };
}

/** An amount of memory in words, such as `2.1 GiB`. */
export function formatBytes(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  const text = value >= 100 || power === 0 ? value.toFixed(0) : value.toFixed(2).replace(/\.?0+$/, '');
  return `${text} ${units[power] ?? ''}`;
}
