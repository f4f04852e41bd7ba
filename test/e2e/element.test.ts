import { describe, expect, test } from '@jest/globals';
import fs from 'fs-extra';
import { delimiter, join } from 'node:path';
import { readManifest, writeManifest } from '../../src/run/manifest.js';
import { runPaths } from '../../src/run/paths.js';
import { testWith } from '../tools.js';
import {
  doneLines,
  expectExit,
  fanfold,
  read,
  start,
  temporaryFolder,
  until,
  writeWorker,
} from './command.js';
import { GATED } from './gated.js';

// What the jobs of a batch job do, without any scheduler: by hand, as every template does it.

interface Prepared {
  readonly out: string;
  readonly marks: string;
  readonly open: () => void;
  /** Runs an element to its end. */
  readonly element: (
    index: number,
    options?: readonly string[],
    env?: NodeJS.ProcessEnv,
  ) => ReturnType<typeof start>;
}

/** A run of four tasks of which nothing is computed: one that was stopped at its first point. */
async function prepared(): Promise<Prepared> {
  const folder = temporaryFolder();
  const out = join(folder, 'run');
  const marks = join(folder, 'marks');
  fs.mkdirSync(marks);
  const worker = writeWorker(folder, 'gated.mjs', GATED);
  const args = [
    worker,
    '--range',
    '0:16',
    '--tasks',
    '4',
    '--set',
    `folder=${marks}`,
    '--out',
    out,
    '--jobs',
    '1',
  ];
  const begun = start(args);
  await until('the first wait', () => fs.existsSync(join(marks, 'x=2')));
  let told = '';
  begun.stderr?.on('data', (text) => (told += String(text)));
  begun.kill('SIGTERM');
  await until('the stop', () => told.includes('Stopping'));
  begun.kill('SIGTERM');
  await begun;
  fs.emptyDirSync(marks);
  for (const name of fs.readdirSync(out).filter((each) => each.startsWith('task_index')))
    fs.removeSync(join(out, name));
  return {
    out,
    marks,
    open: () => {
      fs.writeFileSync(join(marks, 'gate'), '');
    },
    element: (index, options = [], env = {}) =>
      start(['element', out, String(index), ...options], { env: env }),
  };
}

/** A resume at its first wait, and an element that waits for its end. */
async function waitingForResume(
  run: Prepared,
): Promise<Record<'resumed' | 'late', ReturnType<typeof start>>> {
  const resumed = start(['resume', run.out]);
  await until('the wait', () => fs.existsSync(join(run.marks, 'x=2')));
  const late = run.element(3);
  let told = '';
  late.stderr?.on('data', (text) => (told += String(text)));
  await until('it to see that', () => told.includes('is at work on the whole run: waiting'));
  return { resumed, late };
}

const marked = ({ marks }: Prepared): string[] =>
  fs
    .readdirSync(marks)
    .filter((name) => name !== 'gate')
    .map((name) => `${name}${read(marks, name)}`)
    .sort();

