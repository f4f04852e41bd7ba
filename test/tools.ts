import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from '@jest/globals';

/** A tool that not every machine has. */
export type Tool =
  | 'numpy'
  | 'python3'
  | 'script'
  | 'tmux'
  | 'tmpfs'
  | 'loop'
  | 'quota'
  | 'sshfs'
  | 'posix'
  | 'uts'
  | 'procfs'
  | 'ps'
  | 'memory-cgroup'
  | 'dash'
  | 'bash'
  | 'busybox'
  | 'gcc'
  | 'gfortran'
  | 'rscript'
  | 'slurm'
  | 'accounting'
  | 'gridengine';

const TOOLS: Record<Tool, { readonly name: string; readonly find: () => boolean }> = {
  numpy: { name: 'NumPy', find: () => succeeds('python3', ['-c', 'import numpy']) },
  python3: { name: 'Python 3', find: () => succeeds('python3', ['--version']) },
  script: { name: "util-linux's script", find: () => succeeds('script', ['--version']) },
  tmux: { name: 'tmux', find: () => succeeds('tmux', ['-V']) },
  posix: { name: 'a POSIX system', find: () => process.platform !== 'win32' },
  procfs: { name: '/proc', find: () => existsSync('/proc/self/stat') },
  ps: { name: 'ps beside /proc', find: () => hasTool('procfs') && succeeds('ps', ['-A']) },
  uts: {
    name: 'the right to have another host name',
    find: () => succeeds('unshare', ['--uts', 'sh', '-c', 'hostname node17']),
  },
  'memory-cgroup': {
    name: 'the right to make a memory cgroup of version 1',
    find: () => {
      const group = `/sys/fs/cgroup/memory/fanfold-test-${String(process.pid)}`;
      return succeeds('sh', ['-c', `mkdir '${group}' && rmdir '${group}'`]);
    },
  },
  dash: { name: 'dash', find: () => succeeds('dash', ['-c', 'true']) },
  bash: { name: 'bash', find: () => succeeds('bash', ['-c', 'true']) },
  busybox: { name: 'busybox', find: () => succeeds('busybox', ['sh', '-c', 'true']) },
  gcc: { name: 'gcc', find: () => succeeds('gcc', ['--version']) },
  gfortran: { name: 'gfortran', find: () => succeeds('gfortran', ['--version']) },
  rscript: { name: 'R', find: () => succeeds('Rscript', ['--version']) },
  tmpfs: {
    name: 'the right to mount a tmpfs',
    // Root in a container may lack the right; a mount namespace of one's own needs the same one and leaves no trace.
    find: () =>
      process.platform === 'linux' && process.getuid?.() === 0 && succeeds('unshare', ['--mount', 'true']),
  },
  slurm: {
    name: "Slurm's daemons, munge, and the right to have process namespaces",
    find: () =>
      process.platform === 'linux' &&
      process.getuid?.() === 0 &&
      // sbatch tells not even its version without a cluster.
      succeeds('which', ['slurmctld', 'slurmd', 'sbatch', 'munged']) &&
      succeeds('unshare', ['--pid', '--fork', '--uts', '--mount-proc', 'true']),
  },
  accounting: {
    name: "slurmdbd and MariaDB beside Slurm's daemons",
    find: () =>
      hasTool('slurm') &&
      succeeds('which', ['slurmdbd', 'mariadbd', 'mariadb-install-db', 'my_print_defaults']),
  },
  gridengine: {
    name: "Grid Engine's daemons, and the right to have process namespaces",
    find: () =>
      process.platform === 'linux' &&
      process.getuid?.() === 0 &&
      existsSync('/usr/lib/gridengine/spoolinit') &&
      succeeds('which', ['sge_qmaster', 'sge_execd', 'qsub']) &&
      succeeds('unshare', ['--pid', '--fork', '--mount-proc', 'true']),
  },
  loop: {
    name: 'mkfs.ext4 and the right to mount a file as a disk',
    find: () => mountsFile('8M', ['mkfs.ext4', '-q', '-F']),
  },
  sshfs: {
    name: "sshfs, OpenSSH's sftp-server and the right to have another host name",
    find: () =>
      existsSync('/dev/fuse') &&
      existsSync('/usr/lib/openssh/sftp-server') &&
      succeeds('sshfs', ['--version']) &&
      succeeds('unshare', ['--uts', '--pid', '--fork', '--mount-proc', 'true']),
  },
  quota: {
    name: 'mkfs.btrfs and the right to mount a file as a disk with quotas',
    find: () =>
      mountsFile('128M', ['mkfs.btrfs', '-q'], (disk) => succeeds('btrfs', ['quota', 'enable', disk])),
  },
};

const found = new Map<Tool, boolean>();

/** True where this machine has the tool. */
export function hasTool(tool: Tool): boolean {
  const known = found.get(tool) ?? TOOLS[tool].find();
  found.set(tool, known);
  return known;
}

/**
 * A test that needs a tool. Where the tool is missing it is skipped, and its title says why; with
 * FANFOLD_REQUIRE_TOOLS=1 it fails instead, so that a build server can't pass by skipping.
 */
export function testWith(tool: Tool, title: string, fn: () => void | Promise<void>, timeout?: number): void {
  if (hasTool(tool)) {
    test(title, fn, timeout);
    return;
  }
  const { name } = TOOLS[tool];
  if (process.env['FANFOLD_REQUIRE_TOOLS'] === '1') {
    test(title, () => {
      throw new Error(`This test needs ${name}, and FANFOLD_REQUIRE_TOOLS=1 forbids to skip it.`);
    });
    return;
  }
  test.skip(`${title} (skipped: needs ${name})`, fn);
}

// --- internal ---

/** A container's root may have the right to mount, and no loop devices: only trying tells. */
function mountsFile(
  size: string,
  [make = '', ...options]: readonly string[],
  does: (disk: string) => boolean = () => true,
): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  const folder = mkdtempSync(join(tmpdir(), 'fanfold-loop-'));
  try {
    const [image, disk] = [join(folder, 'disk.img'), join(folder, 'disk')];
    mkdirSync(disk);
    const isMounted =
      succeeds('truncate', ['-s', size, image]) &&
      succeeds(make, [...options, image]) &&
      succeeds('mount', ['-o', 'loop', image, disk]);
    if (!isMounted) return false;
    const isUseful = does(disk);
    return succeeds('umount', [disk]) && isUseful;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function succeeds(command: string, args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}
