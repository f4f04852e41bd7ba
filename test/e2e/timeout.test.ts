import { describe, expect, test } from '@jest/globals';
import fs from 'fs-extra';
import { join } from 'node:path';
import { testWith } from '../tools.js';
import { events, failures, fanfold, isAlive, read, temporaryFolder, until, writeWorker } from './command.js';

// Point 3 never ends, in whatever way a point can.
const WORKERS: [string, string][] = [
  ['busy', 'export default ({ x }) => { if (x === 3 && !process.env.FAST) for (;;); return x * 2; };\n'],
  [
    'waiting',
    'export default async ({ x }) => { if (x === 3 && !process.env.FAST) await new Promise(() => setInterval(() => 0, 1000)); return x * 2; };\n',
  ],
];

test('the summary names the limit of a point, and counts the time of attempts that failed', async () => {
  const folder = temporaryFolder();
  const code =
    'export default async ({ x }) => { if (x === 1) await new Promise((r) => setTimeout(r, 1e5)); if (x === 2) { await new Promise((r) => setTimeout(r, 1000)); process.exit(3); } return x; };\n';
  const out = join(folder, 'run');
  const args = [writeWorker(folder, 'w.mjs', code), '--range', '0:4', '--jobs', '1', '--retries', '0'];
  const { stderr } = await fanfold([...args, '--timeout', '2s', '--out', out]);
  const [late, dead] = stderr.split('\n').filter((line) => line.startsWith('  pid'));
  expect(late).toMatch(/running time 2\.\d\d s {2}1 task, killed at a point's --timeout$/);
  expect(dead).toMatch(/running time 1\.\d\d s {2}1 task, died$/);
  expect(stderr).toMatch(/sum of the task times 3\.\d\d s/);
});

describe('a point that takes longer than --timeout', () => {
  test.each(WORKERS)('by being %s is recorded as failed, and the others go on', async (_, code) => {
    const folder = temporaryFolder();
    const out = join(folder, 'run');
    const worker = writeWorker(folder, 'w.mjs', code);
    const args = [worker, '--range', '0:8', '--tasks', '2', '--jobs', '2', '--timeout', '0.5s', '--out', out];
    const { exitCode, stderr } = await fanfold(args);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('did not end within 0.5 s (--timeout)');
    expect(failures(out).map(({ index }) => index)).toEqual([3]);
    expect(read(out, 'task_index=0.txt.part')).toBe('0   0\n1   2\n2   4\n# failed 3\n');
    expect(read(out, 'task_index=1.txt')).toBe('4   8\n5   10\n6   12\n7   14\n');
    expect(events(out, 'start').some(({ pid }) => isAlive(pid))).toBe(false);

    // The limit is kept with the run: a retry has it too.
    const again = await fanfold(['retry', out]);
    expect(again.exitCode).toBe(1);
    expect(failures(out).map(({ attempt }) => attempt)).toEqual([1, 2]);
    expect((await fanfold(['retry', out], { env: { FAST: '1' } })).exitCode).toBe(0);
    expect(read(out, 'result.txt')).toBe('0   0\n1   2\n2   4\n3   6\n4   8\n5   10\n6   12\n7   14\n');
  });

  test('is told from fast ones before it', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'run');
    const code = 'export default ({ x }) => { if (x === 50_000) for (;;); return x; };\n';
    const worker = writeWorker(folder, 'w.mjs', code);
    const args = [worker, '--range', '0:100000', '--tasks', '1', '--timeout', '500ms', '--out', out];
    expect((await fanfold(args)).exitCode).toBe(1);
    expect(failures(out).map(({ index }) => index)).toEqual([50_000]);
    const lines = read(out, 'task_index=0.txt.part').split('\n');
    expect([lines.length, lines[50_000], lines[99_999]]).toEqual([
      100_001,
      '# failed 50000',
      '99999   99999',
    ]);
  });

  test('of a command ends with all that it started', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'run');
    const pids = join(folder, 'pids');
    const line = `if [ {x} = 1 ]; then sleep 600 & echo $! >> '${pids}'; wait; fi; echo {x}`;
    const args = ['--range', '0:3', '--tasks', '1', '--timeout', '1', '--out', out, '--shell', '--', line];
    expect((await fanfold(args)).exitCode).toBe(1);
    expect(failures(out).map(({ index }) => index)).toEqual([1]);
    const started = fs.readFileSync(pids, 'utf8').trim().split('\n').map(Number);
    await until('the command to end', () => !started.some(isAlive), 2_000);
  });

  testWith('python3', 'of a Python function that holds the interpreter is ended too', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'run');
    const code =
      'import re\ndef f(x):\n    if x == 2:\n        re.match(r"(a+)+$", "a" * 64 + "b")\n    return x\n';
    fs.writeFileSync(join(folder, 'model.py'), code);
    const model = `${join(folder, 'model.py')}:f`;
    for (const method of ['fork', 'spawn']) {
      const args = ['--range', '0:4', '--tasks', '1', '--timeout', '1s', '--start-method', method, '--force'];
      const { exitCode, stderr } = await fanfold([model, ...args, '--out', out]);
      expect([exitCode, stderr]).toEqual([1, expect.stringContaining('did not end within 1 s')]);
      expect(failures(out).map(({ index }) => index)).toEqual([2]);
      expect(read(out, 'task_index=0.txt.part')).toBe('0   0\n1   1\n# failed 2\n3   3\n');
    }
  });

  testWith('python3', 'is found among fast ones that Python computes together', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'run');
    const code =
      'import re\ndef f(x):\n    if x == 4000:\n        re.match(r"(a+)+$", "a" * 64 + "b")\n    return x\n';
    const model = `${writeWorker(folder, 'model.py', code)}:f`;
    const args = [
      '--range',
      '0:5000',
      '--tasks',
      '1',
      '--timeout',
      '1s',
      '--retry-delay',
      '0s',
      '--out',
      out,
    ];
    expect((await fanfold([model, ...args])).exitCode).toBe(1);
    expect(failures(out).map(({ index, attempt }) => [index, attempt])).toEqual([[4000, 1]]);
  });

  test('is found among those that a program which stays alive is asked together', async () => {
    const folder = temporaryFolder();
    const program = `
      require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
        const { index, x } = JSON.parse(line);
        if (x === 700) for (;;);
        require('fs').writeSync(1, JSON.stringify({ index, y: x }) + '\\n');
      });\n`;
    writeWorker(folder, 'program.cjs', program);
    const args =
      '--range 0:1000 --tasks 1 --timeout 1s --retry-delay 0s --out out --stream -- node program.cjs';
    expect((await fanfold(args.split(' '), { cwd: folder })).exitCode).toBe(1);
    expect(failures(join(folder, 'out')).map(({ index, attempt }) => [index, attempt])).toEqual([[700, 1]]);
  });

  test('is none where a program is watched at the end of its task', async () => {
    const folder = temporaryFolder();
    // Its answers don't say whose they are, so one that comes unasked is waited for: three times as long as an answer took.
    const program = `
      require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
        setTimeout(() => require('fs').writeSync(1, String(JSON.parse(line).x) + '\\n'), 300);
      });\n`;
    writeWorker(folder, 'program.cjs', program);
    const args = '--range 0:4 --tasks 2 --jobs 1 --timeout 500ms --out out --stream -- node program.cjs';
    expect((await fanfold(args.split(' '), { cwd: folder })).exitCode).toBe(0);
    expect(fs.existsSync(join(folder, 'out', 'failures.jsonl'))).toBe(false);
    expect(events(join(folder, 'out'), 'died')).toEqual([]);
  });

  test.each(['', '0', '-1s', '5 fortnights', 'nan', '30d', '1e3s'])('of "%s" is refused', async (text) => {
    const { exitCode, stderr } = await fanfold(['--range', '0:4', `--timeout=${text}`], {
      cwd: temporaryFolder(),
    });
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('Expected --timeout to be a duration')]);
  });
});
