import { describe, expect, test } from '@jest/globals';
import { execa, type ResultPromise } from 'execa';
import fs from 'fs-extra';
import { dirname } from 'node:path';
import { temporaryFolder, until, writeWorker } from '../e2e/command.js';
import { LIBRARY, WORKERS } from './program.js';

/** Starts a program beside `w.mjs`, with a folder of its own for temporary files. */
function start(code: string): { child: ResultPromise; temporary: string } {
  const folder = temporaryFolder();
  const temporary = temporaryFolder();
  writeWorker(folder, 'w.mjs', WORKERS);
  const file = writeWorker(
    folder,
    'main.mjs',
    `import { Pool, Process, sharedValue } from '${LIBRARY}';
     import { readdirSync } from 'node:fs';
     const pathOf = (shared) => shared[Symbol.for('fanfold.shared')].path;
     ${code}`,
  );
  const env = { TMPDIR: temporary };
  const child = execa(process.execPath, [file], { cwd: folder, env, reject: false }) as ResultPromise;
  return { child, temporary };
}

describe('what a program leaves behind', () => {
  test.each(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)('is nothing when %s ends it', async (signal) => {
    const { child, temporary } = start(
      `const shared = sharedValue('d');
       const pool = new Pool(2);
       await pool.map('w.mjs', [1, 2, 3, 4], { chunkSize: 2 });
       const held = shared.lock(() => { console.log(pathOf(shared)); return pool.map('w.mjs:forever', [1]); });
       await held;`,
    );
    let path = '';
    child.stdout?.on('data', (bytes: Buffer) => (path += String(bytes)));
    await until('the path', () => path.endsWith('\n'));
    path = path.trim();
    expect([fs.existsSync(path), fs.existsSync(`${path}.lock`)]).toEqual([true, true]);
    expect(fs.readdirSync(temporary)).not.toEqual([]);
    child.kill(signal);
    expect((await child).signal).toBe(signal);
    await until('the end of its files', () => !fs.existsSync(dirname(path)), 2000);
    await until('the end of its folder', () => fs.readdirSync(temporary).length === 0, 2000);
  });

  test('is nothing when it ends by itself, and is gone by then', async () => {
    const { child, temporary } = start(
      `console.log(pathOf(sharedValue('d')));
       await new Pool(2).map('w.mjs', [1, 2, 3, 4], { chunkSize: 2 });`,
    );
    const { exitCode, stdout } = await child;
    expect([exitCode, fs.existsSync(dirname(String(stdout))), fs.readdirSync(temporary)]).toEqual([
      0,
      false,
      [],
    ]);
  });

  test('is not gathered while it runs, by shared values that are closed and processes that end', async () => {
    const { child } = start(
      `const paths = Array.from({ length: 30 }, () => { const shared = sharedValue('d'); const path = pathOf(shared); shared.close(); return path; });
       const pool = new Pool(2, { maxTasksPerChild: 1 });
       await pool.map('w.mjs', Array.from({ length: 12 }, (_, x) => x), { chunkSize: 2 });
       pool.close();
       await pool.join();
       const [own] = readdirSync(process.env.TMPDIR);
       console.log(JSON.stringify([new Set(paths).size, readdirSync(paths[0].replace(/[^/]*$/, '')), readdirSync(process.env.TMPDIR + '/' + own)]));`,
    );
    const { stdout, stderr } = await child;
    // A warning of too many listeners would be there.
    expect(stderr).toBe('');
    expect(JSON.parse(String(stdout))).toEqual([30, [], ['worker-0.mjs']]);
  });
});
