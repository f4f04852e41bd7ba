import { describe, expect, test } from '@jest/globals';
import { execa } from 'execa';
import fs from 'fs-extra';
import { join } from 'node:path';
import { childrenOf } from '../processes.js';
import { testWith } from '../tools.js';
import {
  COMMAND,
  doneLines,
  events,
  fanfold,
  isAlive,
  read,
  start,
  temporaryFolder,
  until,
  writeWorker,
} from './command.js';

// Each point takes a few milliseconds of real computing and leaves a mark, so that points computed twice are counted.
const SLOW = `
import { appendFileSync } from 'node:fs';
export default ({ x }, { index, random }) => {
  const end = performance.now() + 4;
  while (performance.now() < end);
  if (process.env.MARKS) appendFileSync(process.env.MARKS, index + '\\n');
  return [x * 3, true];
};
`;
const POINTS = 300;
const EXPECTED = Array.from({ length: POINTS }, (_, x) => `${String(x)}   ${String(3 * x)}   True   \n`).join(
  '',
);
const SPEC = ['--range', `0:${String(POINTS)}`, '--tasks', '6', '--jobs', '3'];

describe('a run that is stopped', () => {
  test('by SIGKILL leaves no process and no temporary folder', async () => {
    const { folder, out, args } = slowRun();
    const temporary = join(folder, "a folder's");
    fs.mkdirSync(temporary);
    const run = start(args, { env: { TMPDIR: temporary } });
    await until('some lines', () => doneLines(out) > 20);
    expect(fs.readdirSync(temporary)).toHaveLength(1);
    run.kill('SIGKILL');
    await run;
    await until('the processes to end', () => !events(out, 'start').some(({ pid }) => isAlive(pid)), 2_000);
    await until('the folder to go', () => fs.readdirSync(temporary).length === 0, 2_000);
    expect(await fanfold(args)).toMatchObject({ exitCode: 0 });
    expect(read(out, 'result.txt')).toBe(EXPECTED);
  });

  test('by SIGKILL leaves no process, though its reaper was killed before and its workers hang', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'run');
    const code = 'export default () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);\n';
    const run = start([writeWorker(folder, 'w.mjs', code), '--range', '0:2', '--jobs', '2', '--out', out]);
    const isBegun = () => fs.existsSync(join(out, 'events.jsonl'));
    await until('both points', () => isBegun() && events(out, 'start').length === 2);
    const [reaper] = reapersOf(run.pid ?? 0);
    killHard(reaper ?? 0);
    await until('another reaper', () => ![undefined, reaper].includes(reapersOf(run.pid ?? 0)[0]));
    run.kill('SIGKILL');
    await run;
    await until('the processes to end', () => !events(out, 'start').some(({ pid }) => isAlive(pid)), 2_000);
  });

  test('by Ctrl-C finishes the points in hand, exits with 130, says how to resume, and resumes', async () => {
    const { folder, out, args } = slowRun();
    const marks = join(folder, 'marks');
    const run = start(args, { env: { MARKS: marks } });
    await until('some lines', () => doneLines(out) > 20);
    run.kill('SIGINT');
    const { exitCode, stderr } = await run;
    expect(exitCode).toBe(130);
    expect(stderr).toContain('Stopping: the points in hand are finished and kept.');
    expect(stderr).toContain(`fanfold resume ${out}`);
    expect(fs.existsSync(join(out, 'lock'))).toBe(false);
    // Every point that was begun was finished and kept.
    expect(doneLines(out)).toBe(lines(marks).length);

    const resumed = await fanfold(['resume', out], { env: { MARKS: marks } });
    expect(resumed.exitCode).toBe(0);
    expect(read(out, 'result.txt')).toBe(EXPECTED);
    expect(
      lines(marks)
        .map(Number)
        .sort((a, b) => a - b),
    ).toEqual(Array.from({ length: POINTS }, (_, x) => x));
  });

  test.each([
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('by %s does the same and exits with %i', async (signal, code) => {
    const { out, args } = slowRun();
    const run = start(args);
    await until('some lines', () => doneLines(out) > 20);
    run.kill(signal);
    expect((await run).exitCode).toBe(code);
    expect((await fanfold(args)).exitCode).toBe(0);
    expect(read(out, 'result.txt')).toBe(EXPECTED);
  });

  test('by a closed terminal, of which several tell, finishes the points in hand all the same', async () => {
    const folder = temporaryFolder();
    const [gate, out] = [join(folder, 'gate'), join(folder, 'run')];
    const code = `import fs from 'node:fs';
export default async ({ x }) => {
  while (x === 1 && !fs.existsSync(${JSON.stringify(gate)})) await new Promise((resolve) => setTimeout(resolve, 10));
  return x;
};\n`;
    const worker = writeWorker(folder, 'w.mjs', code);
    const run = start([worker, '--range', '0:3', '--tasks', '1', '--out', out]);
    let said = '';
    run.stderr?.on('data', (bytes) => (said += String(bytes)));
    await until('the first line', () => doneLines(out) === 1);
    run.kill('SIGHUP');
    await until('the answer', () => said.includes('Stopping'));
    run.kill('SIGHUP');
    fs.writeFileSync(gate, '');
    expect((await run).exitCode).toBe(129);
    expect(read(out, 'task_index=0.txt.part')).toBe('0   0\n1   1\n');
  });

  testWith('python3', 'by a terminal that is really gone ends as by one that tells of it', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'run');
    const code =
      'export default async ({ x }) => { await new Promise((r) => setTimeout(r, 300)); return x; };\n';
    const worker = writeWorker(folder, 'w.mjs', code);
    const said = join(folder, 'said');
    const args = [process.execPath, COMMAND, worker, '--range', '0:40', '--tasks', '1', '--out', out];
    const script = `import os, pty, sys, time
pid, terminal = pty.fork()
if pid == 0:
    os.dup2(os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT), 2)
    os.execv(sys.argv[2], sys.argv[2:])
part = os.path.join(${JSON.stringify(out)}, 'task_index=0.txt.part')
while not (os.path.exists(part) and os.path.getsize(part) > 0):
    time.sleep(0.01)
os.close(terminal)
status = os.waitpid(pid, 0)[1]
print(os.WEXITSTATUS(status) if os.WIFEXITED(status) else -os.WTERMSIG(status))
`;
    const { stdout } = await execa('python3', ['-c', script, said, ...args]);
    expect([stdout, read(said)]).toEqual(['129', expect.not.stringContaining('Assertion')]);
    expect((await fanfold(['resume', out])).exitCode).toBe(0);
  });

  test('by a second Ctrl-C ends at once, with nothing torn', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'run');
    const code = 'export default ({ x }) => { if (x > 0) for (;;); return x; };\n';
    const worker = writeWorker(folder, 'w.mjs', code);
    const run = start([worker, '--range', '0:3', '--tasks', '1', '--out', out]);
    await until('the first line', () => doneLines(out) === 1);
    run.kill('SIGINT');
    await until('the answer', () => fs.existsSync(join(out, 'task_index=0.txt.part')));
    run.kill('SIGINT');
    // The first signal alone would wait for a point that never ends; the second is sent until it is seen.
    const again = setInterval(() => run.kill('SIGINT'), 100);
    const { exitCode } = await run;
    clearInterval(again);
    expect(exitCode).toBe(130);
    expect(read(out, 'task_index=0.txt.part')).toBe('0   0\n');
    expect(events(out, 'start').some(({ pid }) => isAlive(pid))).toBe(false);
  });

  test('may have a worker that ends early when it is told, whose point is then computed again', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'run');
    const code =
      "import { setTimeout as sleep } from 'node:timers/promises';\nexport default async ({ x }, { signal }) => { if (x === 2 && !process.env.FAST) await sleep(60_000, 0, { signal }); return x; };\n";
    const worker = writeWorker(folder, 'w.mjs', code);
    const run = start([worker, '--range', '0:4', '--tasks', '1', '--out', out]);
    await until('two lines', () => doneLines(out) === 2);
    run.kill('SIGINT');
    expect((await run).exitCode).toBe(130);
    expect(fs.existsSync(join(out, 'failures.jsonl'))).toBe(false);
    expect((await fanfold(['resume', out], { env: { FAST: '1' } })).exitCode).toBe(0);
    expect(read(out, 'result.txt')).toBe('0   0\n1   1\n2   2\n3   3\n');
  });
});

