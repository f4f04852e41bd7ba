import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { cgroupProcessors, usableProcessors } from '../../src/engine/local/processors.js';
import { testFolder } from '../run/folder.js';

const folder = testFolder();

/** A root folder with the given files. */
function fakeRoot(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(folder, 'root-'));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

describe('cgroup version 2', () => {
  const processors = (group: string, files: Readonly<Record<string, string>>): number =>
    cgroupProcessors(
      fakeRoot({
        'proc/self/cgroup': `0::${group}\n`,
        ...Object.fromEntries(Object.entries(files).map(([path, text]) => [`sys/fs/cgroup${path}`, text])),
      }),
    );

  test.each<[string, string, Record<string, string>, number]>([
    ['a quota of its own', '/job', { '/job/cpu.max': '250000 100000\n' }, 2.5],
    ['less than one processor', '/job', { '/job/cpu.max': '50000 100000\n' }, 0.5],
    ['another period', '/job', { '/job/cpu.max': '100000 25000\n' }, 4],
    ['max, which is none', '/job', { '/job/cpu.max': 'max 100000\n' }, Infinity],
    ['no file', '/job', {}, Infinity],
    ['an empty file', '/job', { '/job/cpu.max': '' }, Infinity],
    [
      'the least of nested groups, the outer',
      '/a/b/c',
      {
        '/a/cpu.max': '100000 100000\n',
        '/a/b/cpu.max': '300000 100000\n',
        '/a/b/c/cpu.max': 'max 100000\n',
      },
      1,
    ],
    [
      'the least of nested groups, the inner',
      '/a/b',
      { '/a/cpu.max': '800000 100000\n', '/a/b/cpu.max': '200000 100000\n' },
      2,
    ],
    ['the quota of the mount, as a container sees it', '/', { '/cpu.max': '150000 100000\n' }, 1.5],
    [
      'the quota of the mount, where the path is the one outside of the container',
      '/docker/abc',
      { '/cpu.max': '150000 100000\n' },
      1.5,
    ],
    ['a path out of the namespace', '/../../x', { '/cpu.max': '150000 100000\n' }, 1.5],
    ['a group with a colon in its name', '/a:b', { '/a:b/cpu.max': '300000 100000\n' }, 3],
  ])('%s', (_, group, files, expected) => {
    expect(processors(group, files)).toBe(expected);
  });
});

describe('cgroup version 1', () => {
  const quota = (group: string, quotaUs: string, periodUs: string): Record<string, string> => ({
    [`sys/fs/cgroup/${group}/cpu.cfs_quota_us`]: quotaUs,
    [`sys/fs/cgroup/${group}/cpu.cfs_period_us`]: periodUs,
  });

  test.each<[string, string, Record<string, string>, number]>([
    ['a quota', '4:cpu,cpuacct:/job\n', quota('cpu,cpuacct/job', '300000\n', '100000\n'), 3],
    ['a quota of a mount named cpu', '4:cpu:/job\n', quota('cpu/job', '300000\n', '100000\n'), 3],
    ['-1, which is none', '4:cpu,cpuacct:/job\n', quota('cpu,cpuacct/job', '-1\n', '100000\n'), Infinity],
    ['no period', '4:cpu:/job\n', { 'sys/fs/cgroup/cpu/job/cpu.cfs_quota_us': '1000\n' }, Infinity],
    [
      'the least of nested groups',
      '4:cpuacct,cpu:/a/b\n',
      {
        ...quota('cpu,cpuacct/a', '150000\n', '100000\n'),
        ...quota('cpu,cpuacct/a/b', '400000\n', '100000\n'),
      },
      1.5,
    ],
    [
      'the quota of the mount, as a container sees it',
      '4:cpu,cpuacct:/docker/abc\n',
      quota('cpu,cpuacct', '200000\n', '100000\n'),
      2,
    ],
    [
      'not the quota of another controller',
      '4:cpuset:/job\n5:memory:/job\n',
      quota('cpu,cpuacct/job', '200000\n', '100000\n'),
      Infinity,
    ],
    [
      'the right line among many',
      '12:pids:/x\n4:cpu,cpuacct:/job\n1:name=systemd:/y\n0::/z\n',
      quota('cpu,cpuacct/job', '200000\n', '100000\n'),
      2,
    ],
  ])('%s', (_, groups, files, expected) => {
    expect(cgroupProcessors(fakeRoot({ 'proc/self/cgroup': groups, ...files }))).toBe(expected);
  });
});

test('a mix of both versions takes the least', () => {
  const root = fakeRoot({
    'proc/self/cgroup': '4:cpu:/a\n0::/b\n',
    'sys/fs/cgroup/cpu/a/cpu.cfs_quota_us': '400000',
    'sys/fs/cgroup/cpu/a/cpu.cfs_period_us': '100000',
    'sys/fs/cgroup/b/cpu.max': '200000 100000',
  });
  expect(cgroupProcessors(root)).toBe(2);
});

test('a system without cgroups has no quota', () => {
  expect(cgroupProcessors(fakeRoot({}))).toBe(Infinity);
  expect(cgroupProcessors(fakeRoot({ 'proc/self/cgroup': 'nonsense\n' }))).toBe(Infinity);
});

describe('usable processors', () => {
  const all = usableProcessors({});

  test('are at least 1 and at most those of the affinity mask', () => {
    expect(Number.isInteger(all)).toBe(true);
    expect(all).toBeGreaterThanOrEqual(1);
    expect(all).toBeLessThanOrEqual(availableParallelism());
  });

  test.each(['SLURM_CPUS_PER_TASK', 'NSLOTS', 'NCPUS', 'LSB_DJOB_NUMPROC'])(
    'are at most what %s grants',
    (name) => {
      expect(usableProcessors({ [name]: '1' })).toBe(1);
      expect(usableProcessors({ [name]: '100000' })).toBe(all);
    },
  );

  test('are the least of several grants', () => {
    expect(usableProcessors({ NSLOTS: '100000', SLURM_CPUS_PER_TASK: '1' })).toBe(1);
  });

  test.each(['', '0', '-2', '1.5', 'many', '2(x3)', 'NaN'])('do not depend on a grant of %j', (text) => {
    expect(usableProcessors({ SLURM_CPUS_PER_TASK: text })).toBe(all);
  });
});
