import fs from 'fs-extra';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { expectExit, fanfold, read, temporaryFolder, writeWorker } from './command.js';

/** A complete run of two tasks, and a file in which its worker leaves a line for each point. */
async function completeRun(): Promise<{ out: string; task: string; marks: string; args: string[] }> {
  const folder = temporaryFolder();
  const marks = join(folder, 'marks');
  const code = `import { appendFileSync } from 'node:fs';
export default ({ x }) => { appendFileSync(${JSON.stringify(marks)}, x + '\\n'); return 2 * x; };
`;
  const out = join(folder, 'run');
  const args = [writeWorker(folder, 'w.mjs', code), '--range', '0:6', '--tasks', '2', '--out', out];
  expectExit(await fanfold(args), 0);
  fs.removeSync(marks);
  return { out, task: join(out, 'task_index=1.txt'), marks, args };
}

const RESULT = '0   0\n1   2\n2   4\n3   6\n4   8\n5   10\n';
const EDITS = [
  ['edited to the same length', '3   7\n4   8\n5   10\n'],
  ['made longer', '3   6\n4   8\n5   10\n6   12\n'],
  ['cut off', '3   6\n'],
] as const;

describe.each(EDITS)('a task file that was %s', (_, edited) => {
  test('is put back from the result by the same command, which keeps the edited one and says so', async () => {
    const { out, task, marks, args } = await completeRun();
    fs.writeFileSync(task, edited);
    const { exitCode, stderr } = await fanfold(args);
    expect([exitCode, stderr]).toEqual([
      0,
      expect.stringContaining('are kept as: task_index=1.txt.damaged-1'),
    ]);
    expect(stderr).toContain('put back from result.txt: task_index=1.txt');
    expect([read(out, 'result.txt'), read(task)]).toEqual([RESULT, '3   6\n4   8\n5   10\n']);
    expect(read(`${task}.damaged-1`)).toBe(edited);
    expect(fs.existsSync(marks)).toBe(false);
  });

  test.each(['run', 'resume', 'retry'])('is refused by %s where no result holds it', async (command) => {
    const { out, task, marks, args } = await completeRun();
    fs.writeFileSync(task, edited);
    fs.removeSync(join(out, 'result.txt'));
    const { exitCode, stderr } = await fanfold(command === 'run' ? args : [command, out]);
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('[FANFOLD_DAMAGED]')]);
    expect(stderr).toContain(`Expected ${task} to hold the 3 lines`);
    expect(stderr).toContain(`fanfold verify ${out} --repair`);
    expect([read(task), fs.existsSync(join(out, 'result.txt')), fs.existsSync(marks)]).toEqual([
      edited,
      false,
      false,
    ]);
    expectExit(await fanfold(['verify', out, '--repair']), 0);
    expect([read(out, 'result.txt'), read(`${task}.damaged-1`), read(marks)]).toEqual([
      RESULT,
      edited,
      '3\n4\n5\n',
    ]);
  });

  test('shows in the status, with the command that mends it', async () => {
    const { out, task } = await completeRun();
    fs.writeFileSync(task, edited);
    const { stdout } = await fanfold(['status', out]);
    expect(stdout).toContain(`${out}: incomplete`);
    expect(stdout).toContain('changed since finished: task_index=1.txt');
    expect(stdout).toContain(`fanfold verify ${out} --repair`);
    const { changed } = JSON.parse((await fanfold(['status', out, '--json'])).stdout) as {
      changed: string[];
    };
    expect(changed).toEqual(['task_index=1.txt']);
  });
});

test('the status knows a result that was edited to the same length, and does not read one that nobody wrote to', async () => {
  const { out } = await completeRun();
  const result = join(out, 'result.txt');
  // A date is of whole milliseconds, and may be rounded up to after the manifest.
  const written = fs.statSync(result).mtimeMs / 1000 - 1;
  fs.writeFileSync(result, RESULT.replace('6', '7'));
  expect((await fanfold(['status', out])).stdout).toContain(`${out}: incomplete`);
  fs.utimesSync(result, written, written);
  expect((await fanfold(['status', out])).stdout).toContain(`${out}: complete`);
  expect((await fanfold(['verify', out])).exitCode).toBe(1);
  expectExit(await fanfold(['resume', out]), 0);
  expect(read(out, 'result.txt')).toBe(RESULT);
});

test('a task file that was only touched is not taken for a changed one', async () => {
  const { out, task, args } = await completeRun();
  const later = new Date(Date.now() + 60_000);
  fs.utimesSync(task, later, later);
  expect((await fanfold(['status', out])).stdout).toContain(`${out}: complete`);
  expect((await fanfold(args)).stderr).toContain('nothing to compute');
});

test('a finished task whose file was removed is computed again where no result holds it, and named', async () => {
  const { out, task, marks, args } = await completeRun();
  for (const path of [task, join(out, 'result.txt')]) fs.removeSync(path);
  const { exitCode, stderr } = await fanfold(args);
  expect([exitCode, stderr]).toEqual([
    0,
    expect.stringContaining('not there any more, and computed again: task_index=1.txt.'),
  ]);
  expect([read(out, 'result.txt'), read(marks)]).toEqual([RESULT, '3\n4\n5\n']);
});

test('an element of a batch job refuses a changed file of its own', async () => {
  const { out, task } = await completeRun();
  fs.writeFileSync(task, 'edited\n');
  fs.removeSync(join(out, 'result.txt'));
  const args = ['element', out, '1'];
  expect((await fanfold(['element', out, '0'])).exitCode).toBe(0);
  const { exitCode, stderr } = await fanfold(args);
  expect([exitCode, stderr]).toEqual([1, expect.stringContaining('[FANFOLD_DAMAGED]')]);
  expect(read(task)).toBe('edited\n');
});
