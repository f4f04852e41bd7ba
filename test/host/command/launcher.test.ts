import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fs from 'fs-extra';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launcher, readTimes, type Launcher } from '../../../src/host/command/launcher.js';
import { testWith, type Tool } from '../../tools.js';

const folder = fs.mkdtempSync(join(tmpdir(), 'fanfold-launcher-'));
const files = { stdin: join(folder, 'in'), stdout: join(folder, 'out'), stderr: join(folder, 'err') };
const emptyFiles = (): void => {
  for (const file of [files.stdout, files.stderr]) fs.writeFileSync(file, '');
};
const printed = (): string => fs.readFileSync(files.stdout, 'utf8');

afterAll(() => fs.remove(folder));

const HOSTILE = [
  "it's",
  '"quoted"',
  '$(touch hacked)',
  '`touch hacked`',
  '${HOME} $HOME $1 $@',
  '\\ \\\\ \\n \\0',
  '  blanks  and\ttabs  ',
  '',
  '-n',
  '--help',
  '*',
  '~',
  '; touch hacked #',
  '| & && || < >',
  '! {T} [a-z]',
  'naïve 日本語 🦀 ÀÁÂÃÄÅÆÇÈ',
  // All the bytes that UTF-8 has beyond ASCII, among them the shells' own marks.
  Array.from({ length: 0x700 }, (_, index) => String.fromCharCode(0xa0 + index)).join(''),
  '\u0001\u0002\u007f\u0080\u0088\r',
  'a'.repeat(100_000),
  'two\nlines',
  '\n',
  'a='.repeat(50),
];

const SHELLS: [Tool, string[]][] = [
  ['posix', ['/bin/sh']],
  ['dash', ['dash']],
  ['bash', ['bash', '--posix']],
  ['busybox', ['busybox', 'sh']],
];

describe.each(SHELLS)('processes started by a shell (%s)', (tool, shell) => {
  let launch: Launcher;
  beforeAll(() => {
    launch = launcher(files, folder, shell);
  });
  afterAll(() => {
    launch.close();
  });
  const run = (
    words: string[],
    env: Record<string, string | undefined> = {},
    hasInput = false,
  ): ReturnType<Launcher['run']> => {
    emptyFiles();
    return launch.run({ words, env, hasInput, isExact: false });
  };

  testWith(tool, 'get each argument as it is, whatever it holds', async () => {
    for (const text of HOSTILE) {
      expect(await run(['/usr/bin/printf', '%s\\0', text, 'end'])).toMatchObject({ status: 0, signal: null });
      expect(printed()).toBe(`${text}\0end\0`);
    }
    expect(await run(['/usr/bin/printf', '%s\\0', ...HOSTILE.slice(0, 16)])).toMatchObject({
      status: 0,
      signal: null,
    });
    expect(printed()).toBe(HOSTILE.slice(0, 16).join('\0') + '\0');
    expect(fs.existsSync(join(folder, 'hacked'))).toBe(false);
  });

  testWith(tool, 'get each environment variable as it is, and lose it when it is left out', async () => {
    const env = { FANFOLD_PARAM_a: 'x', FANFOLD_PARAM_β: 'y' };
    await run(['/usr/bin/env', '-0'], env);
    expect(printed().split('\0')).toEqual(expect.arrayContaining(['FANFOLD_PARAM_a=x', 'FANFOLD_PARAM_β=y']));
    for (const text of HOSTILE.slice(0, 18)) {
      await run(['/usr/bin/env', '-0'], { FANFOLD_PARAM_a: text });
      expect(printed().split('\0')).toContain(`FANFOLD_PARAM_a=${text}`);
    }
    await run(['/usr/bin/env', '-0'], { FANFOLD_PARAM_a: undefined });
    expect(printed()).not.toContain('FANFOLD_PARAM_');
    await run(['/usr/bin/env', '-0'], { FANFOLD_PARAM_a: undefined });
    expect(printed()).not.toContain('FANFOLD_PARAM_');
  });

  testWith(tool, 'keep the environment of the user, but for what is fanfold’s', async () => {
    process.env['fanfold_test_line'] = 'of the user';
    const own = launcher(files, folder, shell);
    emptyFiles();
    await own.run({ words: ['/usr/bin/env', '-0'], env: {}, hasInput: false, isExact: false });
    delete process.env['fanfold_test_line'];
    own.close();
    const names = printed().split('\0');
    expect(names).toContain('fanfold_test_line=of the user');
    expect(names.filter((name) => /^fanfold_(?!test)/.test(name))).toEqual([]);
  });

  testWith(tool, 'end with their status, or by a signal', async () => {
    expect(await run(['/bin/sh', '-c', 'exit 3'])).toMatchObject({ status: 3, signal: null });
    expect(await run(['/bin/sh', '-c', 'exit 255'])).toMatchObject({ status: 255, signal: null });
    expect(await run(['/bin/sh', '-c', 'kill -s KILL $$'])).toMatchObject({
      status: null,
      signal: 'SIGKILL',
    });
    expect(await run(['/bin/sh', '-c', 'kill -s TERM $$'])).toMatchObject({
      status: null,
      signal: 'SIGTERM',
    });
    expect(await run(['/bin/sh', '-c', 'kill -s INT $$'])).toMatchObject({ status: null, signal: 'SIGINT' });
    expect((await run([join(folder, 'nowhere')])).status).toBe(127);
  });

  testWith(tool, 'tell the processor time of each alone', async () => {
    const busy = 'const end = Date.now() + 300; while (process.cpuUsage().user < 2e5 || Date.now() < end);';
    const { usage } = await run([process.execPath, '-e', busy]);
    expect(usage.processorSeconds).toBeGreaterThan(0.2);
    const next = await run(['/bin/sh', '-c', 'exit 3']);
    expect(next.usage.processorSeconds).toBeLessThan(0.2);
  });

  testWith(tool, 'read an empty standard input, or the file that is theirs', async () => {
    await run(['/bin/cat']);
    expect(printed()).toBe('');
    fs.writeFileSync(files.stdin, '{"T":1}\n');
    await run(['/bin/cat'], {}, true);
    expect(printed()).toBe('{"T":1}\n');
    await run(['/bin/cat', '-', '\n'], {}, true);
    expect(printed()).toBe('{"T":1}\n');
  });

  testWith(tool, 'write their standard error apart, and run in the folder that is given', async () => {
    await run(['/bin/sh', '-c', 'echo out; echo err >&2; pwd']);
    expect(printed()).toBe(`out\n${fs.realpathSync(folder)}\n`);
    expect(fs.readFileSync(files.stderr, 'utf8')).toBe('err\n');
  });
});

