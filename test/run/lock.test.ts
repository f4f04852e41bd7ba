import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { FanfoldError } from '../../src/errors.js';
import { lockHolder, takeLock } from '../../src/run/lock.js';
import { testFolder } from './folder.js';

const folder = testFolder();
const bundle = join(folder, 'lock.mjs');
const children: ChildProcess[] = [];
let locks = 0;

/** A lock in a folder of its own, so that what is left beside it can be seen. */
function newLock(): string {
  const place = join(folder, String(locks++));
  mkdirSync(place);
  return join(place, 'lock');
}

beforeAll(() => {
  const root = new URL('../../', import.meta.url).pathname;
  execFileSync(join(root, 'node_modules/.bin/esbuild'), [
    join(root, 'src/run/lock.ts'),
    '--bundle',
    '--platform=node',
    '--format=esm',
    '--log-level=error',
    `--outfile=${bundle}`,
  ]);
  // The folder of a test is for its owner alone; one test looks into it as somebody else.
  chmodSync(folder, 0o755);
  chmodSync(bundle, 0o644);
});

afterEach(async () => {
  for (const child of children.splice(0)) await end(child);
});

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

/** Starts a process that tries to take a lock, says `taken` or why not, and then lives until it is ended. */
async function startTaker(
  path: string,
  options: { uid?: number } = {},
): Promise<{ child: ChildProcess; said: string }> {
  const code = `const { takeLock } = await import(${JSON.stringify(bundle)});
let said = 'taken';
try { takeLock(process.argv[1]); } catch (error) { said = error.name + ' ' + error.message; }
process.stdout.write(said + '\\n');
setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: folder,
    ...options,
  });
  children.push(child);
  const [bytes] = (await once(child.stdout, 'data')) as [Buffer];
  return { child, said: String(bytes).trimEnd() };
}

/** The process id of a process that has ended. */
async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  return child.pid ?? 0;
}

const write = (path: string, holder: unknown): void => {
  writeFileSync(path, typeof holder === 'string' ? holder : JSON.stringify(holder));
};
const read = (path: string): { host: string; pid: number; started: string } =>
  JSON.parse(readFileSync(path, 'utf8')) as { host: string; pid: number; started: string };
const beside = (path: string): string[] =>
  readdirSync(join(path, '..')).filter((name) => name !== basename(path));

/** A test of what only /proc tells: when a process started, and whether it is a zombie. */
function testWithProc(title: string, fn: () => void | Promise<void>): void {
  if (existsSync('/proc/self/stat')) test(title, fn);
  else test.skip(`${title} (skipped: needs /proc)`, fn);
}

function messageOf(take: () => unknown): string {
  try {
    take();
  } catch (error) {
    if (error instanceof FanfoldError && error.code === 'FANFOLD_LOCKED') return error.message;
    throw error;
  }
  return 'taken';
}

describe('a free lock', () => {
  test('is taken with host and pid, and gone when it is given back', () => {
    const path = newLock();
    const release = takeLock(path);
    expect(read(path)).toMatchObject({ host: hostname(), pid: process.pid });
    expect(lockHolder(path)).toMatchObject({ host: hostname(), pid: process.pid });
    expect(beside(path)).toEqual([]);
    release();
    expect(existsSync(path)).toBe(false);
    expect(lockHolder(path)).toBeUndefined();
  });

  test('can be taken again after it was given back', () => {
    const path = newLock();
    takeLock(path)();
    takeLock(path)();
    expect(existsSync(path)).toBe(false);
  });

  test('in a folder that is not there is an error of the system', () => {
    expect(() => takeLock(join(folder, 'none', 'lock'))).toThrow('ENOENT');
  });
});

describe('a held lock', () => {
  test('refuses a second taker with host and pid of the first', async () => {
    const path = newLock();
    const { child, said } = await startTaker(path);
    expect(said).toBe('taken');
    expect(messageOf(() => takeLock(path))).toBe(
      `Expected a run directory that nobody works on, but process ${String(child.pid)} on ${hostname()} does: wait for it, or stop it.`,
    );
    expect(lockHolder(path)).toMatchObject({ host: hostname(), pid: child.pid });
    expect(read(path).pid).toBe(child.pid);
    expect(beside(path)).toEqual([]);
  });

  test('refuses a second taker of the same process', () => {
    const path = newLock();
    const release = takeLock(path);
    expect(messageOf(() => takeLock(path))).toContain(`process ${String(process.pid)} on ${hostname()}`);
    release();
  });

  test('refuses other processes while this one holds it', async () => {
    const path = newLock();
    const release = takeLock(path);
    const { said } = await startTaker(path);
    expect(said).toContain(
      `FanfoldError Expected a run directory that nobody works on, but process ${String(process.pid)}`,
    );
    release();
  });
});

describe('the lock of a process that has died', () => {
  test('is taken over, also where the process was killed', async () => {
    const path = newLock();
    const { child, said } = await startTaker(path);
    expect(said).toBe('taken');
    await end(child);
    expect(existsSync(path)).toBe(true);
    expect(lockHolder(path)).toBeUndefined();
    const release = takeLock(path);
    expect(read(path).pid).toBe(process.pid);
    expect(beside(path)).toEqual([]);
    release();
    expect(existsSync(path)).toBe(false);
  });

  test('is taken over by one of several that try at once', async () => {
    const path = newLock();
    write(path, { host: hostname(), pid: await deadPid(), started: '1' });
    const takers = await Promise.all([1, 2, 3, 4].map(() => startTaker(path)));
    const winners = takers.filter(({ said }) => said === 'taken');
    expect(winners).toHaveLength(1);
    expect(read(path).pid).toBe(winners[0]?.child.pid);
    for (const { said } of takers.filter((taker) => !winners.includes(taker))) {
      expect(said).toMatch(/^FanfoldError Expected a run directory that nobody works on, but /);
    }
    expect(beside(path)).toEqual([]);
  });

  testWithProc('is known as dead though another process has its pid now', () => {
    const path = newLock();
    write(path, { host: hostname(), pid: process.pid, started: 'another time' });
    expect(lockHolder(path)).toBeUndefined();
    const release = takeLock(path);
    expect(read(path).started).not.toBe('another time');
    release();
  });

  testWithProc('is known as dead though a process of another user has its pid now', async () => {
    const path = newLock();
    // Process 1 belongs to root, so somebody else may not signal it; its start time is not the one of the lock.
    write(path, { host: hostname(), pid: 1, started: 'another time' });
    chmodSync(join(path, '..'), 0o777);
    const { said } = await startTaker(path, process.getuid?.() === 0 ? { uid: 65_534 } : {});
    expect(said).toBe('taken');
  });

  testWithProc('whose process is a zombie is taken over', async () => {
    const path = newLock();
    // A shell that starts a child and then becomes another program never reads the child's end.
    const parent = spawn('sh', ['-c', 'sleep 0.2 & echo $!; exec sleep 60'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(parent);
    const [bytes] = (await once(parent.stdout, 'data')) as [Buffer];
    const pid = Number(String(bytes));
    const stateOf = (): string => readFileSync(`/proc/${String(pid)}/stat`, 'utf8').split(' ')[2] ?? '';
    while (stateOf() !== 'Z') await new Promise((resolve) => setTimeout(resolve, 5));
    const started = readFileSync(`/proc/${String(pid)}/stat`, 'utf8').split(' ')[21];
    write(path, { host: hostname(), pid, started });
    expect(lockHolder(path)).toBeUndefined();
    takeLock(path)();
  });
});

describe('the lock of another host', () => {
  test('is refused, whatever its pid, and the message says how to go on', async () => {
    const path = newLock();
    const pid = await deadPid();
    write(path, { host: 'node17', pid, started: '5' });
    expect(messageOf(() => takeLock(path))).toBe(
      `Expected a run directory that nobody works on, but process ${String(pid)} on node17 does: wait for it, or, if that host is dead, remove ${path}.`,
    );
    expect(lockHolder(path)).toMatchObject({ host: 'node17', pid });
    expect(read(path).host).toBe('node17');
  });
});

describe('a damaged lock', () => {
  test.each([
    ['is empty', ''],
    ['is cut off', '{"host":"a","pi'],
    ['is no object', '5'],
    ['names nobody', '{}'],
    ['names a pid that is none', { host: hostname(), pid: 'abc', started: '' }],
    ['names a negative pid', { host: hostname(), pid: -5, started: 'x' }],
  ])('that %s is taken over', (_, holder) => {
    const path = newLock();
    write(path, holder);
    expect(lockHolder(path)).toBeUndefined();
    const release = takeLock(path);
    expect(read(path).pid).toBe(process.pid);
    release();
  });
});

describe('giving the lock back', () => {
  test("leaves another's lock alone", () => {
    const path = newLock();
    const release = takeLock(path);
    const other = { host: 'node17', pid: process.pid, started: '5' };
    write(path, other);
    release();
    expect(read(path)).toEqual(other);
    write(path, { ...other, host: hostname(), pid: 1 });
    release();
    expect(read(path).pid).toBe(1);
  });

  test('twice, or after somebody removed it, does no harm', () => {
    const path = newLock();
    const release = takeLock(path);
    release();
    expect(release).not.toThrow();
  });
});

describe('a takeover that was interrupted', () => {
  const crashed = async (path: string, age: number): Promise<void> => {
    write(path, { host: hostname(), pid: await deadPid(), started: '1' });
    write(`${path}.takeover`, { host: hostname(), pid: await deadPid(), started: '1' });
    const then = Date.now() / 1000 - age;
    utimesSync(`${path}.takeover`, then, then);
  };

  test('blocks others for a moment', async () => {
    const path = newLock();
    await crashed(path, 0);
    expect(messageOf(() => takeLock(path))).toMatch(
      /^Expected a run directory that nobody works on, but process \d+ on /,
    );
  });

  test('is forgotten after 10 seconds', async () => {
    const path = newLock();
    await crashed(path, 11);
    const release = takeLock(path);
    expect(read(path).pid).toBe(process.pid);
    expect(beside(path)).toEqual([]);
    release();
  });
});
