import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { systemCode } from '../../errors.js';

/** What a scheduler grants this job, in its own variable: Slurm, Grid Engine, PBS, LSF. */
const GRANTS = ['SLURM_CPUS_PER_TASK', 'NSLOTS', 'NCPUS', 'LSB_DJOB_NUMPROC'];

/**
 * The processors that this process may really use: the least of its affinity mask, its cgroups' quotas and what a
 * scheduler grants it; at least 1.
 */
export function usableProcessors(env: NodeJS.ProcessEnv = process.env): number {
  const grants = GRANTS.map((name) => Number(env[name])).filter(
    (count) => Number.isInteger(count) && count > 0,
  );
  return Math.max(1, Math.min(availableParallelism(), Math.floor(cgroupProcessors('/')), ...grants));
}

/**
 * The processor quota of this process's cgroup and of every one above it, version 2 (`cpu.max`) or 1 (`cpu.cfs_*`).
 * @param root where `/proc` and `/sys` lie, for tests
 * @returns Infinity where there is no quota
 */
export function cgroupProcessors(root: string): number {
  const groups = read(join(root, 'proc/self/cgroup')) ?? '';
  const quotas = groups.split('\n').flatMap((line) => {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (path === undefined) return [];
    if (controllers === '') return quotasUpwards(join(root, 'sys/fs/cgroup'), path, quotaV2);
    if (controllers?.split(',').includes('cpu') !== true) return [];
    return ['cpu,cpuacct', 'cpu'].flatMap((name) =>
      quotasUpwards(join(root, 'sys/fs/cgroup', name), path, quotaV1),
    );
  });
  return Math.min(Infinity, ...quotas);
}

// --- internal ---

/** A container sees its own cgroup as the mount itself, so the mount's root is looked at too. */
function quotasUpwards(mount: string, path: string, quota: (folder: string) => number | undefined): number[] {
  const found: (number | undefined)[] = [];
  for (let group = path; ; group = dirname(group)) {
    found.push(quota(join(mount, group)));
    if (group === '/' || group === '.') break;
  }
  return found.filter((count) => count !== undefined);
}

function quotaV2(folder: string): number | undefined {
  const [quota, period] = (read(join(folder, 'cpu.max')) ?? '').trim().split(' ').map(Number);
  return ratio(quota, period);
}

function quotaV1(folder: string): number | undefined {
  const quota = Number(read(join(folder, 'cpu.cfs_quota_us')));
  return ratio(quota, Number(read(join(folder, 'cpu.cfs_period_us'))));
}

function ratio(quota: number | undefined, period: number | undefined): number | undefined {
  return quota !== undefined && period !== undefined && quota > 0 && period > 0 ? quota / period : undefined;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (['ENOENT', 'EACCES', 'ENOTDIR'].includes(systemCode(error) ?? '')) return undefined;
    throw error;
  }
}