test('a shell that somebody kills is started anew for the next process', async () => {
  emptyFiles();
  const launch = launcher(files, folder);
  await expect(
    launch.run({ words: ['/bin/sh', '-c', 'kill -s KILL $PPID'], env: {}, hasInput: false, isExact: false }),
  ).rejects.toThrow('The shell that starts commands ended by SIGKILL');
  expect(
    await launch.run({ words: ['/bin/echo', 'again'], env: {}, hasInput: false, isExact: false }),
  ).toMatchObject({
    status: 0,
    signal: null,
  });
  expect(printed()).toBe('again\n');
  launch.close();
});

test('an exit status and a signal of the same number are told apart where that is asked for', async () => {
  const launch = launcher(files, folder);
  const end = (code: string, isExact: boolean): ReturnType<Launcher['run']> =>
    launch.run({ words: ['/bin/sh', '-c', code], env: {}, hasInput: false, isExact });
  expect(await end('exit 137', true)).toMatchObject({ status: 137, signal: null });
  expect(await end('kill -s KILL $$', true)).toMatchObject({ status: null, signal: 'SIGKILL' });
  expect(await end('exit 137', false)).toMatchObject({ status: null, signal: 'SIGKILL' });
  launch.close();
});

test('a NUL, which no argument can hold, is refused', async () => {
  const launch = launcher(files, folder);
  await expect(
    launch.run({ words: ['/bin/echo', 'a\0b'], env: {}, hasInput: false, isExact: false }),
  ).rejects.toThrow('null bytes');
});

test('times are read in whatever locale and shell', () => {
  expect(readTimes('0m0.010000s 0m0.002500s')).toBeCloseTo(0.0125, 9);
  expect(readTimes('1m2,345s 2m0,000s')).toBeCloseTo(182.345, 9);
  expect(readTimes('0m0.00s 0m0.00s')).toBe(0);
});