describe('an element', () => {
  test('computes its own tasks only, and the fold finds those of all', async () => {
    const run = await prepared();
    run.open();
    for (const index of [2, 0, 3]) expectExit(await run.element(index), 0);
    expect(
      marked(run)
        .map((name) => Number(/\d+/.exec(name)?.[0]))
        .sort((a, b) => a - b),
    ).toEqual([0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15]);
    const early = await fanfold(['fold', run.out]);
    expect([early.exitCode, early.stderr]).toEqual([
      1,
      expect.stringContaining('task_index=1.txt is not there'),
    ]);
    expectExit(await run.element(0, ['--first', '1']), 0);
    expectExit(await fanfold(['fold', run.out]), 0);
    expect(read(run.out, 'result.txt')).toBe(
      Array.from({ length: 16 }, (_, x) => `${String(x)}   ${String(2 * x)}\n`).join(''),
    );
    expectExit(await fanfold(['verify', run.out]), 0);
    const again = await run.element(1);
    expect(String(again.stderr)).toContain('task 1: complete, 0 points computed now');
    const none = await run.element(4);
    expect([none.exitCode, none.stderr]).toEqual([
      2,
      expect.stringContaining('0 to 3 (4 tasks, 1 an element), got 4'),
    ]);
  });

  test('waits for another one at the same tasks, and computes nothing twice', async () => {
    const run = await prepared();
    const first = run.element(1);
    await until('the wait', () => fs.existsSync(join(run.marks, 'x=6')));
    const second = run.element(1);
    let told = '';
    second.stderr?.on('data', (text) => (told += String(text)));
    await until('the other to see it', () => told.includes('computes this element already'));
    run.open();
    expectExit(await first, 0);
    expectExit(await second, 0);
    expect(marked(run)).toEqual(['x=4.', 'x=5.', 'x=6.', 'x=7.']);
  });

  test('is seen at work and followed to the result, and is its scheduler’s to end', async () => {
    const run = await prepared();
    run.open();
    for (const index of [0, 2, 3]) expectExit(await run.element(index), 0);
    fs.removeSync(join(run.marks, 'gate'));
    const element = run.element(1);
    await until('the wait', () => fs.existsSync(join(run.marks, 'x=6')));
    const status = await fanfold(['status', run.out]);
    expect(status.stdout).toContain('running (worker');
    expect(status.stdout).toContain('is at work, in a job that was not submitted from here');
    const stopped = await fanfold(['stop', run.out]);
    expect([stopped.exitCode, stopped.stderr]).toEqual([
      1,
      expect.stringContaining('End it with the commands of its scheduler'),
    ]);
    const attached = start(['attach', run.out]);
    let told = '';
    attached.stderr?.on('data', (text) => (told += String(text)));
    await until('it to see that', () => told.includes('Ctrl-C ends this view'));
    run.open();
    expectExit(await attached, 0);
    expectExit(await element, 0);
    expect(read(run.out, 'result.txt').split('\n')).toHaveLength(17);
    expect((await fanfold(['attach', run.out])).stderr).toContain('Nobody is at work');
  });

  test('that is the last one leaves the result to who attaches then', async () => {
    const run = await prepared();
    run.open();
    for (const index of [0, 1, 2, 3]) expectExit(await run.element(index), 0);
    expect(fs.existsSync(join(run.out, 'result.txt'))).toBe(false);
    expectExit(await fanfold(['attach', run.out]), 0);
    expect(read(run.out, 'result.txt').split('\n')).toHaveLength(17);
  });

  test('that is followed and killed leaves an incomplete run', async () => {
    const run = await prepared();
    const element = run.element(1);
    await until('the wait', () => fs.existsSync(join(run.marks, 'x=6')));
    const attached = start(['attach', run.out]);
    let told = '';
    attached.stderr?.on('data', (text) => (told += String(text)));
    await until('it to see that', () => told.includes('Ctrl-C ends this view'));
    element.kill('SIGKILL');
    const { exitCode, stderr } = await attached;
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('to go')]);
    await element;
  });

  test('keeps a run of this machine out, and waits for one', async () => {
    const run = await prepared();
    const element = run.element(1);
    await until('the wait', () => fs.existsSync(join(run.marks, 'x=6')));
    for (const command of [
      ['resume', run.out],
      ['fold', run.out],
      ['verify', run.out, '--repair'],
    ]) {
      const { exitCode, stderr } = await fanfold(command);
      if (command[0] !== 'verify')
        expect([exitCode, stderr]).toEqual([2, expect.stringContaining('but process ')]);
    }
    run.open();
    expectExit(await element, 0);
    fs.removeSync(join(run.marks, 'gate'));
    const { resumed, late } = await waitingForResume(run);
    run.open();
    expectExit(await resumed, 0);
    expectExit(await late, 0);
    expect(marked(run).every((name) => name.endsWith('.') && !name.endsWith('..'))).toBe(true);
  });

  test('that has waited takes the run as it is then', async () => {
    const run = await prepared();
    const { resumed, late } = await waitingForResume(run);
    const paths = runPaths(run.out);
    const manifest = await readManifest(paths.manifest);
    if (manifest === undefined) throw new Error('no manifest');
    writeManifest(paths, { ...manifest, pack: 4 });
    resumed.kill('SIGKILL');
    await resumed;
    const { exitCode, stderr } = await late;
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('0 to 0 (4 tasks, 4 an element), got 3')]);
  });

  test('that is killed goes on after its last whole line', async () => {
    const run = await prepared();
    const element = run.element(1);
    await until('the wait', () => fs.existsSync(join(run.marks, 'x=6')) && doneLines(run.out) === 2);
    element.kill('SIGKILL');
    await element;
    run.open();
    expectExit(await run.element(1), 0);
    expect(marked(run)).toEqual(['x=4.', 'x=5.', 'x=6..', 'x=7.']);
  });

  test('finishes its points in hand however often SIGINT comes, and ends at once by SIGTERM after it', async () => {
    const run = await prepared();
    const stopping = async (index: number): Promise<{ element: ReturnType<typeof start> }> => {
      const element = run.element(index);
      await until('the wait', () => fs.existsSync(join(run.marks, `x=${String(4 * index + 2)}`)));
      let told = '';
      element.stderr?.on('data', (text) => (told += String(text)));
      element.kill('SIGINT');
      await until('the stop', () => told.includes('Stopping'));
      return { element };
    };
    const { element: killed } = await stopping(1);
    killed.kill('SIGTERM');
    expectExit(await killed, 130);
    const { element } = await stopping(0);
    element.kill('SIGINT');
    await new Promise((resolve) => setTimeout(resolve, 500));
    run.open();
    expectExit(await element, 130);
    for (const index of [0, 1]) expectExit(await run.element(index), 0);
    expect(marked(run)).toEqual(['x=0.', 'x=1.', 'x=2.', 'x=3.', 'x=4.', 'x=5.', 'x=6..', 'x=7.']);
  });

  test('stops before its time limit with exit code 75, and goes on', async () => {
    const run = await prepared();
    const { exitCode, stderr } = await run.element(0, ['--time-limit', '1s']);
    expect([exitCode, stderr]).toEqual([
      75,
      expect.stringContaining('task 0: stopped, 2 points computed now, 2 points to go'),
    ]);
    run.open();
    expectExit(await run.element(0, ['--time-limit', '1m']), 0);
  });

  testWith(
    'posix',
    'is put back into the queue by Slurm, unless that refuses or it would never end',
    async () => {
      const run = await prepared();
      const bin = join(run.out, '..', 'bin');
      fs.outputFileSync(join(bin, 'squeue'), '#!/bin/sh\necho "${STATE:-RUNNING}"\n', { mode: 0o755 });
      fs.outputFileSync(
        join(bin, 'scontrol'),
        `#!/bin/sh\necho "$*" >>'${bin}/asked'\n[ -z "$REFUSES" ] || { echo 'Requested operation is presently disabled' >&2; exit 1; }\n`,
        { mode: 0o755 },
      );
      const env = {
        PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}`,
        SLURM_JOB_ID: '9',
        SLURM_ARRAY_JOB_ID: '7',
        SLURM_ARRAY_TASK_ID: '0',
      };
      const limit = ['--time-limit', '1s', '--requeue'];
      const back = await run.element(0, limit, env);
      expect([back.exitCode, back.stderr]).toEqual([
        75,
        expect.stringContaining('It goes back into the queue'),
      ]);
      expect(read(bin, 'asked')).toBe('requeue 7_0\n');
      // Two points are done, and the third never ends.
      const never = await run.element(0, limit, env);
      expect([never.exitCode, never.stderr]).toEqual([75, expect.stringContaining('No point was finished')]);
      const refused = await run.element(1, limit, { ...env, REFUSES: '1' });
      expect([refused.exitCode, refused.stderr]).toEqual([
        75,
        expect.stringContaining('(Requested operation is presently disabled); go on with: fanfold resume'),
      ]);
      const cancelled = await run.element(2, limit, { ...env, STATE: 'COMPLETING' });
      expect([cancelled.exitCode, cancelled.stderr]).toEqual([
        75,
        expect.stringContaining('Slurm ends this element (COMPLETING)'),
      ]);
      expect(read(bin, 'asked')).toBe('requeue 7_0\nrequeue 7_0\n');
      // In a job of the user's own, that one is left alone.
      const { SLURM_JOB_ID } = env;
      const own = await run.element(3, ['--time-limit', '1s'], { PATH: env.PATH, SLURM_JOB_ID });
      expect(own.exitCode).toBe(75);
      expect(read(bin, 'asked')).toBe('requeue 7_0\nrequeue 7_0\n');
    },
  );

  testWith('python3', 'says what of its worker is missing on its machine', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'run');
    const python = join(folder, 'python');
    fs.symlinkSync('/usr/bin/python3', python);
    const model = writeWorker(folder, 'model.py', 'def f(x):\n    return x\n');
    expectExit(
      await fanfold([`${model}:f`, '--range', '0:4', '--tasks', '2', '--python', python, '--out', out]),
      0,
    );
    fs.removeSync(join(out, 'task_index=0.txt'));
    fs.removeSync(join(out, 'result.txt'));
    fs.renameSync(python, `${python}-moved`);
    const gone = await fanfold(['element', out, '0']);
    expect([gone.exitCode, gone.stderr]).toEqual([
      2,
      expect.stringContaining(`Expected the Python interpreter ${python}, with which`),
    ]);
    fs.renameSync(`${python}-moved`, python);
    writeWorker(folder, 'model.py', 'def f(x):\n    return x + 1\n');
    const changed = await fanfold(['element', out, '0']);
    expect([changed.exitCode, changed.stderr]).toEqual([
      2,
      expect.stringContaining('[FANFOLD_CHANGED_WORKER]'),
    ]);
  });

  testWith('python3', 'refuses a file that changed which only its function imports', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'run');
    const late = (k: number): string => writeWorker(folder, 'late.py', `K = ${String(k)}\n`);
    const model = writeWorker(
      folder,
      'model.py',
      'import os\ndef f(x):\n    import late\n    if x % 2 and not os.environ.get("MENDED"):\n        raise ValueError("no")\n    return x * late.K\n',
    );
    const spec = [`${model}:f`, '--range', '0:6', '--tasks', '3', '--out', out];
    expectExit(await fanfold(['template', 'slurm', ...spec]), 0);
    const env = { MENDED: '1' };
    const retry = (element: number): ReturnType<typeof fanfold> =>
      fanfold(['element', out, String(element), '--retry'], { env });
    const changed = [2, expect.stringContaining('changed since: late.py')];

    // By the same element, and by the whole run.
    late(1);
    expectExit(await fanfold(['element', out, '0']), 1);
    late(500);
    for (const ended of [await retry(0), await fanfold(['retry', out], { env })])
      expect([ended.exitCode, ended.stderr]).toEqual(changed);
    // Another element does not know of it, and so two versions have computed.
    expectExit(await retry(1), 0);
    for (const k of [1, 500]) {
      late(k);
      const { exitCode, stderr } = await fanfold(['resume', out], { env });
      expect([exitCode, stderr]).toEqual(changed);
      expect(stderr).toContain('late.py (several versions of it have computed)');
    }
    late(1);
    for (const element of [0, 2]) expectExit(await retry(element), 0);
    const folded = await fanfold(['fold', out]);
    expect([folded.exitCode, folded.stderr]).toEqual([
      1,
      expect.stringContaining('several versions have computed of: late.py'),
    ]);
    expect(fs.existsSync(join(out, 'result.txt'))).toBe(false);

    expectExit(await fanfold(['resume', out, '--allow-changed-worker']), 0);
    expect(read(out, 'result.txt')).toBe('0   0\n1   1\n2   1000\n3   1500\n4   4\n5   5\n');
    expectExit(await fanfold(['verify', out]), 0);
    // From now on the manifest says how it is to be, to elements as well.
    fs.removeSync(join(out, 'task_index=1.txt'));
    fs.removeSync(join(out, 'result.txt'));
    late(500);
    const old = await retry(1);
    expect([old.exitCode, old.stderr]).toEqual(changed);
    late(1);
    expectExit(await retry(1), 0);
    expectExit(await fanfold(['fold', out]), 0);
    expect(read(out, 'result.txt')).toContain('2   2\n3   3\n');
  });
});

test('a command for Slurm is refused, and nothing left behind, where there is no Slurm', async () => {
  const out = join(temporaryFolder(), 'run');
  const command = ['--', process.execPath, '-e', '0', '{x}'];
  for (let tries = 0; tries < 4; tries++) {
    const words = ['--range', '0:4', '--engine', 'slurm', '--out', out, ...command];
    const { exitCode, stderr } = await fanfold(words, { env: { PATH: '/nowhere' } });
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining("Expected Slurm's commands on PATH")]);
  }
  expect(fs.existsSync(out)).toBe(false);
}, 30_000);
