import { afterEach, describe, expect } from '@jest/globals';
import { execa, execaSync } from 'execa';
import fs from 'fs-extra';
import { join } from 'node:path';
import { testWith } from '../tools.js';
import {
  COMMAND,
  doneLines,
  fanfold,
  read,
  start,
  temporaryFolder,
  until,
  writeWorker,
  type Ended,
} from './command.js';

const POINTS = 300;
const TASKS = 6;
const SPEC = ['--range', `0:${String(POINTS)}`, '--tasks', String(TASKS), '--jobs', '2', '--quiet'];
const LONG = 'r'.repeat(300);
/** Each gives about 100 kB of lines. */
const WORKERS = {
  JavaScript: (folder: string) => [
    writeWorker(
      folder,
      'w.mjs',
      `export default async ({ x }) => {
  console.log('point', x);
  await new Promise((resolve) => setTimeout(resolve, 3));
  return [x + 0.5, '${LONG}'];
};
`,
    ),
  ],
  Python: (folder: string) => [
    `${writeWorker(folder, 'm.py', `import time\ndef f(x):\n    print('point', x, flush=True)\n    time.sleep(0.003)\n    return [x + 0.5, '${LONG}']\n`)}:f`,
  ],
  command: () => ['--', 'sh', '-c', `echo "$1.5 ${LONG}"; echo point $1 >&2`, 'sh', '{x}'],
};
type Kind = keyof typeof WORKERS;
const KINDS = Object.keys(WORKERS) as Kind[];

const mounted: string[] = [];

afterEach(() => {
  for (const folder of mounted.splice(0).reverse()) execaSync('umount', ['-l', folder]);
});

/** A file system in memory of its own. */
function smallDisk(folder: string, options: string): string {
  return mount(folder, ['-t', 'tmpfs', '-o', options, 'fanfold-test']);
}

function mount(folder: string, args: readonly string[]): string {
  fs.ensureDirSync(folder);
  execaSync('mount', [...args, folder]);
  mounted.push(folder);
  return folder;
}

const remount = (folder: string, options: string): unknown =>
  execaSync('mount', ['-o', `remount,${options}`, folder]);

/** The command's words, with options before a worker that is a command. */
function words(worker: readonly string[], out: string): string[] {
  return worker[0] === '--' ? [...SPEC, '--out', out, ...worker] : [...worker, ...SPEC, '--out', out];
}

async function undisturbed(folder: string, worker: readonly string[]): Promise<string> {
  const out = join(folder, 'undisturbed');
  expect((await fanfold(words(worker, out))).exitCode).toBe(0);
  return out;
}

/** One message with what to do, and nothing under its final name that isn't right. */
function expectRefusal({ exitCode, stderr }: Ended, what: RegExp): void {
  expect([exitCode, stderr]).toEqual([1, expect.stringMatching(/^fanfold: [^\n]*\[FANFOLD_IO\]\n$/)]);
  expect(stderr).toMatch(what);
}

function expectNothingTorn(out: string, right: string): void {
  const names = fs.readdirSync(out).filter((name) => /^(?:task_index=\d+|result)\.txt$/.test(name));
  for (const name of names) expect([name, read(out, name)]).toEqual([name, read(right, name)]);
}

async function expectCompletes(worker: readonly string[], out: string, right: string): Promise<void> {
  const { exitCode, stderr } = await fanfold(words(worker, out));
  expect([exitCode, stderr]).toEqual([0, expect.any(String)]);
  expect(read(out, 'result.txt')).toBe(read(right, 'result.txt'));
}