describe('a worker that was fast and turns slow', () => {
  const TURNS_SLOW =
    'export default ({ x }) => { if (x >= 5000) { const end = performance.now() + 100; while (performance.now() < end); } return x; };\n';

  test('has every fast line in the file while a point holds its process', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'run');
    const gate = join(folder, 'gate');
    const code =
      "import { existsSync } from 'node:fs';\nexport default ({ x }) => { if (x === 100_000) while (!existsSync(process.env.GATE)); return x; };\n";
    const worker = writeWorker(folder, 'w.mjs', code);
    const run = start([worker, '--range', '0:100001', '--tasks', '1', '--out', out], { env: { GATE: gate } });
    await until('all lines before the slow point', () => doneLines(out) === 100_000);
    fs.writeFileSync(gate, '');
    expect((await run).exitCode).toBe(0);
    expect(lines(join(out, 'result.txt')).length).toBe(100_001);
  });

  test('has every slow point written when it is computed, and stops when it is told', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'run');
    const run = start([
      writeWorker(folder, 'w.mjs', TURNS_SLOW),
      '--range',
      '0:6000',
      '--tasks',
      '1',
      '--out',
      out,
    ]);
    await until('slow points', () => doneLines(out) > 5003);
    const seen = doneLines(out);
    await until('the next slow point', () => doneLines(out) > seen, 2_000);
    run.kill('SIGINT');
    expect((await run).exitCode).toBe(130);
    expect(doneLines(out)).toBeLessThan(5100);
  });
});

