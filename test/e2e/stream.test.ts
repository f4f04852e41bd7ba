import { describe, expect, test } from '@jest/globals';
import { execa } from 'execa';
import fs from 'fs-extra';
import { join } from 'node:path';
import { testWith } from '../tools.js';
import {
  failures,
  events,
  fanfold,
  isAlive,
  read,
  start,
  temporaryFolder,
  until,
  WORKERS,
  writeWorker,
} from './command.js';

/** A thousand points over two programs. */
const THOUSAND = '--range 0:1000 --tasks 2 --jobs 2 --stream -- node program.cjs'.split(' ');
const QUIET = ['-q', '--out', 'out'];

/** A program in JavaScript that answers each point by `answer(question)`; it notes its process and every question. */
function writeProgram(folder: string, answer: string): string {
  return writeWorker(
    folder,
    'program.cjs',
    `const fs = require('fs');
fs.appendFileSync('pids', process.pid + '\\n');
const say = (text) => fs.writeSync(1, text + '\\n');
const tell = ({ index }, result) => say(JSON.stringify({ index, ...result }));
require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
  fs.appendFileSync('asked', line + '\\n');
  answer(JSON.parse(line));
});
${answer}`,
  );
}

function lines(folder: string, name: string): string[] {
  return fs.existsSync(join(folder, name)) ? read(folder, name).trim().split('\n') : [];
}

