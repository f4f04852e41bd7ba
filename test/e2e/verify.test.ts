import fs from 'fs-extra';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { events, fanfold, read, start, temporaryFolder, until, writeWorker } from './command.js';

interface Json {
  readonly isWell: boolean;
  readonly problems: { file: string; kind: string; text: string }[];
}

/** A complete run of three tasks, and a file in which its worker leaves a line for each point. */
async function completeRun(): Promise<{ out: string; marks: string; args: string[] }> {
  const folder = temporaryFolder();
  const marks = join(folder, 'marks');
  const code = `import { appendFileSync } from 'node:fs';
export default ({ x }) => { appendFileSync(${JSON.stringify(marks)}, x + '\\n'); return x / 4; };
`;
  const out = join(folder, 'run');
  const points = join(folder, 'p.csv');
  fs.writeFileSync(points, `x\n${Array.from({ length: 12 }, (_, x) => `${String(x)}\n`).join('')}`);
  const args = [writeWorker(folder, 'w.mjs', code), '--points', points, '--tasks', '3', '--out', out];
  expect((await fanfold(args)).exitCode).toBe(0);
  return { out, marks, args };
}

function flipByte(path: string, place: number): void {
  const bytes = fs.readFileSync(path);
  bytes[place] = (bytes[place] ?? 0) ^ 4;
  fs.writeFileSync(path, bytes);
}

/** A run of ten tasks that stops each time at a point or two of those behind the first. */
function stoppedRun(): { out: string; args: string[]; result: string; marks: string } {
  const folder = temporaryFolder();
  const [out, marks] = [join(folder, 'run'), join(folder, 'marks')];
  const code = `import { appendFileSync } from 'node:fs';
export default async ({ x }) => {
  if (x >= 2) await new Promise((_, fail) => setTimeout(fail, 200, new Error('no')));
  appendFileSync(${JSON.stringify(marks)}, x + ' ');
  return x;
};
`;
  const args = [
    writeWorker(folder, 'w.mjs', code),
    '--range',
    '0:20',
    '--tasks',
    '10',
    '--jobs',
    '1',
    '--out',
    out,
  ];
  return { out, args, result: '0   0\n1   1\n', marks };
}

