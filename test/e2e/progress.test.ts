import { describe, expect, test } from '@jest/globals';
import { execa } from 'execa';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { COMMAND, fanfold, temporaryFolder, writeWorker } from './command.js';
import { testWith } from '../tools.js';

const WAITS =
  'export default async ({ x }) => { await new Promise((r) => setTimeout(r, 30)); if (x === 5) throw new Error("no"); return x; };\n';

describe('progress', () => {
  testWith('script', 'on a terminal is a bar for the run and a line for each busy slot', async () => {
    const folder = temporaryFolder();
    const worker = writeWorker(folder, 'w.mjs', WAITS);
    const command = [
      process.execPath,
      COMMAND,
      worker,
      '--range',
      '0:60',
      '--tasks',
      '2',
      '--jobs',
      '2',
      '--out',
      join(folder, 'run'),
    ];
    // util-linux's script gives the command a terminal; its size is set inside.
    const { stdout } = await execa(
      'script',
      ['-qefc', `stty cols 120 rows 40; ${command.join(' ')}`, '/dev/null'],
      {
        reject: false,
        env: { CI: undefined, TERM: 'xterm' },
        cwd: folder,
      },
    );
    const text = stdout;
    expect(text).toMatch(/\d+% \| +\d+\/60 points \| 1 failed \| [\d.]+ points\/s \| .* left/);
    expect(text).toMatch(/task 0, pid \d+: +\d+\/30 points/);
    expect(text).toMatch(/task 1, pid \d+: +\d+\/30 points/);
    expect(text).toMatch(/100% \| 60\/60 points/);
    expect(text).toContain('1 point failed');
  });

  testWith('tmux', 'leaves what is said meanwhile readable above the bars, in 80 columns too', async () => {
    const folder = temporaryFolder();
    const gate = join(folder, 'gate');
    const code = `import { existsSync } from 'node:fs';
      export default async ({ x }) => {
        if (x === 5) throw new Error('no');
        while (x % 10 > 7 && !existsSync(${JSON.stringify(gate)})) await new Promise((r) => setTimeout(r, 5));
        return x;
      };\n`;
    const worker = writeWorker(folder, 'w.mjs', code);
    const tmux = async (...args: string[]): Promise<string> =>
      (await execa('tmux', ['-S', join(folder, 'socket'), ...args])).stdout;
    const run = ['--range', '0:20', '--tasks', '2', '--jobs', '2', '--out', join(folder, 'run')];
    const command = ['env', '-u', 'CI', process.execPath, COMMAND, worker, ...run];
    await tmux('new-session', '-d', '-x', '80', '-y', '20', ...command, ';', 'set', 'remain-on-exit', 'on');
    const screen = (): Promise<string> => tmux('capture-pane', '-p');
    const shows = async (what: RegExp): Promise<void> => {
      const deadline = Date.now() + 20_000;
      while (!what.test(await screen()))
        if (Date.now() > deadline) throw new Error(`Not seen: ${String(what)} in\n${await screen()}`);
    };
    try {
      await shows(/^\S+ +80% \| +16\/20 points \| 1 failed \| /m);
      await tmux('send-keys', 'C-c');
      await shows(/^Stopping: the points in hand are finished and kept\. .*\n.*\n\S+ +80% \|/m);
      writeFileSync(gate, '');
      await shows(/2 points to go; what is done is kept\./);
      const text = await screen();
      expect(text).toMatch(/^Stopping: the points in hand are finished and kept\./m);
      expect(text.match(/\d+% \|/g)).toHaveLength(1);
    } finally {
      writeFileSync(gate, '');
      await tmux('kill-server');
    }
  });

  test('elsewhere has no bars and no control characters', async () => {
    const folder = temporaryFolder();
    const worker = writeWorker(folder, 'w.mjs', WAITS);
    const { stderr } = await fanfold([worker, '--range', '0:8', '--out', join(folder, 'run')]);
    expect(stderr).toContain('fanfold: 8 points in 8 tasks');

    expect(stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  });

  test('elsewhere is a line every few seconds', async () => {
    const folder = temporaryFolder();
    const code =
      'export default async ({ x }) => { await new Promise((r) => setTimeout(r, 700)); return x; };\n';
    const args = [
      writeWorker(folder, 'w.mjs', code),
      '--range',
      '0:9',
      '--tasks',
      '1',
      '--out',
      join(folder, 'run'),
    ];
    const { stderr } = await fanfold(args);
    expect(stderr).toMatch(/fanfold: \d\/9 points \(\d+ %\), [\d.]+ points\/s, [\d.]+ s left, 0 failed\n/);
  });

  test('--quiet leaves only the path of the result', async () => {
    const out = join(temporaryFolder(), 'run');
    const { stdout, stderr } = await fanfold(['--range', '0:3', '--out', out, '-q']);
    expect([stdout, stderr]).toEqual([`${join(out, 'result.txt')}\n`, '']);
  });
});