describe('a program that stays alive', () => {
  test('is started once for each job slot, and ends with the run', async () => {
    const folder = temporaryFolder();
    writeProgram(folder, 'const answer = (q) => tell(q, { y: q.x * 2 });');
    const args = ['--range', '0:2000', '--jobs', '2', '--stream', '--', 'node', 'program.cjs'];
    expect((await fanfold([...QUIET, ...args], { cwd: folder })).exitCode).toBe(0);
    const expected = Array.from({ length: 2000 }, (_, x) => `${String(x)}   ${String(2 * x)}\n`);
    expect(read(folder, 'out', 'result.txt')).toBe(expected.join(''));
    const pids = lines(folder, 'pids').map(Number);
    expect(pids).toHaveLength(2);
    expect(pids.filter(isAlive)).toEqual([]);
  });

  test('has its numbers in the result as it wrote them', async () => {
    const folder = temporaryFolder();
    writeProgram(
      folder,
      'const answer = ({ index }) => say(`{"index":${index},"a":3,"b":3.0,"c":1e5,"d":9007199254740993,"e":nan,"f":-Infinity}`);',
    );
    const args = ['--range', '0:2', '--stream', '--', 'node', 'program.cjs'];
    expect((await fanfold([...QUIET, ...args], { cwd: folder })).exitCode).toBe(0);
    const rest = '3   3.0   100000.0   9007199254740993   nan   -inf\n';
    expect(read(folder, 'out', 'result.txt')).toBe(`0   ${rest}1   ${rest}`);
  });

  test('whose coordinator is killed dies with it, and the run goes on to the same bytes', async () => {
    const folder = temporaryFolder();
    writeProgram(
      folder,
      "const answer = (q) => { if (q.x === 700 && !fs.existsSync('go')) return; tell(q, { a: q.x / 2, b: q.x % 3 }); };",
    );
    const args = THOUSAND;
    const run = start([...QUIET, ...args], { cwd: folder });
    await until('the point that never answers', () =>
      lines(folder, 'asked').some((line) => line.includes('"x":700,')),
    );
    run.kill('SIGKILL');
    await run;
    const pids = lines(folder, 'pids').map(Number);
    await until('the end of the programs', () => !pids.some(isAlive));
    fs.writeFileSync(join(folder, 'go'), '');
    expect((await fanfold(['resume', 'out', '-q'], { cwd: folder })).exitCode).toBe(0);
    expect((await fanfold(['-q', '--out', 'whole', ...args], { cwd: folder })).exitCode).toBe(0);
    expect(read(folder, 'out', 'result.txt')).toBe(read(folder, 'whole', 'result.txt'));
  });

  test('finishes the points in hand when it is stopped, and none is lost or twice in the result', async () => {
    const folder = temporaryFolder();
    writeProgram(folder, 'const answer = (q) => tell(q, { y: q.x * 2 });');
    const args = [
      '--range',
      '0:60000',
      '--tasks',
      '2',
      '--jobs',
      '2',
      '--stream',
      '--',
      'node',
      'program.cjs',
    ];
    const run = start([...QUIET, ...args], { cwd: folder });
    await until('some points', () => lines(folder, 'asked').length > 1000);
    run.kill('SIGINT');
    expect((await run).exitCode).toBe(130);
    const asked = lines(folder, 'asked').length;
    const written = events(join(folder, 'out'), 'end').reduce((sum, { points }) => sum + points, 0);
    expect(written).toBe(asked);
    expect((await fanfold(['resume', 'out', '-q'], { cwd: folder })).exitCode).toBe(0);
    expect(lines(folder, 'asked').length).toBe(60_000);
    const result = read(folder, 'out', 'result.txt').split('\n');
    expect(result.findIndex((line, x) => line !== `${String(x)}   ${String(2 * x)}`)).toBe(60_000);
  });

  test('that answers other columns than before fails the point, with its command line', async () => {
    const folder = temporaryFolder();
    writeProgram(folder, 'const answer = (q) => tell(q, q.x === 2 ? { y: 1, z: 2 } : { y: 1 });');
    const args = ['--range', '0:4', '--jobs', '1', '--stream', '--', 'node', 'program.cjs'];
    expect((await fanfold([...QUIET, ...args], { cwd: folder })).exitCode).toBe(1);
    const [failed, ...others] = lines(folder, 'out/failures.jsonl').map(
      (line) => JSON.parse(line) as { index: number; error: string; stack?: string },
    );
    expect([failed?.index, failed?.stack, others]).toEqual([2, undefined, []]);
    expect(failed?.error).toMatch(/^CommandError: node program\.cjs answered: Expected the same columns/);
  });

  test('that prints a late line too many leaves no result of its task, until it has the index', async () => {
    const folder = temporaryFolder();
    // Each point takes 20 ms; the line too many comes 10 ms after the answer of the third, when the next is asked for.
    writeProgram(
      folder,
      `const pause = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
const answer = ({ x, index }) => {
  pause(20);
  if (fs.existsSync('mended')) return say(JSON.stringify({ index, y: x * 2 }));
  say(x * 2);
  if (index === 2) { pause(10); say(99); }
};`,
    );
    const args = ['--range', '0:16', '--tasks', '2', '--jobs', '1', '--stream', '--', 'node', 'program.cjs'];
    expect((await fanfold([...QUIET, ...args], { cwd: folder })).exitCode).toBe(1);
    const failed = Array.from({ length: 8 }, (_, index) => `# failed ${String(index)}\n`).join('');
    expect(read(folder, 'out', 'task_index=0.txt.part')).toBe(failed);
    expect(read(folder, 'out', 'task_index=1.txt').split('\n')).toHaveLength(9);
    expect(read(folder, 'out', 'failures.jsonl')).toContain('It printed unasked: 14. Let each answer have');
    expect(read(folder, 'out', 'logs', 'task_index=0.log')).toContain('answers without the \"index\"');
    const { stdout } = await fanfold(['status', 'out'], { cwd: folder });
    expect(stdout).toContain('8 failed');
    fs.writeFileSync(join(folder, 'mended'), '');
    expect((await fanfold([...QUIET, '-f', ...args], { cwd: folder })).exitCode).toBe(0);
  });

  test('that dies at some points fails those alone; they are retried after it was mended', async () => {
    const folder = temporaryFolder();
    writeProgram(
      folder,
      "const answer = (q) => { if (q.x % 400 === 399 && !fs.existsSync('mended')) process.exit(7); tell(q, { y: q.x * 2 }); };",
    );
    const args = THOUSAND;
    expect((await fanfold([...QUIET, ...args], { cwd: folder })).exitCode).toBe(1);
    const failed = failures(join(folder, 'out'));
    expect(failed.map(({ index }) => index).sort((a, b) => a - b)).toEqual([399, 799]);
    expect(failed[0]?.error).toContain('node program.cjs ended with exit status 7 before it answered');
    fs.writeFileSync(join(folder, 'mended'), '');
    expect((await fanfold(['retry', 'out', '-q'], { cwd: folder })).exitCode).toBe(0);
    expect(read(folder, 'out', 'result.txt').split('\n')[399]).toBe('399   798');
  });
});

