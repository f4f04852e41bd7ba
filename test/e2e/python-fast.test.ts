import { describe, expect } from '@jest/globals';
import fs from 'fs-extra';
import { join } from 'node:path';
import { testWith } from '../tools.js';
import { failures, fanfold, read, start, temporaryFolder, until, writeWorker } from './command.js';

// Fast points are computed many at a time; nothing of that may show.

const POINTS = 100_000;

describe('a Python function that is fast', () => {
  testWith('python3', 'has every line in the file while one point holds its process', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'run');
    const gate = join(folder, 'gate');
    const code =
      'import os, time\ndef f(x):\n    if x == 77_777:\n        while not os.path.exists(os.environ["GATE"]):\n            time.sleep(0.01)\n    return x\n';
    const worker = `${writeWorker(folder, 'model.py', code)}:f`;
    const args = [worker, '--range', `0:${String(POINTS)}`, '--tasks', '1', '--out', out];
    const run = start(args, { env: { GATE: gate } });
    const part = join(out, 'task_index=0.txt.part');
    await until(
      'all lines before the slow point',
      () => fs.existsSync(part) && lines(part).length === 77_777,
    );
    fs.writeFileSync(gate, '');
    expect((await run).exitCode).toBe(0);
    expect(read(out, 'result.txt')).toBe(
      Array.from({ length: POINTS }, (_, x) => `${String(x)}   ${String(x)}\n`).join(''),
    );
  });

  testWith('python3', 'fails at single points alone, whatever it raises or returns there', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'run');
    const code =
      'def f(x):\n    if x == 50_000: raise ValueError("half")\n    if x == 60_000: raise StopIteration("early")\n    if x == 70_000: return object()\n    if x == 80_000: raise SystemExit(3)\n    return x if x % 2 else x / 2\n';
    const worker = `${writeWorker(folder, 'model.py', code)}:f`;
    const { exitCode } = await fanfold([
      worker,
      '--range',
      `0:${String(POINTS)}`,
      '--tasks',
      '1',
      '--out',
      out,
    ]);
    expect(exitCode).toBe(1);
    const bad = [50_000, 60_000, 70_000, 80_000];
    const found = lines(join(out, 'task_index=0.txt.part'));
    expect(found).toEqual(
      Array.from({ length: POINTS }, (_, x) => {
        if (bad.includes(x)) return `# failed ${String(x)}`;
        const half = x / 2;
        return `${String(x)}   ${x % 2 === 1 ? String(x) : Number.isInteger(half) ? `${String(half)}.0` : String(half)}`;
      }),
    );
    const failed = failures(out);
    expect(failed.map(({ index }) => index)).toEqual(bad);
    expect(failed.map(({ error }) => error)).toEqual([
      'ValueError: half',
      'StopIteration: early',
      expect.stringContaining('got an object'),
      'SystemExit: 3',
    ]);
  });
});

function lines(path: string): string[] {
  return read(path).split('\n').slice(0, -1);
}
