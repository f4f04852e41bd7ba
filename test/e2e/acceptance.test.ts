import { afterEach, describe, expect, test } from '@jest/globals';
import { execaSync } from 'execa';
import fs from 'fs-extra';
import { join } from 'node:path';
import { testWith } from '../tools.js';
import { events, failures, fanfold, read, start, temporaryFolder, until } from './command.js';

// What GNU parallel's authors ask of tools like it, as "TESTING OTHER TOOLS" in parallel_alternatives(7) has it, asked of
// command workers. docs/acceptance.md has the table.

const MEGABYTE = 1 << 20;
/** A line longer than 4 GiB takes its time and 9 GB of disk, so only where it is asked for; else one of 300 MB. */
const LONG_LINE = process.env['FANFOLD_LARGE_TESTS'] === '1' ? 4_400_000_000 : 300_000_000;
const MINUTES = 60_000;

const mounted: string[] = [];

afterEach(() => {
  for (const folder of mounted.splice(0)) execaSync('umount', ['-l', folder]);
});

/** Writes an executable shell script. */
function script(folder: string, lines: readonly string[]): string {
  fs.outputFileSync(join(folder, 'mycommand'), `#!/bin/sh\n${lines.join('\n')}\n`, { mode: 0o755 });
  return './mycommand';
}

/** Runs a sweep of commands in a folder; its run directory is `out`. */
function sweep(
  cwd: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): ReturnType<typeof fanfold> {
  return fanfold(['-q', '--out', 'out', ...args], { cwd, env });
}

/** A shell's words that print `count` times the same letter. */
function letters(letter: string, count: number): string {
  return `head -c ${String(count)} /dev/zero | tr '\\0' ${letter}`;
}