const LOGISTIC = ['-q', '--param', 'r=3.5:4:0.005'];

/** Builds a worked example and gives its command. */
async function build(folder: string, compiler: string, source: string): Promise<string> {
  const program = join(folder, source.replace('.', '-'));
  const flags = ['-O2', '-ffp-contract=off', join(WORKERS, source), '-o', program, '-lm'];
  await execa(compiler, flags, { cwd: folder });
  return program;
}

/** The numbers of a result, column by column of each line. */
async function logistic(folder: string, args: readonly string[]): Promise<number[][]> {
  const { stdout, stderr, exitCode } = await fanfold([...LOGISTIC, ...args], { cwd: folder });
  expect([exitCode, stderr]).toEqual([0, '']);
  const text = read(folder, stdout.trim());
  return text
    .trim()
    .split('\n')
    .map((line) => line.split(/ +/).map(Number));
}

describe('the logistic map is the same in every language:', () => {
  const check = async (folder: string, args: readonly string[]): Promise<void> => {
    const [expected, found] = [
      await logistic(folder, ['--out', 'ts', join(WORKERS, 'logistic.ts')]),
      await logistic(folder, ['--out', 'other', ...args]),
    ];
    expect(found).toHaveLength(100);
    found.forEach(([r, x, lyapunov = NaN], index) => {
      const [sameR, sameX, sameLyapunov = NaN] = expected[index] ?? [];
      expect([r, x]).toEqual([sameR, sameX]);
      // The logarithm of each language's library may end in another digit.
      expect(Math.abs(lyapunov - sameLyapunov)).toBeLessThan(1e-12);
    });
  };
  const once = ['--columns', 'x,lyapunov', '--'];

  testWith('gcc', 'C', async () => {
    const folder = temporaryFolder();
    await check(folder, [...once, await build(folder, 'gcc', 'logistic.c'), '{r}']);
  });
  testWith('gcc', 'C, staying alive', async () => {
    const folder = temporaryFolder();
    await check(folder, ['--stream', '--', await build(folder, 'gcc', 'logistic_stream.c')]);
  });
  testWith('gfortran', 'Fortran', async () => {
    const folder = temporaryFolder();
    await check(folder, [...once, await build(folder, 'gfortran', 'logistic.f90'), '{r}']);
  });
  testWith('gfortran', 'Fortran, staying alive', async () => {
    const folder = temporaryFolder();
    await check(folder, ['--stream', '--', await build(folder, 'gfortran', 'logistic_stream.f90')]);
  });
  testWith('rscript', 'R, staying alive', async () => {
    await check(temporaryFolder(), [
      '--stream',
      '--',
      'Rscript',
      '--vanilla',
      join(WORKERS, 'logistic_stream.R'),
    ]);
  });

  test('the README shows each program as it stands in workers/', () => {
    const readme = read(process.cwd(), 'README.md');
    const names = ['logistic_stream.c', 'logistic_stream.f90', 'logistic_stream.jl', 'logistic_stream.R'];
    expect(names.filter((name) => !readme.includes(read(WORKERS, name).trim()))).toEqual([]);
  });
});
