import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { test } from '@jest/globals';

/** A tool that not every machine has. */
export type Tool =
  | 'numpy'
  | 'python3'
  | 'script'
  | 'tmux'
  | 'tmpfs'
  | 'posix'
  | 'uts'
  | 'procfs'
  | 'memory-cgroup'
  | 'dash'
  | 'bash'
  | 'busybox'
  | 'gcc'
  | 'gfortran'
  | 'rscript';

const TOOLS: Record<Tool, { readonly name: string; readonly find: () => boolean }> = {
  numpy: { name: 'NumPy', find: () => succeeds('python3', ['-c', 'import numpy']) },
  python3: { name: 'Python 3', find: () => succeeds('python3', ['--version']) },
  script: { name: "util-linux's script", find: () => succeeds('script', ['--version']) },
  tmux: { name: 'tmux', find: () => succeeds('tmux', ['-V']) },
  posix: { name: 'a POSIX system', find: () => process.platform !== 'win32' },
  procfs: { name: '/proc', find: () => existsSync('/proc/self/stat') },
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

function succeeds(command: string, args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}
