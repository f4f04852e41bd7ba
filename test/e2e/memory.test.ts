import { describe, expect } from '@jest/globals';
import { totalmem } from 'node:os';
import fs from 'fs-extra';
import { basename, join } from 'node:path';
import { testWith, type Tool } from '../tools.js';
import { events, failures, fanfold, read, temporaryFolder, writeWorker } from './command.js';

const RANGE = ['--range', '0:4', '--tasks', '1', '--retry-delay', '10ms', '--max-memory', '300M'];

const JAVASCRIPT = `const held = [];
export default async ({ x }) => {
  while (x === 2) {
    held.push(Buffer.alloc(5 << 20, 1));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return x;
};\n`;

const PYTHON = `import time
shared = bytearray(b'x' * (200 << 20))
def f(x):
    held = []
    while x == 2:
        held.append(bytearray(b'x' * (5 << 20)))
        time.sleep(0.005)
    return x\n`;

/** A model that forks five children, so many times; each, the one with the number i, ends after so many seconds. */
function forking({ times, seconds }: { times: number; seconds: string }): string {
  return PYTHON.replace(
    /def f[^]*/,
    `import os
def f(x):
    for _ in range(${String(times)}):
        children = []
        for i in range(5):
            pid = os.fork()
            if pid == 0:
                time.sleep(${seconds})
                os._exit(0)
            children.append(pid)
        for pid in children:
            os.waitpid(pid, 0)
    return x\n`,
  );
}

async function expectNoDeath(model: string, range: string): Promise<void> {
  const folder = temporaryFolder();
  const out = join(folder, 'run');
  const args = [`${writeWorker(folder, 'model.py', model)}:f`, '--range', range, '--max-memory', '400M'];
  expect((await fanfold([...args, '--out', out])).exitCode).toBe(0);
  expect(events(out, 'died')).toEqual([]);
}

/** Half of it in a process of the command's own. */
const GREEDY = `import subprocess, sys, time
held = []
if len(sys.argv) < 3 and sys.argv[1] == '2':
    child = subprocess.Popen([sys.executable, sys.argv[0], '2', 'child'])
while sys.argv[1] == '2':
    held.append(bytearray(b'x' * (3 << 20)))
    time.sleep(0.005)
print(sys.argv[1])\n`;

const WORKERS: [string, Tool, (folder: string) => string[]][] = [
  ['JavaScript', 'procfs', (folder) => [writeWorker(folder, 'w.mjs', JAVASCRIPT)]],
  ['Python by fork', 'python3', (folder) => [`${writeWorker(folder, 'model.py', PYTHON)}:f`]],
  [
    'a command and its child',
    'python3',
    (folder) => ['--', 'python3', writeWorker(folder, 'greedy.py', GREEDY), '{x}'],
  ],
];

