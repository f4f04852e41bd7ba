import { afterEach, describe, expect } from '@jest/globals';
import { execa, execaSync } from 'execa';
import fs from 'fs-extra';
import { join } from 'node:path';
import { testWith, type Tool } from '../tools.js';
import {
  COMMAND,
  doneLines,
  failures,
  fanfold,
  read,
  start,
  temporaryFolder,
  until,
  untilIn,
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

/** A folder under a quota of its own, which the system counts in the same way for every user, root too. */
function diskWithQuota(folder: string): { home: string; limit: (size: string) => void } {
  const image = join(folder, 'quota.img');
  execaSync('truncate', ['-s', '256M', image]);
  execaSync('mkfs.btrfs', ['-q', image]);
  const disk = mount(join(folder, 'quota'), ['-o', 'loop', image]);
  const home = join(disk, 'home');
  execaSync('btrfs', ['quota', 'enable', disk]);
  execaSync('btrfs', ['subvolume', 'create', home]);
  execaSync('btrfs', ['quota', 'rescan', '-w', disk]);
  return {
    home,
    limit: (size) => {
      execaSync('btrfs', ['qgroup', 'limit', size, home]);
    },
  };
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
  expectSuccess(await fanfold(words(worker, out)));
  expect(read(out, 'result.txt')).toBe(read(right, 'result.txt'));
}

function expectSuccess({ exitCode, stderr }: Ended): void {
  if (exitCode !== 0) throw new Error(`The command ended with ${String(exitCode)} and said: ${stderr}`);
}

/** What the disk did is no point's failure. */
function expectNoFailure(out: string): void {
  const path = join(out, 'failures.jsonl');
  expect(fs.existsSync(path) ? read(path).trim() : '').toBe('');
}

describe('a disk that', () => {
  for (const [title, disks, room] of [
    // Where a run meets its end differs with the size, and so does who meets it first.
    ['is full', [24, 44, 64, 84, 104].map((size) => `size=${String(size)}k`), 'size=8m'],
    ['has no inode left', ['size=8m,nr_inodes=12'], 'nr_inodes=1000'],
  ] as const) {
    for (const kind of KINDS) {
      testWith(
        'tmpfs',
        `${title} ends a run of a ${kind} worker with one message; with room it completes`,
        async () => {
          const folder = temporaryFolder();
          const worker = WORKERS[kind](folder);
          const right = await undisturbed(folder, worker);
          for (const options of disks) {
            const disk = smallDisk(join(folder, options), options);
            const out = join(disk, 'run');
            // Programs' own temporary files are there too.
            expectRefusal(
              await fanfold(words(worker, out), kind === 'command' ? { env: { TMPDIR: disk } } : {}),
              /ENOSPC.*Make room/s,
            );
            expectNothingTorn(out, right);
            expectNoFailure(out);
            remount(disk, room);
            await expectCompletes(worker, out, right);
          }
        },
        60_000,
      );
    }
  }

  for (const kind of KINDS) {
    testWith(
      'quota',
      `has a quota that is used up ends a run of a ${kind} worker with one message; with a larger one it completes`,
      async () => {
        const folder = temporaryFolder();
        const worker = WORKERS[kind](folder);
        const right = await undisturbed(folder, worker);
        const { home, limit } = diskWithQuota(folder);
        for (const size of ['112K', '144K', '176K', '208K', '256K']) {
          limit(size);
          const out = join(home, `run-${size}`);
          expectRefusal(
            await fanfold(words(worker, out), kind === 'command' ? { env: { TMPDIR: home } } : {}),
            /EDQUOT.*Make room there, or ask for a larger quota/s,
          );
          expectNothingTorn(out, right);
          expectNoFailure(out);
          limit('none');
          await expectCompletes(worker, out, right);
          fs.emptyDirSync(home);
          execaSync('btrfs', ['filesystem', 'sync', home]);
        }
      },
      120_000,
    );
  }

  testWith(
    'tmpfs',
    'has no inode left when a run is gone on with is told of as such; with some it goes on where it was',
    async () => {
      const folder = temporaryFolder();
      const worker = WORKERS.JavaScript(folder);
      const right = await undisturbed(folder, worker);
      const disk = smallDisk(join(folder, 'disk'), 'size=8m,nr_inodes=200');
      const out = join(disk, 'run');
      const run = start(words(worker, out));
      await untilIn(run, 'a hundred lines', () => doneLines(out) > 100);
      run.kill('SIGKILL');
      await run;
      const done = doneLines(out);
      remount(disk, `nr_inodes=${String(fs.statfsSync(disk).files - fs.statfsSync(disk).ffree)}`);
      expectRefusal(await fanfold(words(worker, out)), /ENOSPC.*Make room/s);
      remount(disk, 'nr_inodes=200');
      await until('the lines', () => doneLines(out) >= done);
      await expectCompletes(worker, out, right);
    },
    60_000,
  );

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
        await untilIn(run, 'a hundred lines', () => doneLines(out) > 100);
        // As the system does it when a disk gives errors; asked politely it refuses while a file is open for writing.
        remount(disk, 'abort');
        expectRefusal(await ended(run), /EROFS.*writable/s);
        expectNothingTorn(out, right);
        execaSync('umount', [disk]);
        // The system lets go of the image later, or never where a namespace that was made meanwhile has it mounted too; nothing
        // is written to it any more.
        const copy = join(folder, 'copy.img');
        execaSync('cp', ['--sparse=always', image, copy]);
        // Its exit code says that it has mended something.
        const mend = (): number | undefined =>
          execaSync('e2fsck', ['-f', '-y', copy], { reject: false }).exitCode;
        await until('a sound disk', () => (mend() ?? 8) <= 1);
        execaSync('mount', ['-o', 'loop', copy, disk]);
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

/** A worker that fills the disk itself at one point, the first time. There is always room for the record of a failure. */
const FILLERS = {
  'at the first result': {
    points: 3,
    at: 0,
    file: 'w.mjs',
    worker: 'return x;',
  },
  'while lines wait': {
    points: 4000,
    at: 2000,
    file: 'w.mjs',
    worker: `return [x, '${LONG}'];`,
  },
  'while lines wait for a slow point': {
    points: 401,
    at: 399,
    file: 'w.mjs',
    worker: `const result = [x, x === 399 ? '${LONG.repeat(20)}' : ''];
  return x < 400 ? result : new Promise((resolve) => setTimeout(resolve, 400, result));`,
  },
  'at the first result of Python': { points: 3, at: 0, file: 'm.py', worker: 'return x' },
  'while lines of Python wait': { points: 4000, at: 2000, file: 'm.py', worker: `return [x, '${LONG}']` },
} as const;

function writeFiller(
  folder: string,
  disk: string,
  { at, file, worker }: (typeof FILLERS)[keyof typeof FILLERS],
): string {
  const [fill, events, failures] = ['fill', 'run/events.jsonl', 'run/failures.jsonl'].map((name) =>
    JSON.stringify(join(disk, name)),
  ) as [string, string, string];
  return file === 'm.py'
    ? `${writeWorker(
        folder,
        file,
        `import os
def fill():
    open(${failures}, 'a').write('\\n')
    open(${events}, 'a').write('\\n' * (-os.path.getsize(${events}) % 4096))
    file = os.open(${fill}, os.O_WRONLY | os.O_CREAT)
    try:
        while True:
            os.write(file, bytes(1 << 20))
    except OSError:
        os.close(file)
def f(x):
    if x == ${String(at)} and os.path.isdir(${JSON.stringify(join(disk, 'run'))}) and not os.path.exists(${fill}):
        fill()
    ${worker}
`,
      )}:f`
    : writeWorker(
        folder,
        file,
        `import fs from 'node:fs';
function fill() {
  fs.appendFileSync(${failures}, '\\n');
  fs.appendFileSync(${events}, '\\n'.repeat(4096 - (fs.statSync(${events}).size % 4096)));
  const file = fs.openSync(${fill}, 'w');
  try {
    for (const block = Buffer.alloc(1 << 20); ;) fs.writeSync(file, block);
  } catch {
    fs.closeSync(file);
  }
}
export default ({ x }) => {
  if (x === ${String(at)} && fs.existsSync(${JSON.stringify(join(disk, 'run'))}) && !fs.existsSync(${fill})) fill();
  ${worker}
};
`,
      );
}

describe('a disk that a point finds full', () => {
  for (const [title, filler] of Object.entries(FILLERS)) {
    testWith(
      'tmpfs',
      `${title} fails no point`,
      async () => {
        const folder = temporaryFolder();
        const disk = smallDisk(join(folder, 'disk'), 'size=2m');
        const [right, out] = [join(folder, 'right'), join(disk, 'run')];
        const worker = writeFiller(folder, disk, filler);
        const sweep = [worker, '--range', `0:${String(filler.points)}`, '--tasks', '1', '--quiet', '--out'];
        expectSuccess(await fanfold([...sweep, right]));
        expectRefusal(await fanfold([...sweep, out]), /ENOSPC.*Make room/s);
        expectNoFailure(out);
        remount(disk, 'size=8m');
        expectSuccess(await fanfold([...sweep, out]));
        expect(read(out, 'result.txt')).toBe(read(right, 'result.txt'));
      },
      60_000,
    );
  }
});

interface SmallDisk {
  readonly disk: string;
  readonly makeRoom: () => void;
}

function fullDisk(folder: string): SmallDisk {
  const disk = smallDisk(join(folder, 'disk'), 'size=2m');
  return { disk, makeRoom: () => remount(disk, 'size=8m') };
}

function fullQuota(folder: string): SmallDisk {
  const { home, limit } = diskWithQuota(folder);
  limit('2M');
  return {
    disk: home,
    makeRoom: () => {
      limit('none');
    },
  };
}

/** What a command does on a disk where at most one block is left, beginning with the options of its sweep. */
const LAST_DEEDS: Record<string, readonly [options: readonly string[], script: string]> = {
  'prints its result': [[], 'echo "$1.5"'],
  'prints its result in vain': [[], 'echo "$1.5"; exit 0'],
  'prints a number that is cut off': [[], 'printf "$1.%05000de5\n" 0; exit 0'],
  'prints for the log': [['--result', 'exit'], 'echo "$1.5"'],
  'writes its result into a file': [['--result', 'file:r'], 'echo "$1.5" >"$FANFOLD_OUT/r"'],
  'writes a number that is cut off': [
    ['--result', 'file:r'],
    'printf "$1.%05000de5\n" 0 >"$FANFOLD_OUT/r"; exit 0',
  ],
};

describe.each<['full disk' | 'used-up quota', Tool, string]>([
  ['full disk', 'tmpfs', 'ENOSPC'],
  ['used-up quota', 'quota', 'EDQUOT'],
])('a %s under a command that', (what, tool, code) => {
  for (const [title, [options, script]] of Object.entries(LAST_DEEDS)) {
    testWith(
      tool,
      `${title} fails no point`,
      async () => {
        const folder = temporaryFolder();
        const { disk, makeRoom } = what === 'full disk' ? fullDisk(folder) : fullQuota(folder);
        // What is printed goes into the temporary folder, what is written into the run directory.
        const isFile = options.includes('file:r');
        const [right, out] = [join(folder, 'right'), join(isFile ? disk : folder, 'run')];
        const env = isFile ? {} : { TMPDIR: disk };
        const isCut = script.includes('printf');
        const filled = join(disk, 'fill');
        const fill = `if [ "$1" = 2 ] && [ -d "${out}" ] && ! [ -e "${filled}" ]; then
  echo >>"${out}/failures.jsonl"
  cat /dev/zero >"${filled}" 2>/dev/null
  ${isCut ? `truncate -s -4096 "${filled}"` : ''}
fi
exec 2>/dev/null
${script}`;
        const command = ['--', 'sh', '-c', fill, 'sh', '{x}'];
        const sweep = ['--range', '0:4', '--tasks', '1', '--quiet', ...options, '--out'];
        expectSuccess(await fanfold([...sweep, right, ...command]));
        expectRefusal(
          await fanfold([...sweep, out, ...command], { env }),
          new RegExp(`${isFile ? 'run directory' : '\\(TMPDIR\\)'}: ${code}.*Make room`, 's'),
        );
        expectNoFailure(out);
        makeRoom();
        expectSuccess(await fanfold([...sweep, out, ...command], { env }));
        expect(read(out, 'result.txt')).toBe(read(right, 'result.txt'));
      },
      60_000,
    );
  }

  testWith('tmpfs', 'has failed before says nothing of the disk while there is room', async () => {
    const folder = temporaryFolder();
    const disk = smallDisk(join(folder, 'disk'), 'size=2m');
    const out = join(disk, 'run');
    const command = ['--', 'sh', '-c', 'test $1 != 2 && echo $1', 'sh', '{x}'];
    const { exitCode, stderr } = await fanfold(['--range', '0:4', '--out', out, ...command], {
      env: { TMPDIR: disk },
    });
    expect(exitCode).toBe(1);
    expect(stderr).not.toMatch('FANFOLD_IO');
    expect(failures(out).map(({ index }) => index)).toEqual([2]);
    expect(fs.readdirSync(disk)).toEqual(['run']);
  });
});

describe('a run directory that', () => {
  for (const kind of KINDS) {
    for (const [title, vanish] of [
      ['is removed', (out: string): unknown => execaSync('rm', ['-rf', out], { reject: false })],
      ['is renamed', (out: string): unknown => execaSync('mv', [out, `${out}-elsewhere`])],
    ] as const) {
      testWith(
        kind === 'Python' ? 'python3' : 'posix',
        `${title} ends a run of a ${kind} worker with one message`,
        async () => {
          const folder = temporaryFolder();
          const out = join(folder, 'run');
          const run = start(words(WORKERS[kind](folder), out));
          await untilIn(run, 'a hundred lines', () => doneLines(out) > 100);
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
      kind === 'Python' ? 'python3' : 'bash',
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