describe('fanfold verify', () => {
  test('says of a whole run that all is well, and writes nothing', async () => {
    const { out } = await completeRun();
    const before = fs.readdirSync(out);
    const { exitCode, stdout, stderr } = await fanfold(['verify', out]);
    expect([exitCode, stderr]).toEqual([0, '']);
    expect(stdout).toContain('all well: 3 of 3 task files, 12 of 12 points');
    expect(fs.readdirSync(out)).toEqual(before);
  });

  test('names each damaged file and what is wrong, with exit code 1', async () => {
    const { out } = await completeRun();
    fs.removeSync(join(out, 'task_index=0.txt'));
    fs.truncateSync(join(out, 'task_index=1.txt'), 9);
    flipByte(join(out, 'task_index=2.txt'), 3);
    flipByte(join(out, 'worker.mjs'), 3);
    flipByte(join(out, 'points.json'), 3);
    flipByte(join(out, 'sweep.json.copy'), 30);
    fs.appendFileSync(join(out, 'result.txt'), '12   3.0\n');
    const { exitCode, stdout } = await fanfold(['verify', out, '--json']);
    expect(exitCode).toBe(1);
    const { isWell, problems } = JSON.parse(stdout) as Json;
    expect(isWell).toBe(false);
    expect(problems.map(({ file, kind }) => [file, kind])).toEqual([
      ['sweep.json.copy', 'edited'],
      ['worker.mjs', 'edited'],
      ['points.json', 'edited'],
      ['task_index=0.txt', 'missing'],
      ['task_index=1.txt', 'truncated'],
      ['task_index=2.txt', 'edited'],
      ['result.txt', 'edited'],
    ]);
    const said = (await fanfold(['verify', out])).stdout;
    expect(said).toContain('truncated  task_index=1.txt: 9 bytes and 1 lines, recorded were');
    expect(said).toContain(`7 problems. Mend with: fanfold verify ${out} --repair`);
  });

  test('--repair puts damaged tasks back from the result, and computes nothing', async () => {
    const { out, marks } = await completeRun();
    const [result, before] = [read(out, 'result.txt'), read(marks)];
    const task = read(out, 'task_index=1.txt');
    fs.removeSync(join(out, 'task_index=0.txt'));
    flipByte(join(out, 'task_index=1.txt'), 3);
    flipByte(join(out, 'worker.mjs'), 3);
    fs.writeFileSync(join(out, 'points.json'), 'nonsense');
    fs.truncateSync(join(out, 'sweep.json'), 30);
    const { exitCode, stdout, stderr } = await fanfold(['verify', out, '--repair', '--json']);
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining('put back from result.txt')]);
    expect((JSON.parse(stdout) as Json).isWell).toBe(true);
    expect([read(out, 'result.txt'), read(out, 'task_index=1.txt')]).toEqual([result, task]);
    expect(read(marks)).toBe(before);
    expect(fs.existsSync(join(out, 'task_index=1.txt.damaged-1'))).toBe(true);
    expect(events(out, 'repair')).toHaveLength(1);
  });

  test('--repair computes just the task that is damaged in the result too', async () => {
    const { out, marks } = await completeRun();
    const result = read(out, 'result.txt');
    fs.removeSync(marks);
    flipByte(join(out, 'task_index=1.txt'), 3);
    flipByte(join(out, 'task_index=2.txt'), 3);
    flipByte(join(out, 'result.txt'), result.indexOf('5   '));
    const { exitCode } = await fanfold(['verify', out, '--repair']);
    expect(exitCode).toBe(0);
    expect(read(out, 'result.txt')).toBe(result);
    expect(read(marks)).toBe('4\n5\n6\n7\n');
  });

  test('a fold that meets a damaged task names the command that mends it', async () => {
    const { out } = await completeRun();
    const result = read(out, 'result.txt');
    flipByte(join(out, 'task_index=1.txt'), 3);
    fs.truncateSync(join(out, 'result.txt'), 40);
    const { exitCode, stderr } = await fanfold(['fold', out]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`fanfold verify ${out} --repair`);
    expect(stderr).toContain('FANFOLD_DAMAGED');
    expect((await fanfold(['verify', out, '--repair'])).exitCode).toBe(0);
    expect(read(out, 'result.txt')).toBe(result);
  });

  test.each(['sweep.json', 'events.jsonl', 'task_index=1.txt', 'result.txt', 'points.json', 'worker.mjs'])(
    'the same command again is enough where %s is lost, cut or edited',
    async (name) => {
      const { out, marks, args } = await completeRun();
      const [result, before] = [read(out, 'result.txt'), read(marks)];
      for (const damage of [
        () => {
          fs.removeSync(join(out, name));
        },
        () => {
          fs.outputFileSync(join(out, name), '{"cut');
        },
      ]) {
        damage();
        const { exitCode, stderr } = await fanfold(args);
        expect([exitCode, stderr]).toEqual([0, expect.not.stringContaining('    at ')]);
        expect(read(out, 'result.txt')).toBe(result);
      }
      expect(read(marks)).toBe(before);
    },
  );

  test('knows how much of a part is as it was written, and --repair leaves that', async () => {
    const folder = temporaryFolder();
    const gate = join(folder, 'gate');
    const code = `import { existsSync } from 'node:fs';
export default async ({ x }) => { while (x === 4 && !existsSync(${JSON.stringify(gate)})) await new Promise((r) => setTimeout(r, 10)); return x; };
`;
    const out = join(folder, 'run');
    const args = [writeWorker(folder, 'w.mjs', code), '--range', '0:6', '--tasks', '1', '--out', out];
    const part = join(out, 'task_index=0.txt.part');
    const run = start(args);
    await until('four lines', () => fs.existsSync(part) && fs.readFileSync(part).length === 24);
    run.kill('SIGKILL');
    await run;
    expect((await fanfold(['verify', out])).stdout).toContain('all well: 0 of 1 task file, 4 of 6 points');
    flipByte(part, 20);
    const { exitCode, stdout } = await fanfold(['verify', out]);
    expect([exitCode, stdout]).toEqual([1, expect.stringContaining('edited     task_index=0.txt.part: ')]);
    const repaired = await fanfold(['verify', out, '--repair']);
    expect([repaired.exitCode, repaired.stdout]).toEqual([0, expect.stringContaining('fanfold resume')]);
    fs.writeFileSync(gate, '');
    expect((await fanfold(args)).exitCode).toBe(0);
    expect(read(out, 'result.txt')).toBe('0   0\n1   1\n2   2\n3   3\n4   4\n5   5\n');
  });

  test('--repair of a run under way leaves a damaged task to the resume', async () => {
    const { out, args, result, marks } = stoppedRun();
    const stopped = await fanfold([...args, '--on-error', 'stop']);
    expect(stopped.exitCode).toBe(1);
    const task = join(out, 'task_index=0.txt');
    const before = read(marks);
    for (let times = 1; times <= 2; times++) {
      fs.truncateSync(task, fs.statSync(task).size - 2);
      const repaired = await fanfold(['verify', out, '--repair']);
      expect([repaired.exitCode, repaired.stdout]).toEqual([0, expect.stringContaining('fanfold resume')]);
      expect((await fanfold(['verify', out])).exitCode).toBe(0);
      expect(fs.existsSync(task)).toBe(false);
      expect((await fanfold(['resume', out, '--on-error', 'stop'])).exitCode).toBe(1);
      expect((await fanfold(['verify', out])).exitCode).toBe(0);
      expect(read(task)).toBe(result);
    }
    expect(read(marks)).toBe(before + '0 1 0 1 ');
  });

  test('of a run with failed points misses their records', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'run');
    const code = "export default ({ x }) => { if (x === 1) throw new Error('no'); return x; };\n";
    const args = [writeWorker(folder, 'w.mjs', code), '--range', '0:3', '--tasks', '1', '--out', out];
    expect((await fanfold(args)).exitCode).toBe(1);
    expect((await fanfold(['verify', out])).exitCode).toBe(0);
    fs.removeSync(join(out, 'failures.jsonl'));
    const { exitCode, stdout } = await fanfold(['verify', out]);
    expect([exitCode, stdout]).toEqual([1, expect.stringContaining('missing    failures.jsonl')]);
    const repaired = await fanfold(['verify', out, '--repair']);
    expect([repaired.exitCode, repaired.stdout]).toEqual([0, expect.stringContaining('all well')]);
  });

  test('holds a result with nan for failed points against its proof too, and mends it', async () => {
    const folder = temporaryFolder();
    const code = "export default ({ x }) => { if (x === 5) throw new Error('no'); return x / 4; };\n";
    const out = join(folder, 'run');
    const args = [writeWorker(folder, 'w.mjs', code), '--range', '0:12', '--tasks', '3', '--out', out];
    expect((await fanfold([...args, '--on-error', 'nan'])).exitCode).toBe(1);
    const result = read(out, 'result.txt');
    const well = await fanfold(['verify', out]);
    expect([well.exitCode, well.stdout]).toEqual([0, expect.stringContaining('1 point failed (5)')]);
    for (const damage of [
      () => {
        fs.truncateSync(join(out, 'result.txt'), 10);
      },
      () => {
        flipByte(join(out, 'task_index=2.txt'), 3);
      },
      () => {
        flipByte(join(out, 'task_index=1.txt.part'), 1);
      },
    ]) {
      damage();
      expect((await fanfold(['verify', out])).exitCode).toBe(1);
      const { exitCode, stderr } = await fanfold(['verify', out, '--repair']);
      expect([exitCode, stderr]).toEqual([0, expect.any(String)]);
      expect(read(out, 'result.txt')).toBe(result);
    }
  });

  test('of what is no run, or of a run at work, says so', async () => {
    const folder = temporaryFolder();
    const none = await fanfold(['verify', folder]);
    expect([none.exitCode, none.stderr]).toEqual([2, expect.stringContaining('FANFOLD_MANIFEST')]);
    const gate = join(folder, 'gate');
    const code = `import { existsSync } from 'node:fs';
export default async ({ x }) => { while (!existsSync(${JSON.stringify(gate)})) await new Promise((r) => setTimeout(r, 10)); return x; };
`;
    const out = join(folder, 'run');
    const run = start([writeWorker(folder, 'w.mjs', code), '--range', '0:2', '--out', out]);
    await until('a start', () => fs.existsSync(join(out, 'events.jsonl')) && events(out, 'start').length > 0);
    const { exitCode, stdout } = await fanfold(['verify', out]);
    expect([exitCode, stdout]).toEqual([0, expect.stringContaining('is at work on this run')]);
    fs.writeFileSync(gate, '');
    expect((await run).exitCode).toBe(0);
  });
});