describe('a point that takes more than --max-memory', () => {
  for (const [title, tool, workerIn] of WORKERS) {
    testWith(tool, `is tried again, then failed, and the others go on (${title})`, async () => {
      const folder = temporaryFolder();
      const out = join(folder, 'run');
      const { exitCode, stderr } = await fanfold([...RANGE, '--out', out, ...workerIn(folder)]);
      expect([exitCode, stderr]).toEqual([1, expect.stringContaining('limit 300 MiB (--max-memory)')]);
      const found = failures(out);
      expect(found.map(({ index, attempt }) => [index, attempt])).toEqual([
        [2, 1],
        [2, 2],
      ]);
      for (const { error, certificate } of found) {
        expect(error).toMatch(
          /^It used [\d.]+ [MG]iB, limit 300 MiB \(--max-memory\), so its process and all under it/,
        );
        expect(certificate).toMatchObject({ verdict: 'memory', signal: 'SIGKILL' });
        // It acts before much more is taken.
        expect(certificate?.peakMemoryBytes).toBeGreaterThan(300 << 20);
        expect(certificate?.peakMemoryBytes).toBeLessThan(1500 << 20);
      }
      expect(read(out, 'task_index=0.txt.part')).toMatch(/^0 +0\n1 +1\n# failed 2\n3 +3\n$/);
    });
  }

  testWith('python3', 'is not one whose pages are shared with other forks', async () => {
    // Each child of the point shares 200 MB with it: together 1.2 GB to who counts them again and again.
    await expectNoDeath(forking({ times: 1, seconds: '0.6' }), '0:2');
  });

  testWith('python3', 'is not one whose forks end while they are looked at', async () => {
    // One after another ends, every few milliseconds: what it shared is then another's.
    await expectNoDeath(forking({ times: 12, seconds: '0.1 + 0.002 * i' }), '0:4');
  });

  testWith('procfs', 'may be given as a share, which is kept with the run, and must make sense', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'run');
    const worker = writeWorker(folder, 'w.mjs', 'export default ({ x }) => x;\n');
    const args = [worker, '--range', '0:4', '--out', out];
    expect((await fanfold([...args, '--max-memory', '50%', '--retries', '3'])).exitCode).toBe(0);
    const limitsOf = (): { maxMemoryBytes: number; retries: number } =>
      (fs.readJsonSync(join(out, 'sweep.json')) as { limits: ReturnType<typeof limitsOf> }).limits;
    expect(limitsOf().maxMemoryBytes).toBeLessThanOrEqual(totalmem() / 2);
    expect((await fanfold(['resume', out, '--retries', '0'])).exitCode).toBe(0);
    expect([limitsOf().retries, limitsOf().maxMemoryBytes > 1 << 20]).toEqual([0, true]);
    for (const [option = '', value = ''] of [
      ['--max-memory', '2X'],
      ['--max-memory', '10'],
      ['--retries', '-1'],
      ['--retry-delay', 'soon'],
      ['--max-failures', '101%'],
      ['--on-error', 'cry'],
    ]) {
      const { exitCode, stderr } = await fanfold([...args, `${option}=${value}`]);
      expect([option, exitCode, stderr]).toEqual([option, 2, expect.stringContaining(option)]);
    }
  });
});

/** A point that moves its process into a cgroup of 64 MB and fills it, but for the first time that it is tried again. */
const CONFINED: [string, Tool, (folder: string, group: string) => string[]][] = [
  [
    'JavaScript',
    'memory-cgroup',
    (folder, group) => [
      writeWorker(
        folder,
        'w.mjs',
        `import fs from 'node:fs';
export default ({ x }) => {
  if (x !== 2) return x;
  fs.writeFileSync('${group}/cgroup.procs', String(process.pid));
  const held = [];
  for (;;) held.push(Buffer.alloc(1 << 20, 1));
};\n`,
      ),
    ],
  ],
  [
    'a command',
    'memory-cgroup',
    (_, group) => [
      '--shell',
      '--',
      `if [ {x} = 2 ]; then echo $$ > ${group}/cgroup.procs; head -c 400000000 /dev/zero | tail -c 399999999 > /dev/null; kill -s KILL $$; fi; echo {x}`,
    ],
  ],
];

describe('a point that the out-of-memory killer ends', () => {
  for (const [title, tool, workerIn] of CONFINED) {
    testWith(tool, `has the verdict memory, by the system's counter (${title})`, async () => {
      const folder = temporaryFolder();
      const out = join(folder, 'run');
      const group = `/sys/fs/cgroup/memory/fanfold-${basename(folder)}`;
      fs.mkdirSync(group);
      try {
        fs.writeFileSync(join(group, 'memory.limit_in_bytes'), String(64 << 20));
        const args = ['--range', '0:4', '--tasks', '1', '--retry-delay', '0', '--out', out];
        const { exitCode, stderr } = await fanfold([...args, ...workerIn(folder, group)]);
        expect([exitCode, stderr]).toEqual([
          1,
          expect.stringContaining('[memory: killed by the out-of-memory killer]'),
        ]);
        const found = failures(out);
        expect(found).toHaveLength(2);
        for (const { error, certificate } of found) {
          expect(error).toContain('SIGKILL, often the out-of-memory killer');
          const { before, after } = certificate?.oomKills ?? {};
          expect(after?.machine).toBeGreaterThan(before?.machine ?? Infinity);
        }
        expect(fs.readFileSync(join(group, 'memory.oom_control'), 'utf8')).toMatch(/oom_kill [2-9]/);
      } finally {
        fs.rmdirSync(group);
      }
    });
  }
});
