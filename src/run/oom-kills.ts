import { join } from 'node:path';
import { readProc } from '../proc.js';
import type { OomKills } from './certificate.js';

/**
 * The system's counters of processes that it has killed for want of memory; none where there are no such counters.
 * @param root where `/proc` and `/sys` lie, for tests
 */
export function readOomKills(root = '/'): OomKills {
  const machine = counter(join(root, 'proc/vmstat'));
  const cgroup = counters(root)
    .map(counter)
    .find((count) => count !== undefined);
  return { ...(machine === undefined ? {} : { machine }), ...(cgroup === undefined ? {} : { cgroup }) };
}

/** The same, at most so many milliseconds old: for places that are passed often. */
export function recentOomKills(maxAgeMs: number): OomKills {
  const now = Date.now();
  if (recent === undefined || now < recent.time || now - recent.time > maxAgeMs)
    recent = { time: now, kills: readOomKills() };
  return recent.kills;
}

// --- internal ---

let recent: { time: number; kills: OomKills } | undefined;

let known: { root: string; paths: readonly string[] } | undefined;

/** Where our cgroup's counter may lie. A container sees its own cgroup as the mount itself. */
function counters(root: string): readonly string[] {
  if (known?.root === root) return known.paths;
  const groups = readProc(join(root, 'proc/self/cgroup')).split('\n');
  const paths = groups.flatMap((line) => {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (path === undefined) return [];
    if (controllers === '')
      return [path, '/'].map((group) => join(root, 'sys/fs/cgroup', group, 'memory.events'));
    if (controllers?.split(',').includes('memory') !== true) return [];
    return [path, '/'].map((group) => join(root, 'sys/fs/cgroup/memory', group, 'memory.oom_control'));
  });
  known = { root, paths };
  return paths;
}

function counter(path: string): number | undefined {
  const [, count] = /^oom_kill (\d+)$/m.exec(readProc(path)) ?? [];
  return count === undefined ? undefined : Number(count);
}