describe('a disk that', () => {
  for (const [title, options, room] of [
    ['is full', 'size=80k', 'size=8m'],
    ['has no inode left', 'size=8m,nr_inodes=12', 'nr_inodes=1000'],
  ] as const) {
    for (const kind of KINDS) {
      testWith(
        'tmpfs',
        `${title} ends a run of a ${kind} worker with one message; with room it completes`,
        async () => {
          const folder = temporaryFolder();
          const worker = WORKERS[kind](folder);
          const right = await undisturbed(folder, worker);
          const disk = smallDisk(join(folder, 'disk'), options);
          const out = join(disk, 'run');
          // Programs' own temporary files are there too.
          expectRefusal(
            await fanfold(words(worker, out), kind === 'command' ? { env: { TMPDIR: disk } } : {}),
            /ENOSPC.*Make room/s,
          );
          expectNothingTorn(out, right);
          remount(disk, room);
          await expectCompletes(worker, out, right);
        },
        60_000,
      );
    }
  }

  for (const kind of KINDS) {
    testWith(
      'loop',
      `becomes read-only ends a run of a ${kind} worker with one message; writable again, it completes`,
      async () => {
        const folder = temporaryFolder();
        const worker = WORKERS[kind](folder);
        const right = await undisturbed(folder, worker);
        const image = join(folder, 'disk.img');
        execaSync('truncate', ['-s', '16M', image]);
        execaSync('mkfs.ext4', ['-q', '-F', image]);
        const disk = mount(join(folder, 'disk'), ['-o', 'loop', image]);
        const out = join(disk, 'run');
        const run = start(words(worker, out));
        await until('a hundred lines', () => doneLines(out) > 100);
        // As the system does it when a disk gives errors; asked politely it refuses while a file is open for writing.
        remount(disk, 'abort');
        expectRefusal(await ended(run), /EROFS.*writable/s);
        expectNothingTorn(out, right);
        execaSync('umount', [disk]);
        // Its exit code says that it has mended something.
        execaSync('e2fsck', ['-f', '-y', image], { reject: false });
        execaSync('mount', ['-o', 'loop', image, disk]);
        await expectCompletes(worker, out, right);
      },
      60_000,
    );
  }

  testWith(
    'tmpfs',
    'is full under the logs alone fails no point',
    async () => {
      const folder = temporaryFolder();
      for (const kind of KINDS) {
        const worker = WORKERS[kind](join(folder, kind));
        const right = await undisturbed(join(folder, kind), worker);
        const out = join(folder, kind, 'run');
        const logs = smallDisk(join(out, 'logs'), 'size=4k');
        fs.writeFileSync(join(logs, 'full'), Buffer.alloc(4096));
        await expectCompletes(worker, out, right);
      }
    },
    60_000,
  );
});

describe('a run directory that', () => {
  for (const kind of KINDS) {
    for (const [title, vanish] of [
      ['is removed', (out: string): unknown => execaSync('rm', ['-rf', out], { reject: false })],
      ['is renamed', (out: string): unknown => execaSync('mv', [out, `${out}-elsewhere`])],
    ] as const) {
      testWith(
        'posix',
        `${title} ends a run of a ${kind} worker with one message`,
        async () => {
          const folder = temporaryFolder();
          const out = join(folder, 'run');
          const run = start(words(WORKERS[kind](folder), out));
          await until('a hundred lines', () => doneLines(out) > 100);
          vanish(out);
          const { exitCode, stderr } = await ended(run);
          expect([exitCode, stderr]).toEqual([
            1,
            expect.stringMatching(/^fanfold: [^\n]*\[FANFOLD_[A-Z]+\]\n$/),
          ]);
        },
        60_000,
      );
    }
  }
});

describe('a limit of file sizes', () => {
  for (const kind of KINDS) {
    testWith(
      'bash',
      `ends a run of a ${kind} worker with one message; without it, it completes`,
      async () => {
        const folder = temporaryFolder();
        const worker = WORKERS[kind](folder);
        const right = await undisturbed(folder, worker);
        const out = join(folder, 'run');
        const limited = execa(
          'bash',
          ['-c', 'ulimit -f 12; exec "$@"', 'bash', process.execPath, COMMAND, ...words(worker, out)],
          { reject: false, stripFinalNewline: false, env: { CI: 'true' } },
        );
        expectRefusal(await ended(limited), /EFBIG.*ulimit -f/s);
        expectNothingTorn(out, right);
        await expectCompletes(worker, out, right);
      },
      60_000,
    );
  }
});

async function ended(
  run: PromiseLike<{ exitCode?: number; stdout?: unknown; stderr?: unknown }>,
): Promise<Ended> {
  const { exitCode, stdout, stderr } = await run;
  return { exitCode, stdout: String(stdout), stderr: String(stderr) };
}
