import fs from 'fs-extra';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { fanfold, read, temporaryFolder, writeWorker } from './command.js';

interface Manifest {
  readonly proof: {
    readonly indices: string;
    readonly result: { header: string; lines: number; bytes: number; sha256: string };
    readonly failed: { count: number; ranges: string };
    readonly nan: { count: number; ranges: string };
    readonly tasks: { start: number; stop: number; lines: number; bytes: number; sha256: string }[];
  };
}

function manifestOf(directory: string): Manifest {
  return JSON.parse(read(directory, 'sweep.json')) as Manifest;
}

function sha256Of(...path: string[]): string {
  return createHash('sha256')
    .update(fs.readFileSync(join(...path)))
    .digest('hex');
}

describe('the proof at the fold', () => {
  test('has the range, lines, bytes and hash of every task and of the result', async () => {
    const out = join(temporaryFolder(), 'run');
    await fanfold(['--range', '0:17', '--tasks', '4', '--header', '--out', out]);
    const { proof } = manifestOf(out);
    expect(proof).toMatchObject({ indices: '0-16', failed: { count: 0 }, nan: { count: 0, ranges: '' } });
    expect(proof.result).toEqual({
      header: '# x y\n',
      lines: 18,
      bytes: fs.statSync(join(out, 'result.txt')).size,
      sha256: sha256Of(out, 'result.txt'),
    });
    expect(proof.tasks.map(({ start, stop, lines }) => [start, stop, lines])).toEqual([
      [0, 5, 5],
      [5, 10, 5],
      [10, 15, 5],
      [15, 17, 2],
    ]);
    expect(proof.tasks.map(({ sha256 }) => sha256)).toEqual(
      proof.tasks.map((_, task) => sha256Of(out, `task_index=${String(task)}.txt`)),
    );
    // One line for each task.
    expect(read(out, 'sweep.json').match(/^ +\{"start":\d+,"stop":\d+,.*\},?$/gm)?.length).toBe(4);
  });

  test.each(['txt', 'csv', 'jsonl'])('lists the points with a nan in a result, in %s', async (format) => {
    const folder = temporaryFolder();
    const code =
      "export default ({ x }) => ({ name: x === 2 ? 'nancy' : 'banana', re: x > 4 && x < 8 ? NaN : x, z: { re: 1, im: x === 19 ? NaN : 0 } });\n";
    const worker = writeWorker(folder, 'w.mjs', code);
    const out = join(folder, 'run');
    await fanfold([worker, '--range', '0:20', '--tasks', '3', '--format', format, '--out', out]);
    expect(manifestOf(out).proof.nan).toEqual({ count: 4, ranges: '5-7,19' });
  });

  test('finds a nan that lies across two blocks of a long file', async () => {
    const folder = temporaryFolder();
    // In each task the word nan begins one byte later, at one of those around 1 MiB.
    const code =
      "export default ({ x }) => ({ text: x % 2 === 0 ? 's'.repeat(2 ** 20 - 20 + x / 2) : 't', y: x % 2 === 0 ? 1 : NaN });\n";
    const out = join(folder, 'run');
    await fanfold([writeWorker(folder, 'w.mjs', code), '--range', '0:20', '--tasks', '10', '--out', out]);
    expect(manifestOf(out).proof.nan).toEqual({ count: 10, ranges: '1,3,5,7,9,11,13,15,17,19' });
  });

  test('makes a result anew that was cut, edited or flipped since, and says so', async () => {
    const out = join(temporaryFolder(), 'run');
    const args = ['--range', '0:17', '--tasks', '4', '--out', out];
    await fanfold(args);
    const whole = fs.readFileSync(join(out, 'result.txt'));
    for (const [index, command] of [args, ['fold', out], ['resume', out]].entries()) {
      const damaged = Buffer.from(whole);
      damaged[index * 7] = (damaged[index * 7] ?? 0) ^ 1;
      fs.writeFileSync(join(out, 'result.txt'), index === 0 ? whole.subarray(0, -1) : damaged);
      expect(JSON.parse((await fanfold(['status', out, '--json'])).stdout)).toMatchObject({
        state: 'incomplete',
      });
      const { exitCode, stderr } = await fanfold(command);
      expect([exitCode, stderr]).toEqual([0, expect.stringContaining('result.txt was damaged or edited')]);
      expect(fs.readFileSync(join(out, 'result.txt'))).toEqual(whole);
    }
    expect((await fanfold(args)).stderr).not.toContain('damaged');
  });

  test('makes up for a journal that is lost: finished tasks are known by it', async () => {
    const out = join(temporaryFolder(), 'run');
    const args = ['--range', '0:17', '--tasks', '4', '--header', '--out', out];
    await fanfold(args);
    const whole = read(out, 'result.txt');
    for (const name of ['events.jsonl', 'result.txt']) fs.removeSync(join(out, name));
    const { exitCode, stderr } = await fanfold(args);
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining('nothing to compute')]);
    expect(read(out, 'result.txt')).toBe(whole);
    expect(fs.readdirSync(out).filter((name) => name.includes('foreign'))).toEqual([]);
  });

  test('is read from the copy of a damaged manifest, which is put back', async () => {
    const out = join(temporaryFolder(), 'run');
    const args = ['--range', '0:17', '--tasks', '4', '--out', out];
    await fanfold(args);
    const whole = read(out, 'sweep.json');
    fs.writeFileSync(join(out, 'sweep.json'), whole.slice(0, 100));
    const status = await fanfold(['status', out]);
    expect([status.exitCode, status.stderr]).toEqual([0, expect.stringContaining('sweep.json.copy is read')]);
    expect((await fanfold(args)).stderr).toContain('sweep.json.copy is read');
    expect(read(out, 'sweep.json')).toBe(whole);
    for (const name of ['sweep.json', 'sweep.json.copy']) fs.truncateSync(join(out, name), 50);
    for (const command of [args, ['resume', out], ['status', out], ['fold', out]]) {
      const { exitCode, stderr } = await fanfold(command);
      expect([exitCode, stderr]).toEqual([2, expect.stringContaining('FANFOLD_MANIFEST')]);
      expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    }
  });
});