describe('a command worker passes', () => {
  testWith('posix', 'MIX: what several print at once is never mixed', async () => {
    const folder = temporaryFolder();
    const [count, points] = [300_000, 12];
    const command = script(
      folder,
      ['a', 'b', 'c', 'd', 'e', 'f'].flatMap((letter, index) => [
        index % 2 === 0 ? letters(letter, count) : `{ ${letters(letter, count)}; } >&2`,
        index % 2 === 0 ? "printf ' '" : "printf ' ' >&2",
      ]),
    );
    const spec = ['--range', `0:${String(points)}`, '--tasks', String(points), '--jobs', '4'];
    expect(await sweep(folder, [...spec, '--', command])).toMatchObject({ exitCode: 0 });
    const [a, b, c, d, e, f] = ['a', 'b', 'c', 'd', 'e', 'f'].map((letter) => letter.repeat(count));
    const rows = read(folder, 'out', 'result.txt').split('\n').slice(0, -1);
    expect(rows.map((row, x) => row === [x, a, c, e, ''].join('   '))).toEqual(Array(points).fill(true));
    for (let task = 0; task < points; task++) {
      const log = read(folder, 'out', 'logs', `task_index=${String(task)}.log`);
      expect(log.trim() === [b, d, f].join(' ')).toBe(true);
    }
  });

  testWith('posix', 'STDERRMERGE: stdout is the result, stderr goes to the log', async () => {
    const folder = temporaryFolder();
    const command = script(folder, ["printf 'stdout '", 'echo stderr >&2', 'echo stdout', 'echo stderr >&2']);
    expect(await sweep(folder, ['--range', '0:1', '--', command])).toMatchObject({ exitCode: 0 });
    expect(read(folder, 'out', 'result.txt')).toBe('0   stdout   stdout   \n');
    expect(read(folder, 'out', 'logs', 'task_index=0.log')).toBe('stderr\nstderr\n');
  });

  testWith(
    'loop',
    'RAM: memory stays small, however much is printed',
    async () => {
      const folder = temporaryFolder();
      const command = script(folder, [letters('c', 256 * MEGABYTE), 'echo', 'echo 42']);
      const run = start(
        ['-q', '--out', 'out', '--range', '0:4', '--jobs', '2', '--result', 'last-line', '--', command],
        { cwd: folder },
      );
      let most = 0;
      let isOver = false;
      void run.finally(() => (isOver = true));
      await until(
        'the end of the run',
        () => {
          for (const pid of [run.pid ?? 0, ...spawned(join(folder, 'out'))])
            most = Math.max(most, peakOf(pid));
          return isOver;
        },
        3 * MINUTES,
      );
      expect((await run).exitCode).toBe(0);
      expect(read(folder, 'out', 'result.txt')).toBe('0   42\n1   42\n2   42\n3   42\n');
      expect(most).toBeGreaterThan(20 * MEGABYTE);
      expect(most).toBeLessThan(200 * MEGABYTE);
    },
    4 * MINUTES,
  );

  testWith('tmpfs', 'DISKFULL: what is cut by a full disk is no result', async () => {
    const folder = temporaryFolder();
    const small = join(folder, 'small');
    fs.ensureDirSync(small);
    execaSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'fanfold-test', small]);
    mounted.push(small);
    const command = script(folder, [letters('X', 20 * MEGABYTE), 'echo', 'echo final']);
    const { exitCode, stderr } = await sweep(
      folder,
      ['--range', '0:2', '--jobs', '1', '--result', 'last-line', '--', command],
      { TMPDIR: small },
    );
    expect(exitCode).toBe(1);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(fs.existsSync(join(folder, 'out', 'result.txt'))).toBe(false);
    expect(stderr).toContain('[FANFOLD_IO]');
    // With room elsewhere it goes on: a full disk is no point's failure.
    expect(await sweep(folder, ['--range', '0:2', '--result', 'last-line', '--', command])).toMatchObject({
      exitCode: 0,
    });
    expect(read(folder, 'out', 'result.txt')).toBe('0   final\n1   final\n');
  });

  testWith('posix', 'CLEANUP: killed, it leaves no temporary files and no process', async () => {
    const folder = temporaryFolder();
    const temporary = join(folder, 'temporary');
    fs.ensureDirSync(temporary);
    const run = start(['-q', '--out', 'out', '--range', '0:10', '--', 'sleep', '60'], {
      cwd: folder,
      env: { TMPDIR: temporary },
    });
    await until('the first points', () => spawned(join(folder, 'out')).length > 0);
    expect(fs.readdirSync(temporary)).not.toEqual([]);
    run.kill('SIGKILL');
    await run;
    await until('the temporary files to go', () => fs.readdirSync(temporary).length === 0, 2_000);
  });

  testWith('posix', 'SPCCHAR: a file of any name is found', async () => {
    const folder = temporaryFolder();
    const name = `My brother's 12" *** record  (costs $$$).jpg`;
    fs.writeFileSync(join(folder, name), 'twelve bytes');
    fs.writeFileSync(join(folder, 'points.jsonl'), `${JSON.stringify({ file: name })}\n`);
    const points = ['--points', 'points.jsonl'];
    expect(
      await sweep(folder, [...points, '--result', 'regex:^ *(\\d+)', '--', 'wc', '-c', '{file}']),
    ).toMatchObject({ exitCode: 0 });
    expect(read(folder, 'out', 'result.txt')).toMatch(/ {3}12\n$/);
    expect(await sweep(folder, ['--force', ...points, '--shell', '--', 'wc -c < {file}'])).toMatchObject({
      exitCode: 0,
    });
    expect(read(folder, 'out', 'result.txt')).toMatch(/ {3}12\n$/);
  });

  testWith('posix', 'COMPOSED: a line of several commands', async () => {
    const folder = temporaryFolder();
    const args = ['--param', 's=bar', '--result', 'last-line', '--shell', '--'];
    expect(await sweep(folder, [...args, 'echo foo; echo {s} | tr a A'])).toMatchObject({ exitCode: 0 });
    expect(read(folder, 'out', 'result.txt')).toBe('bar   bAr\n');
  });

  testWith('posix', 'ONEREP: a placeholder may stand any number of times', async () => {
    const folder = temporaryFolder();
    const command = ['--', 'echo', '{s}', 'foo', '{s}-{s}'];
    expect(await sweep(folder, ['--param', 's=bar', ...command])).toMatchObject({ exitCode: 0 });
    expect(read(folder, 'out', 'result.txt')).toBe('bar   bar   foo   bar-bar   \n');
  });

  testWith('posix', 'INPUTSIZE: a value of 100 kB as an argument, and of 10 MB by stdin', async () => {
    const folder = temporaryFolder();
    const count = ['sh', '-c', 'printf %s "$1" | wc -c', 'sh', '{s}'];
    const write = (length: number): void => {
      fs.writeFileSync(join(folder, 'points.jsonl'), `${JSON.stringify({ s: 'x'.repeat(length) })}\n`);
    };
    const lengthIn = (): number => Number(read(folder, 'out', 'result.txt').trimEnd().split('   ').at(-1));
    write(100_000);
    expect(await sweep(folder, ['--points', 'points.jsonl', '--', ...count])).toMatchObject({ exitCode: 0 });
    expect(lengthIn()).toBe(100_000);
    write(10_000_000);
    expect(
      await sweep(folder, ['-f', '--points', 'points.jsonl', '--stdin', '--', 'wc', '-c']),
    ).toMatchObject({ exitCode: 0 });
    expect(lengthIn()).toBeGreaterThan(10_000_000);
    // No system gives so long an argument to a program.
    expect(await sweep(folder, ['-f', '--points', 'points.jsonl', '--', ...count])).toMatchObject({
      exitCode: 1,
    });
    expect(failures(join(folder, 'out'))[0]?.error).toMatch(/--stdin/);
  });

  testWith('posix', 'NUMWORDS: lines of a thousand words', async () => {
    const folder = temporaryFolder();
    const command = script(folder, [
      'words=$(seq 1000 | tr "\\n" " ")',
      'yes "$words" | head -c 10000000',
      'echo',
      'echo 7',
    ]);
    const args = ['--range', '0:8', '--jobs', '2', '--result', 'last-line', '--', command];
    expect(await sweep(folder, args)).toMatchObject({ exitCode: 0 });
    expect(read(folder, 'out', 'result.txt').split('\n').slice(0, 2)).toEqual(['0   7', '1   7']);
  });

  testWith(
    'posix',
    `4GB: a line of ${LONG_LINE.toLocaleString('en')} bytes goes into the log whole`,
    async () => {
      const folder = temporaryFolder();
      const command = script(folder, [letters('a', LONG_LINE), 'echo']);
      expect(await sweep(folder, ['--range', '0:1', '--result', 'exit', '--', command])).toMatchObject({
        exitCode: 0,
      });
      expect(read(folder, 'out', 'result.txt')).toBe('0   0\n');
      expect(fs.statSync(join(folder, 'out', 'logs', 'task_index=0.log')).size).toBe(LONG_LINE + 1);
    },
    5 * MINUTES,
  );

  test('4GB: a line that is too long for a result fails its point alone', async () => {
    const folder = temporaryFolder();
    const program = "process.stdout.write('a'.repeat(process.argv[1] === '1' ? 100_000_000 : 3))";
    const { exitCode } = await sweep(folder, [
      '--range',
      '0:3',
      '--',
      process.execPath,
      '-e',
      program,
      '{x}',
    ]);
    expect(exitCode).toBe(1);
    const failed = failures(join(folder, 'out'));
    expect(failed.map(({ index }) => index)).toEqual([1]);
    expect(failed[0]?.error).toMatch(/at most 64 MB on its stdout/);
  });
});

/** The processes that a coordinator has started. */
function spawned(directory: string): number[] {
  if (!fs.existsSync(join(directory, 'events.jsonl'))) return [];
  return events(directory, 'spawn').map(({ pid }) => pid);
}

/** The most memory that a process has held, in bytes; 0 for one that has ended. */
function peakOf(pid: number): number {
  const path = `/proc/${String(pid)}/status`;
  try {
    const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(fs.readFileSync(path, 'utf8'))?.[1];
    return Number(kilobytes ?? 0) * 1024;
  } catch {
    // It has just ended.
    return 0;
  }
}
