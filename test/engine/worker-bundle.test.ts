import { describe, expect, test } from '@jest/globals';
import { execa } from 'execa';
import fs from 'fs-extra';
import { join } from 'node:path';
import { temporaryFolder } from '../e2e/command.js';

// esbuild refuses to run inside jest's own context, so the bundle is made by the built command's dry relative: a run.
const COMMAND = join(process.cwd(), 'dist', 'cli.cjs');

async function bundle(
  folder: string,
  worker: string,
): Promise<{ code: string; files: Record<string, string> }> {
  const out = join(folder, 'run');
  await execa(process.execPath, [
    COMMAND,
    join(folder, worker),
    '--range',
    '0:1',
    '--out',
    out,
    '--force',
    '-q',
  ]);
  const manifest = fs.readJsonSync(join(out, 'sweep.json')) as { worker: { files: Record<string, string> } };
  return { code: fs.readFileSync(join(out, 'worker.mjs'), 'utf8'), files: manifest.worker.files };
}

describe('the bundle of a worker', () => {
  test('names and hashes every file of the user’s, and no package’s', async () => {
    const folder = temporaryFolder();
    fs.outputFileSync(
      join(folder, 'node_modules/dep/package.json'),
      '{"name":"dep","type":"module","exports":"./i.js"}',
    );
    fs.outputFileSync(join(folder, 'node_modules/dep/i.js'), 'export const one = 1;\n');
    fs.outputFileSync(join(folder, 'lib/a.ts'), 'export const a: number = 1;\n');
    fs.outputFileSync(join(folder, 'data.json'), '{"k": 3}');
    fs.outputFileSync(
      join(folder, 'w.ts'),
      "import { z } from 'zod';\nimport { one } from 'dep';\nimport data from './data.json';\nimport { a } from './lib/a.js';\nexport const schema = z.object({ x: z.number() });\nexport default () => a + one + data.k;\n",
    );
    const { code, files } = await bundle(folder, 'w.ts');
    expect(Object.keys(files).sort()).toEqual(['data.json', 'lib/a.ts', 'w.ts']);
    expect(Object.values(files).every((hash) => /^[0-9a-f]{64}$/.test(hash))).toBe(true);
    expect(code).toContain('node_modules/dep/i.js');
    expect(code).not.toContain('export const one');
    expect(fs.readFileSync(join(folder, 'run/result.txt'), 'utf8')).toBe('0   5\n');
  });

  test('may import what only fanfold has installed: zod and fanfold itself', async () => {
    const folder = temporaryFolder();
    const code =
      "import { z } from 'zod';\nimport { slice } from 'fanfold';\nexport const schema = z.object({ x: z.number() });\nexport default ({ x }) => slice(17, 4)[x].stop;\n";
    fs.outputFileSync(join(folder, 'w.mjs'), code);
    await bundle(folder, 'w.mjs');
    expect(fs.readFileSync(join(folder, 'run/result.txt'), 'utf8')).toBe('0   5\n');
  });

  test('keeps each file’s own place', async () => {
    const folder = temporaryFolder();
    fs.outputFileSync(
      join(folder, 'deep/place.ts'),
      'export const here: string = import.meta.url;\nexport const text = "import.meta.url";\n',
    );
    fs.outputFileSync(
      join(folder, 'w.ts'),
      "import { here, text } from './deep/place.js';\nexport default () => ({ here, own: import.meta.url, text });\n",
    );
    await bundle(folder, 'w.ts');
    const row = fs.readFileSync(join(folder, 'run/result.txt'), 'utf8').trimEnd().split('   ').slice(1);
    expect(row.map((url) => url.split('/').slice(-2).join('/'))).toEqual([
      'deep/place.ts',
      `${folder.split('/').at(-1) ?? ''}/w.ts`,
      'import.meta.url',
    ]);
  });
});
