import { performance } from 'node:perf_hooks';
import { usageOf, type Usage } from '../../host/usage.js';
import type { HostProcess } from './host-process.js';
import { listProcesses, proportionalBytes, type ProcessEntry } from './process-list.js';

/** Looks at the memory of hosts and of everything under them. */
export interface MemoryWatch {
  add(host: HostProcess): void;
  remove(host: HostProcess): void;
  /** Looks now, at a moment before an end say. */
  look(): void;
  /** What a host and all under it were seen to hold, at most, and to take; nothing where it was never looked at. */
  readonly seenOf: (host: HostProcess) => Usage;
  /** What a host and all under it held when that was too much. */
  readonly excessOf: (host: HostProcess) => number | undefined;
  readonly close: () => void;
}

/** Where nothing is limited, it is only for the certificates. */
const SELDOM_MS = 1000;
const [SHORTEST_MS, LONGEST_MS] = [20, 50];
/** A look may take a part of a processor's time at most: on a machine with thousands of processes it takes long. */
const SHARE = 20;

interface Watched {
  peak: number | undefined;
  seconds: number | undefined;
  excess: number | undefined;
  last: { readonly ms: number; readonly bytes: number } | undefined;
}

/**
 * Kills hosts, and everything under them, that hold more memory than they may. The faster their memory grows the more often it
 * is looked at.
 * @param limitBytes undefined where there is no limit
 */
export function watchMemory(limitBytes: number | undefined): MemoryWatch {
  const watched = new Map<HostProcess, Watched>();
  const past = new WeakMap<HostProcess, Watched>();
  let timer: NodeJS.Timeout | undefined;
  const look = (): void => {
    clearTimeout(timer);
    timer = undefined;
    const began = performance.now();
    const before = process.cpuUsage();
    const list = listProcesses() ?? [];
    let soonest = limitBytes === undefined ? SELDOM_MS : LONGEST_MS;
    for (const [host, state] of watched) {
      const members = host.tree?.members(list) ?? [];
      if (members.length === 0) continue;
      const bytes = heldBytes(members, limitBytes, () => host.tree?.members(listProcesses() ?? []) ?? []);
      state.peak = Math.max(state.peak ?? 0, bytes);
      state.seconds = members.reduce((sum, { seconds }) => sum + seconds, 0);
      if (limitBytes === undefined) continue;
      if (bytes > limitBytes && state.excess === undefined) {
        state.excess = bytes;
        host.kill();
      }
      soonest = Math.min(soonest, untilFull(state.last, { ms: began, bytes }, limitBytes) / 2);
      state.last = { ms: began, bytes };
    }
    // Not the time on the clock, which is long where others compute.
    const { user, system } = process.cpuUsage(before);
    const tookMs = (user + system) / 1000;
    if (watched.size > 0) plan(Math.max(SHORTEST_MS, soonest, SHARE * tookMs));
  };
  const plan = (ms: number): void => {
    timer ??= setTimeout(look, ms).unref();
  };
  return {
    add: (host) => {
      watched.set(host, { peak: undefined, seconds: undefined, excess: undefined, last: undefined });
      plan(limitBytes === undefined ? SELDOM_MS : SHORTEST_MS);
    },
    remove: (host) => {
      const state = watched.get(host);
      if (state !== undefined) past.set(host, state);
      watched.delete(host);
    },
    look,
    seenOf: (host) => {
      const { peak, seconds } = watched.get(host) ?? past.get(host) ?? {};
      return usageOf(peak, seconds);
    },
    excessOf: (host) => (watched.get(host) ?? past.get(host))?.excess,
    close: () => {
      clearTimeout(timer);
      watched.clear();
    },
  };
}

// --- internal ---

/** So often the exact number is asked for again while processes end. */
const MOST_LOOKS = 5;

/**
 * Only where pages that forks share may make the difference is the exact number asked for, for that takes longer. What one of
 * them shared is counted with the others once it has ended, and so twice by who looks meanwhile: then it is looked at again.
 * @param again gives the members as they are now
 */
function heldBytes(
  members: readonly ProcessEntry[],
  limitBytes: number | undefined,
  again: () => readonly ProcessEntry[],
): number {
  let now = members;
  for (let looks = 1; ; looks++) {
    const most = now.reduce((sum, { bytes }) => sum + bytes, 0);
    if (limitBytes === undefined || most <= limitBytes) return most;
    const exact = now.reduce((sum, { pid, bytes }) => sum + (proportionalBytes(pid) ?? bytes), 0);
    if (exact <= limitBytes || looks === MOST_LOOKS) return exact;
    const before = now;
    now = again();
    const living = new Set(now.flatMap(({ pid, bytes }) => (bytes > 0 ? [pid] : [])));
    if (before.every(({ pid, bytes }) => bytes === 0 || living.has(pid))) return exact;
  }
}

/** How long it takes until the limit is reached, at the pace of the last two looks. */
function untilFull(last: Watched['last'], now: NonNullable<Watched['last']>, limitBytes: number): number {
  if (last === undefined || now.bytes <= last.bytes) return Infinity;
  return ((limitBytes - now.bytes) * (now.ms - last.ms)) / (now.bytes - last.bytes);
}