describe('a worker that does what it should not', () => {
  test.each([
    [
      'hangs when its process exits',
      "process.on('exit', () => { for (;;); });\nexport default ({ x }) => x;\n",
    ],
    [
      'reads its standard input',
      "import { spawnSync } from 'node:child_process';\nexport default ({ x }) => { spawnSync('cat', { stdio: 'inherit' }); return x; };\n",
    ],
    [
      'leaves a daemon that holds its output',
      "import { spawn } from 'node:child_process';\nexport default ({ x }) => { spawn('sleep', ['20'], { detached: true, stdio: 'inherit' }).unref(); return x; };\n",
    ],
    ['returns odd things', 'export default ({ x }) => ({ then: (resolve) => { resolve(x); } });\n'],
  ])('%s holds nothing up', async (_, code) => {
    const folder = temporaryFolder();
    const out = join(folder, 'run');
    const started = Date.now();
    const { exitCode } = await fanfold([
      writeWorker(folder, 'w.mjs', code),
      '--range',
      '0:2',
      '--tasks',
      '2',
      '--out',
      out,
    ]);
    expect(exitCode).toBe(0);
    expect(read(out, 'result.txt')).toBe('0   0\n1   1\n');
    // Far below the daemon's 20 s, far above what a slow machine needs.
    expect(Date.now() - started).toBeLessThan(15_000);
  });

  test('never loads can be stopped, and nothing is written', async () => {
    const folder = temporaryFolder();
    const worker = writeWorker(
      folder,
      'w.mjs',
      "import { writeFileSync } from 'node:fs';\nwriteFileSync(process.env.MARK, '');\nawait new Promise(() => setInterval(() => {}, 1000));\nexport default () => 1;\n",
    );
    const mark = join(folder, 'mark');
    const run = start([worker, '--range', '0:2', '--out', join(folder, 'run')], { env: { MARK: mark } });
    await until('the worker to load', () => fs.existsSync(mark));
    run.kill('SIGINT');
    const { exitCode, stderr } = await run;
    expect([exitCode, String(stderr)]).toEqual([130, expect.stringContaining('nothing was written')]);
    expect(fs.existsSync(join(folder, 'run'))).toBe(false);
  });

  test('throws what is no error fails its point alone', async () => {
    const folder = temporaryFolder();
    const worker = writeWorker(
      folder,
      'w.mjs',
      'export default ({ x }) => { if (x === 1) throw Object.create(null); return x; };\n',
    );
    const { exitCode, stderr } = await fanfold([worker, '--range', '0:3', '--out', join(folder, 'run')]);
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('point 1 (x=1): The worker threw')]);
  });
});

describe('a run that is killed', () => {
  test('at random moments, coordinator and workers alike, at least 20 times, gives the same bytes', async () => {
    const { folder, out, args } = slowRun();
    const marks = join(folder, 'marks');
    let kills = 0;
    for (let round = 0; kills < 24; round++) {
      const run = start(args, { env: { MARKS: marks } });
      const before = doneLines(out);
      const wanted = before + 1 + Math.floor(Math.random() * 20);
      await until('more lines, or the end', () => doneLines(out) >= wanted || run.exitCode !== null);
      if (run.exitCode !== null) break;
      const victims = round % 2 === 0 ? [run.pid ?? 0] : livingHosts(out).slice(0, 1 + (round % 3));
      for (const pid of victims) {
        killHard(pid);
        kills++;
      }
      if (round % 2 === 1) {
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 30));
        run.kill('SIGKILL');
        kills++;
      }
      await run;
      await until('every worker to end', () => livingHosts(out).length === 0, 2_000);
      if (round === 200) throw new Error('The run did not come to 24 kills.');
      if (doneLines(out) >= POINTS - 20) fs.removeSync(out);
    }
    expect(kills).toBeGreaterThanOrEqual(20);
    const { exitCode, stderr } = await fanfold(args, { env: { MARKS: marks } });
    expect([exitCode, stderr]).toEqual([0, expect.any(String)]);
    expect(read(out, 'result.txt')).toBe(EXPECTED);
  }, 120_000);

  test('leaves no process alive 2 s later, grandchildren included', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'run');
    const code = `
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
export default ({ x }) => {
  const child = spawn('sleep', ['1000']);
  writeFileSync(process.env.PIDS + '/' + child.pid, '');
  for (;;);
};
`;
    const pids = join(folder, 'pids');
    fs.mkdirSync(pids);
    const run = start(
      [writeWorker(folder, 'w.mjs', code), '--range', '0:2', '--tasks', '2', '--jobs', '2', '--out', out],
      { env: { PIDS: pids } },
    );
    await until('both grandchildren', () => fs.readdirSync(pids).length === 2);
    const all = [...fs.readdirSync(pids).map(Number), ...events(out, 'start').map(({ pid }) => pid)];
    expect(all.every(isAlive)).toBe(true);
    run.kill('SIGKILL');
    await run;
    await until('all of them to end', () => !all.some(isAlive), 2_000);
  });

  test('ends the grandchildren of a normal run too', async () => {
    const folder = temporaryFolder();
    const code =
      "import { spawn } from 'node:child_process';\nexport default () => { const child = spawn('sleep', ['1000'], { stdio: 'inherit' }); child.unref(); return child.pid; };\n";
    const out = join(folder, 'run');
    const { exitCode } = await fanfold([writeWorker(folder, 'w.mjs', code), '--range', '0:1', '--out', out]);
    expect(exitCode).toBe(0);
    const pid = Number(read(out, 'result.txt').split('   ')[1]);
    await until('the grandchild to end', () => !isAlive(pid), 2_000);
  });
});

