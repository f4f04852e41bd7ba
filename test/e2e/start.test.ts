import { expect, test } from '@jest/globals';
import { execa } from 'execa';
import fs from 'fs-extra';
import { join } from 'node:path';
import { GOLDEN, read, temporaryFolder } from './command.js';

/** A copy of the package, to be damaged. */
function packageCopy(): { home: string; caches: string[] } {
  const home = temporaryFolder();
  for (const name of ['dist', 'workers', 'package.json']) fs.copySync(name, join(home, name));
  fs.symlinkSync(join(process.cwd(), 'node_modules'), join(home, 'node_modules'));
  const caches = fs.readdirSync(join(home, 'dist')).filter((name) => name.endsWith('.cache'));
  return { home, caches: caches.map((name) => join(home, 'dist', name)) };
}

async function sweep(home: string): Promise<string> {
  const out = join(temporaryFolder(), 'out');
  const run = ['--range', '0:17', '--tasks', '4', '--out', out];
  await execa('node', [join(home, 'dist', 'cli.cjs'), ...run]);
  return read(out, 'result.txt');
}

const RESULT = read(GOLDEN, 'article_section6', 'result.txt');

test.each([
  [
    'are missing',
    (cache: string) => {
      fs.rmSync(cache);
    },
  ],
  [
    'are empty',
    (cache: string) => {
      fs.writeFileSync(cache, '');
    },
  ],
  [
    'are cut short',
    (cache: string) => {
      fs.truncateSync(cache, 5000);
    },
  ],
  [
    'are of another version',
    (cache: string) => {
      const bytes = fs.readFileSync(cache);
      bytes.fill(0xff, 4, 8);
      fs.writeFileSync(cache, bytes);
    },
  ],
])('runs where the code caches %s', async (_, damage) => {
  const { home, caches } = packageCopy();
  expect(caches).toHaveLength(2);
  caches.forEach(damage);
  expect(await sweep(home)).toBe(RESULT);
});
