import { expect, test } from '@jest/globals';
import fs from 'fs-extra';
import { join } from 'node:path';
import { expectExit, fanfold, temporaryFolder, writeWorker } from './command.js';

const POINTS = 4000;
/** The records of the failures take 65 MB, and more as objects. */
const SMALL = { env: { NODE_OPTIONS: '--max-old-space-size=60' } };

test('more failures than memory holds are recorded, told, repaired and retried', async () => {
  const folder = temporaryFolder();
  const out = join(folder, 'out');
  const worker = writeWorker(
    folder,
    'w.mjs',
    `import { existsSync } from 'node:fs';
     export default ({ x, folder }) => {
       if (!existsSync(folder + '/mended')) throw new Error('no ' + x + ' '.repeat(20_000));
       return x;
     };\n`,
  );
  const range = ['--range', `0:${String(POINTS)}`, '--set', `folder=${folder}`];
  const run = await fanfold([worker, ...range, '--tasks', '4', '--out', out], SMALL);
  expectExit(run, 1);
  expect(run.stderr).toContain('4,000 points failed');
  expect(run.stderr).toMatch(/ point 2 .*x=2\): Error: no 2 {100,} … {100,} \[your code/);
  expect(run.stderr.length).toBeLessThan(14_000);

  const status = await fanfold(['status', out, '--json'], SMALL);
  expectExit(status, 0);
  expect((JSON.parse(status.stdout) as { failedPoints: number[] }).failedPoints).toHaveLength(POINTS);

  const journal = join(out, 'failures.jsonl');
  const before = fs.readFileSync(journal);
  const bytes = Buffer.from(before);
  bytes[20] = (bytes[20] ?? 0) ^ 1;
  fs.writeFileSync(journal, bytes);
  expectExit(await fanfold(['verify', out], SMALL), 1);
  await fanfold(['verify', out, '--repair'], SMALL);
  expect(linesOf(fs.readFileSync(journal))).toEqual(linesOf(before).slice(1));

  fs.writeFileSync(join(folder, 'mended'), '');
  expectExit(await fanfold(['retry', out], SMALL), 0);
  expect(fs.readFileSync(join(out, 'result.txt'), 'utf8').split('\n')).toHaveLength(POINTS + 1);
});

/** An empty line stands where one process appended while it saw only half of what another one did. */
function linesOf(bytes: Buffer): string[] {
  return bytes
    .toString()
    .split('\n')
    .filter((line) => line !== '');
}
