import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { basename, join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { FanfoldError } from '../../src/errors.js';
import { lockHolder, takeLock, isLeftDraft } from '../../src/run/lock.js';
import { sha256 } from '../../src/sha256.js';
import { until } from '../e2e/command.js';
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
try { await takeLock(process.argv[1]); } catch (error) { said = error.name + ' ' + error.message; }
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

async function refusal(path: string): Promise<string> {
  try {
    await takeLock(path);
  } catch (error) {
    if (error instanceof FanfoldError && error.code === 'FANFOLD_LOCKED') return error.message;
    throw error;
  }
  return 'taken';
}

describe('a free lock', () => {
  test('is taken with host and pid, and gone when it is given back', async () => {
    const path = newLock();
    const lock = await takeLock(path);
    expect(read(path)).toMatchObject({ host: hostname(), pid: process.pid });
    expect(lockHolder(path)).toMatchObject({ host: hostname(), pid: process.pid });
    expect(beside(path)).toEqual([]);
    lock.release();
    expect(existsSync(path)).toBe(false);
    expect(lockHolder(path)).toBeUndefined();
  });

  test('can be taken again after it was given back', async () => {
    const path = newLock();
    (await takeLock(path)).release();
    (await takeLock(path)).release();
    expect(existsSync(path)).toBe(false);
  });

  test('in a folder that is not there is an error of the system', async () => {
    await expect(takeLock(join(folder, 'none', 'lock'))).rejects.toThrow('ENOENT');
  });
});

describe('a held lock', () => {
  test('refuses a second taker with host and pid of the first', async () => {
    const path = newLock();
    const { child, said } = await startTaker(path);
    expect(said).toBe('taken');
    expect(await refusal(path)).toBe(
      `Expected a run directory that nobody works on, but process ${String(child.pid)} on ${hostname()} does: wait for it, or stop it.`,
    );
    expect(lockHolder(path)).toMatchObject({ host: hostname(), pid: child.pid });
    expect(read(path).pid).toBe(child.pid);
    expect(beside(path)).toEqual([]);
  });

  test('refuses a second taker of the same process', async () => {
    const path = newLock();
    const lock = await takeLock(path);
    expect(await refusal(path)).toContain(`process ${String(process.pid)} on ${hostname()}`);
    lock.release();
  });

  test('refuses other processes while this one holds it', async () => {
    const path = newLock();
    const lock = await takeLock(path);
    const { said } = await startTaker(path);
    expect(said).toContain(
      `FanfoldError Expected a run directory that nobody works on, but process ${String(process.pid)}`,
    );
    lock.release();
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
    const lock = await takeLock(path);
    expect(read(path).pid).toBe(process.pid);
    expect(beside(path)).toEqual([]);
    lock.release();
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

  testWithProc('is known as dead though another process has its pid now', async () => {
    const path = newLock();
    write(path, { host: hostname(), pid: process.pid, started: 'another time' });
    expect(lockHolder(path)).toBeUndefined();
    const lock = await takeLock(path);
    expect(read(path).started).not.toBe('another time');
    lock.release();
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
    (await takeLock(path)).release();
  });
});

describe('the lock of a process that can’t be seen from here', () => {
  const ELSEWHERE = { host: 'node17', pid: 12, started: '5', id: 'a', beatMs: 20 };

  test.each([
    ['on another machine', ELSEWHERE],
    ['in another container', { ...ELSEWHERE, host: hostname(), namespace: 'pid:[1]' }],
    ['on another machine of this name', { ...ELSEWHERE, host: hostname(), boot: 'b', machine: 'm' }],
  ])('%s is taken over once it has not changed for long', async (_, holder) => {
    const path = newLock();
    write(path, holder);
    expect(lockHolder(path)).toMatchObject({ pid: 12 });
    const reasons: string[] = [];
    const started = performance.now();
    const lock = await takeLock(path, { latencyMs: 300, onNotice: (why) => reasons.push(why) });
    expect(performance.now() - started).toBeGreaterThanOrEqual(300);
    expect(reasons).toEqual([expect.stringMatching(/process 12 on .*waiting up to 1 s for a sign of life/)]);
    expect(read(path).pid).toBe(process.pid);
    expect(beside(path)).toEqual([]);
    lock.release();
  });

  test('is waited for as long as several of its beats, however short the latency', async () => {
    const path = newLock();
    write(path, { ...ELSEWHERE, beatMs: 150 });
    const started = performance.now();
    (await takeLock(path, { latencyMs: 1 })).release();
    expect(performance.now() - started).toBeGreaterThanOrEqual(450);
  });

  test('is refused as soon as it shows a sign of life', async () => {
    const path = newLock();
    write(path, ELSEWHERE);
    const beat = setTimeout(() => {
      write(path, { ...ELSEWHERE, beat: '2' });
    }, 100);
    const started = performance.now();
    await expect(takeLock(path, { latencyMs: 30_000 })).rejects.toThrow('process 12 on node17 does');
    expect(performance.now() - started).toBeLessThan(20_000);
    clearTimeout(beat);
    expect(read(path).host).toBe('node17');
  });

  test('is taken as soon as it is given back', async () => {
    const path = newLock();
    write(path, ELSEWHERE);
    setTimeout(() => {
      rmSync(path);
    }, 100);
    (await takeLock(path, { latencyMs: 30_000 })).release();
  });

  test('is waited for until a stop comes', async () => {
    const path = newLock();
    write(path, ELSEWHERE);
    const stop = new AbortController();
    setTimeout(() => {
      stop.abort();
    }, 50);
    await expect(takeLock(path, { latencyMs: 30_000, signal: stop.signal })).rejects.toThrow(
      'stopped before',
    );
    expect(read(path).host).toBe('node17');
  });

  test('is taken over by one of several that wait for it', async () => {
    const path = newLock();
    write(path, ELSEWHERE);
    const takers = await Promise.allSettled([1, 2, 3, 4].map(() => takeLock(path, { latencyMs: 200 })));
    expect(takers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(beside(path)).toEqual([]);
  });
});

describe('the lock of this machine before it was started anew', () => {
  testWithProc('is known as dead, whatever has its pid and start time now', async () => {
    const path = newLock();
    (await takeLock(path)).release();
    const ours = await ownHolder();
    // Without an identifier of the machine it may be another one of the same name, and so in a container.
    if (ours.machine === '' || ours.namespace !== 'pid:[4026531836]') return;
    write(path, { ...ours, boot: 'another' });
    expect(lockHolder(path)).toBeUndefined();
    (await takeLock(path)).release();
  });
});

test('the draft of a lock is left over where its process has died, and only then', async () => {
  const path = newLock();
  const draft = `${path}.12-0bwkk8ds`;
  const ours = await ownHolder();
  write(draft, ours);
  expect(isLeftDraft(draft)).toBe(false);
  write(draft, { ...ours, pid: await deadPid() });
  expect(isLeftDraft(draft)).toBe(true);
  expect(isLeftDraft(path)).toBe(false);
  // Killed while it created it.
  write(draft, '');
  expect(isLeftDraft(draft)).toBe(true);
});

test('a lock is made though somebody takes its draft for one that was left', async () => {
  const path = newLock();
  const remover = `
    import { readdirSync, rmSync } from 'node:fs';
    import { isLeftDraft } from ${JSON.stringify(bundle)};
    const turn = () => {
      for (let times = 0; times < 1000; times++)
        for (const name of readdirSync('.'))
          if (name.startsWith('lock.') && isLeftDraft(name)) { rmSync(name, { force: true }); process.stdout.write('.'); }
      setImmediate(turn);
    };
    turn();
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', remover], {
    cwd: join(path, '..'),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  let removed = 0;
  child.stdout.on('data', (dots: Buffer) => (removed += dots.length));
  while (removed < 3) {
    for (let times = 0; times < 100; times++) (await takeLock(path)).release();
    await nextTurn();
  }
});

describe('the lock in a copy of a directory', () => {
  test('is nobody’s, while the original’s is held', async () => {
    const path = newLock();
    const { child } = await startTaker(path);
    const copy = join(folder, `copy-${String(locks++)}`);
    cpSync(join(path, '..'), copy, { recursive: true });
    expect(lockHolder(join(copy, 'lock'))).toBeUndefined();
    const lock = await takeLock(join(copy, 'lock'));
    expect(read(join(copy, 'lock')).pid).toBe(process.pid);
    expect(await refusal(path)).toContain(`process ${String(child.pid)}`);
    lock.release();
  });

  test('is held where the directory was only renamed, or is seen by another path', async () => {
    const path = newLock();
    const { child } = await startTaker(path);
    const link = join(folder, `link-${String(locks++)}`);
    symlinkSync(join(path, '..'), link);
    expect(await refusal(join(link, 'lock'))).toContain(`process ${String(child.pid)}`);
    const moved = join(folder, `moved-${String(locks++)}`);
    renameSync(join(path, '..'), moved);
    expect(await refusal(join(moved, 'lock'))).toContain(`process ${String(child.pid)}`);
  });
});

describe('a holder', () => {
  test('changes its lock while it lives, and nothing else', async () => {
    const path = newLock();
    const lock = await takeLock(path);
    const before = readFileSync(path, 'utf8');
    await until('a beat', () => readFileSync(path, 'utf8') !== before);
    const after = readFileSync(path, 'utf8');
    expect(after.length).toBe(before.length);
    expect({ ...read(path), beat: '' }).toEqual({ ...(JSON.parse(before) as object), beat: '' });
    expect(() => {
      lock.check();
    }).not.toThrow();
    lock.release();
  });

  test('learns that another one has taken its lock, and leaves that one alone', async () => {
    const path = newLock();
    const lock = await takeLock(path);
    const other = { ...(await ownHolder()), host: 'node17', id: 'b' };
    write(path, other);
    expect(() => {
      lock.check();
    }).toThrow(`process ${String(process.pid)} on node17 took it over`);
    expect(lock.lost.aborted).toBe(true);
    expect(lock.lost.reason).toMatchObject({ code: 'FANFOLD_LOCKED', exitCode: 1 });
    lock.release();
    expect(read(path)).toEqual(other);
  });

  test('learns of that by its beat, which is not written into the other’s lock', async () => {
    const path = newLock();
    const lock = await takeLock(path);
    write(path, { host: 'node17', pid: 3, started: '', id: 'b' });
    await until('the loss', () => lock.lost.aborted);
    expect(read(path).host).toBe('node17');
    lock.release();
  });

  test('whose lock was removed has lost it, but not where the whole directory is gone', async () => {
    const [path, vanished] = [newLock(), newLock()];
    const [lock, other] = [await takeLock(path), await takeLock(vanished)];
    rmSync(path);
    expect(() => {
      lock.check();
    }).toThrow('its lock was removed');
    rmSync(join(vanished, '..'), { recursive: true });
    expect(() => {
      other.check();
    }).not.toThrow();
    other.release();
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
  ])('that %s is taken over', async (_, holder) => {
    const path = newLock();
    write(path, holder);
    expect(lockHolder(path)).toBeUndefined();
    const lock = await takeLock(path);
    expect(read(path).pid).toBe(process.pid);
    lock.release();
  });
});

describe('giving the lock back', () => {
  test("leaves another's lock alone", async () => {
    const path = newLock();
    const lock = await takeLock(path);
    const other = { host: 'node17', pid: process.pid, started: '5' };
    write(path, other);
    lock.release();
    expect(read(path)).toEqual(other);
    write(path, { ...other, host: hostname(), pid: 1 });
    lock.release();
    expect(read(path).pid).toBe(1);
  });

  test('twice, or after somebody removed it, does no harm', async () => {
    const path = newLock();
    const lock = await takeLock(path);
    lock.release();
    expect(lock.release).not.toThrow();
  });
});

describe('a takeover that was interrupted', () => {
  test('is gone on with, however often that happened, and whatever the clock says', async () => {
    const path = newLock();
    let text = JSON.stringify({ host: hostname(), pid: await deadPid(), started: '1' });
    let guard = path;
    for (let depth = 0; depth < 3; depth++) {
      write(guard, text);
      const future = Date.now() / 1000 + 3600;
      utimesSync(guard, future, future);
      guard = `${guard}.${sha256(text).slice(0, 8)}`;
      text = JSON.stringify({ host: hostname(), pid: await deadPid(), started: '1', id: String(depth) });
    }
    const lock = await takeLock(path);
    expect(read(path).pid).toBe(process.pid);
    expect(beside(path)).toEqual([]);
    lock.release();
  });

  test('by a living process is left to it', async () => {
    const path = newLock();
    const text = JSON.stringify({ host: hostname(), pid: await deadPid(), started: '1' });
    write(path, text);
    write(`${path}.${sha256(text).slice(0, 8)}`, await ownHolder());
    expect(await refusal(path)).toContain(`process ${String(process.pid)} on ${hostname()}`);
    expect(readFileSync(path, 'utf8')).toBe(text);
  });
});

/** This process as a lock names it. */
async function ownHolder(): Promise<{ machine: string; namespace: string }> {
  const path = newLock();
  const lock = await takeLock(path);
  const holder = read(path);
  lock.release();
  return { ...holder, path: undefined, folder: undefined } as unknown as {
    machine: string;
    namespace: string;
  };
}