describe('a worker process that dies', () => {
  test('of a signal from outside loses nothing: its task goes on in a new process', async () => {
    const { out, args } = slowRun();
    const run = start(args);
    await until('some lines', () => doneLines(out) > 10);
    // A process that has ended its last task may be killed too late to count, so another one follows.
    while (events(out, 'died').length < 3) {
      const deaths = events(out, 'died').length;
      killHard(livingHosts(out)[0] ?? 0);
      const seen = doneLines(out);
      await until(
        'a death, or more lines',
        () => events(out, 'died').length > deaths || doneLines(out) > seen + 30,
      );
    }
    const { exitCode, stderr } = await run;
    expect([exitCode, String(stderr)]).toEqual([0, expect.stringContaining('died')]);
    expect(read(out, 'result.txt')).toBe(EXPECTED);
    expect(events(out, 'died')).toHaveLength(3);
  });

  test.each([
    ['process.exit(3)', 'exit status 3'],
    ["process.kill(process.pid, 'SIGSEGV')", 'SIGSEGV, an invalid memory access'],
    [
      'Promise.reject(new Error("nobody waits for me")); await new Promise((r) => setTimeout(r, 1000))',
      'nobody waits for me',
    ],
  ])('always at the same point by %s fails that point alone, with the cause', async (code, cause) => {
    const folder = temporaryFolder();
    const out = join(folder, 'run');
    const worker = writeWorker(
      folder,
      'w.mjs',
      `export default async ({ x }) => { if (x === 3) { ${code}; } return x; };\n`,
    );
    const { exitCode, stderr } = await fanfold([worker, '--range', '0:8', '--tasks', '2', '--out', out]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('1 point failed');
    expect(stderr).toContain('point 3 (x=3)');
    expect(read(out, 'failures.jsonl')).toContain(cause);
    expect(read(out, 'task_index=0.txt.part')).toBe('0   0\n1   1\n2   2\n# failed 3\n');
    expect(read(out, 'task_index=1.txt')).toBe('4   4\n5   5\n6   6\n7   7\n');
  });

  test('while it loads the worker is refused with its last words, and nothing is written', async () => {
    const folder = temporaryFolder();
    const worker = writeWorker(
      folder,
      'w.mjs',
      'console.error("no licence"); process.exit(9);\nexport default () => 1;\n',
    );
    const { exitCode, stderr } = await fanfold([worker, '--range', '0:8', '--out', join(folder, 'run')]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('exit status 9');
    expect(stderr).toContain('no licence');
    expect(fs.existsSync(join(folder, 'run'))).toBe(false);
  });
});

function slowRun(): { folder: string; out: string; args: string[] } {
  const folder = temporaryFolder();
  const out = join(folder, 'run');
  return { folder, out, args: [writeWorker(folder, 'slow.mjs', SLOW), ...SPEC, '--out', out] };
}

function lines(path: string): string[] {
  return fs.existsSync(path) ? read(path).split('\n').slice(0, -1) : [];
}

function livingHosts(out: string): number[] {
  if (!fs.existsSync(join(out, 'events.jsonl'))) return [];
  return [...new Set(events(out, 'start').map(({ pid }) => pid))].filter(isAlive);
}

/** The shells that end what a coordinator leaves. */
function reapersOf(coordinator: number): number[] {
  return childrenOf(coordinator)
    .filter(({ args }) => args.includes('HUP INT TERM'))
    .map(({ pid }) => pid);
}

function killHard(pid: number): void {
  if (pid > 0 && isAlive(pid)) process.kill(pid, 'SIGKILL');
}
