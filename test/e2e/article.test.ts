import { describe, expect, test } from '@jest/globals';
import { execa } from 'execa';
import fs from 'fs-extra';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { GOLDEN, read, temporaryFolder, writeWorker, WORKERS } from './command.js';

const LIBRARY = pathToFileURL(join(process.cwd(), 'dist', 'index.js')).href;

/** The code of the right column of README's table, row by row; options of the command are left out. */
function tableRows(): string[][] {
  const [, section = ''] = read('README.md').split("### From Python's multiprocessing");
  const rows = section.split('\n').filter((line) => line.startsWith('| ') && !/^\| (?:Python |-)/.test(line));
  return rows.map((row) => {
    const right = row.split(' | ').at(-1) ?? '';
    return Array.from(right.matchAll(/`([^`]+)`/g), ([, code = '']) => code).filter(
      (code) => !code.startsWith('--'),
    );
  });
}

describe("README's table beside Python", () => {
  test('can be run, row by row', async () => {
    const folder = temporaryFolder();
    fs.copyFileSync(join(WORKERS, 'double.ts'), join(folder, 'double.ts'));
    writeWorker(
      folder,
      'jobs.ts',
      `export const runProc = (name: string | object): string => 'ran ' + JSON.stringify(name);
       export const square = (x: number): number => x * x;
       export const add = (a: number, b: number): number => a + b;\n`,
    );
    const rows = tableRows();
    expect(rows.length).toBeGreaterThan(20);
    const statements = rows.flat().map((code) => `${code};`);
    const names = [
      'arange, compare, fold, Pool, Process, readOneDimensionalData, readTwoDimensionalData',
      'sharedArray, sharedValue, slice, writeOneDimensionalData, writeTwoDimensionalData',
    ].join(', ');
    // What is killed has no result.
    const quiet = statements.map((code) =>
      code.startsWith('const q = ') ? `${code} q.start(); q.result.catch(() => undefined);` : code,
    );
    writeWorker(
      folder,
      'table.mjs',
      `import { ${names} } from '${LIBRARY}';\n${quiet.join('\n')}\nawait q.join();\n` +
        `console.log(JSON.stringify([value, p.exitCode, q.exitCode < 0, num.value, [...arr].slice(0, 2), slices.length, x, y, matrix]));\n`,
    );
    const { stdout } = await execa(process.execPath, ['table.mjs'], { cwd: folder });
    const lines = stdout.split('\n');
    expect(JSON.parse(lines.at(-1) ?? '')).toEqual([
      'ran "job1"',
      0,
      true,
      102,
      [1.5, 0],
      4,
      [0, 1],
      [[0], [2]],
      [
        [1, 2],
        [3, 4],
      ],
    ]);
    const squares = Array.from({ length: 64 }, (_, index) => String(index ** 2));
    expect(lines.slice(0, 64)).toEqual(squares);
    expect(lines.slice(64, 128).sort()).toEqual([...squares].sort());
    expect(read(folder, 'result.txt')).toBe('0   0\n1   2\n');
  });
});

describe('the program of the article', () => {
  test('runs its sections 2 to 7', async () => {
    const folder = temporaryFolder();
    const { stdout, stderr } = await execa(process.execPath, [join(WORKERS, 'article.mjs'), '0.4', folder]);
    expect(stderr).toBe('');
    const pids = (pattern: RegExp): string[] => Array.from(stdout.matchAll(pattern), ([, pid = '']) => pid);
    const own = pids(/^this program: pid (\d+)$/gm);
    // Sections 2, 4 and 3: four jobs each, every one in a process of its own.
    expect(new Set([...own, ...pids(/^job\d: pid (\d+)/gm)]).size).toBe(13);
    const [serial = 0, parallel = 0] = pids(/: ([\d.]+) s$/gm).map(Number);
    expect(serial).toBeGreaterThan(1.6);
    expect(parallel).toBeLessThan(serial);
    expect(stdout).toContain('returned: job1, job2, job3, job4; exit codes 0, 0, 0, 0');
    expect(stdout).toMatch(/^compared: 1 process, then 4; speed-up \d/m);
    for (const [name, a, b] of [
      ['job1', 100, 200],
      ['job2', 100, -1],
      ['job3', 0, 200],
      ['job4', 0, -1],
    ] as const) {
      expect(stdout).toMatch(new RegExp(`^${name}: pid \\d+, a=${String(a)}, b=${String(b)}$`, 'm'));
    }
    expect(stdout).toContain('shared: 100.0 200.0');
    expect(read(folder, 'result.txt')).toBe(read(GOLDEN, 'article_section6', 'result.txt'));
    for (const task of ['0', '1', '2', '3']) {
      const name = `task_index=${task}.txt`;
      expect(read(folder, name)).toBe(read(GOLDEN, 'article_section6', name));
    }
    expect(stdout).toContain('squares: 0, 1, 4, 9, 16, …, 3969');
  });
});
