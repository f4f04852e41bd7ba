import { describe, expect, test } from '@jest/globals';
import { execa } from 'execa';
import fs from 'fs-extra';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { temporaryFolder, writeWorker } from './command.js';

const LIBRARY = pathToFileURL(join(process.cwd(), 'dist', 'index.js')).href;

/** Runs a program that uses the library, and gives what it prints as JSON. */
async function program(folder: string, code: string): Promise<unknown> {
  const path = writeWorker(
    folder,
    'program.mjs',
    `import { arange, compare, fold, grid, linspace, slice, sweep, FanfoldError } from '${LIBRARY}';\n${code}`,
  );
  const { stdout } = await execa(process.execPath, [path], { cwd: folder });
  return JSON.parse(stdout) as unknown;
}

describe('the library', () => {
  test('gives the results of a sweep in order, as arrays and one at a time', async () => {
    const folder = temporaryFolder();
    writeWorker(
      folder,
      'w.ts',
      'export default ({ U, J }: { U: number; J: string }) => ({ e: U * 2, label: `${J} ${U}` });\n',
    );
    const found = await program(
      folder,
      `const run = await sweep({ worker: './w.ts', params: { U: linspace(0, 1, 3), J: ['up', 'down'] }, tasks: 4, jobs: 2 });
       const rows = [];
       for await (const row of run) rows.push(row);
       console.log(JSON.stringify({ status: run.status, rows, results: await run.results(), columns: await run.columns(), file: run.resultFile.split('/').slice(-3, -1), failures: run.failures }));`,
    );
    const results = [0, 0.5, 1].flatMap((U) =>
      ['up', 'down'].map((J) => ({ e: 2 * U, label: `${J} ${String(U)}` })),
    );
    const points = [0, 0.5, 1].flatMap((U) => ['up', 'down'].map((J) => ({ U, J })));
    expect(found).toEqual({
      status: 'complete',
      rows: points.map((point, index) => ({ index, point, result: results[index] })),
      results,
      columns: {
        U: points.map(({ U }) => U),
        J: points.map(({ J }) => J),
        e: results.map(({ e }) => e),
        label: results.map(({ label }) => label),
      },
      file: ['runs', expect.stringMatching(/^w-[0-9a-f]{8}$/) as unknown],
      failures: [],
    });
  });

  test('runs a command, and a program that stays alive, and tells what is wrong with one', async () => {
    const folder = temporaryFolder();
    const found = await program(
      folder,
      `const code = 'require("readline").createInterface({ input: process.stdin }).on("line", (line) => console.log(JSON.stringify([JSON.parse(line).T * 2, "s"])))';
       const run = await sweep({ command: ['echo', '{T}.5', '{{T}}'], columns: { e: 'float64', s: null }, params: { T: [1, 2] } });
       const lines = await sweep({ command: ['echo "{T}" | cat'], shell: true, result: 'last-line', params: { T: ['a b'] } });
       const stream = await sweep({ command: [process.execPath, '-e', code], stream: true, columns: ['e', 's'], params: { T: [1, 2] } });
       const refused = [];
       for (const options of [{ command: [] }, { command: 'true' }, { command: ['true'], worker: 'w.ts' }, { worker: 'w.ts', result: 'exit' }, { command: ['true'], stream: true, result: 'json' }])
         refused.push(await sweep({ params: { T: [1] }, ...options }).catch((error) => error.code));
       console.log(JSON.stringify({ command: await run.results(), shell: await lines.results(), stream: await stream.columns(), refused }));`,
    );
    expect(found).toEqual({
      command: [
        { e: 1.5, s: '{T}' },
        { e: 2.5, s: '{T}' },
      ],
      shell: [['a', 'b']],
      stream: { T: [1, 2], e: [2, 4], s: ['s', 's'] },
      refused: Array(5).fill('FANFOLD_USAGE'),
    });
  });

  test('reads vectors, bools, complex numbers and bigints back from every format', async () => {
    const folder = temporaryFolder();
    writeWorker(
      folder,
      'w.mjs',
      'export default ({ x }) => [x / 2, x > 0, { re: x, im: NaN }, "a b", x * -0];\nexport const big = ({ x }) => 2n ** 70n + BigInt(x);\n',
    );
    const found = await program(
      folder,
      `const seen = [];
       for (const format of ['txt', 'csv', 'jsonl']) {
         const run = await sweep({ worker: 'w.mjs', params: { x: arange(2) }, format, out: format });
         const [first, second] = await run.results();
         const [big] = await (await sweep({ worker: 'w.mjs:big', params: { x: arange(1) }, format, out: format + 'b' })).results();
         seen.push([second.map(String), second[2].re, String(second[2].im), typeof big, String(big), Object.is(second[4], -0)]);
       }
       console.log(JSON.stringify(seen));`,
    );
    const row = [
      ['0.5', 'true', '[object Object]', 'a b', '0'],
      1,
      'NaN',
      'bigint',
      '1180591620717411303424',
      true,
    ];
    expect(found).toEqual([row, row, row]);
  });

  test('leaves failed points out of the rows and lists them', async () => {
    const folder = temporaryFolder();
    writeWorker(
      folder,
      'w.mjs',
      'export default ({ x }) => { if (x === 1) throw new Error("no"); return x; };\n',
    );
    const found = await program(
      folder,
      `const run = await sweep({ worker: 'w.mjs', params: { x: '0:3' } });
       console.log(JSON.stringify([run.status, run.resultFile === undefined, await run.results(), run.failures.map(({ index, error }) => [index, error])]));`,
    );
    expect(found).toEqual(['failed', true, [0, 2], [[1, 'Error: no']]]);
  });

  test('stops at an abort signal, and the same call goes on', async () => {
    const folder = temporaryFolder();
    writeWorker(
      folder,
      'w.mjs',
      'export default async ({ x }) => { await new Promise((r) => setTimeout(r, 20)); return x; };\n',
    );
    const found = await program(
      folder,
      `import { existsSync, readFileSync } from 'node:fs';
       const options = { worker: 'w.mjs', params: { x: arange(40) }, tasks: 2, jobs: 2, out: 'run' };
       const stop = new AbortController();
       const timer = setInterval(() => {
         if (existsSync('run/task_index=0.txt.part') && readFileSync('run/task_index=0.txt.part').length > 0) stop.abort();
       }, 5);
       const run = await sweep({ ...options, signal: stop.signal });
       clearInterval(timer);
       const some = await run.results();
       const again = await sweep(options);
       const early = await sweep({ ...options, out: 'early', signal: AbortSignal.abort() }).catch((e) => e.code);
       console.log(JSON.stringify([run.status, some.length < 40, again.status, await again.results(), early, existsSync('early')]));`,
    );
    const all = Array.from({ length: 40 }, (_, x) => x);
    expect(found).toEqual(['stopped', true, 'complete', all, 'FANFOLD_STOPPED', false]);
  });

  test('has slices, spaces and clear errors of its own', async () => {
    const found = await program(
      temporaryFolder(),
      `const space = grid({ a: [1, 2], b: ['x', 'y'], c: [0.5, 1] }, { zip: [['a', 'c']] });
       const error = await sweep({ worker: 'nowhere.ts', params: { x: [1] } }).catch((e) => e);
       console.log(JSON.stringify({ slices: slice(17, 4).map(({ start, stop }) => stop - start), balanced: slice(17, 4, 'balanced').map(({ start, stop }) => stop - start), size: space.size, points: [0, 1, 2, 3].map(space.point), values: [...arange(0, 1, 0.25)], error: [error instanceof FanfoldError, error.code, error.exitCode] }));`,
    );
    expect(found).toEqual({
      slices: [5, 5, 5, 2],
      balanced: [5, 4, 4, 4],
      size: 4,
      points: [
        { a: 1, c: 0.5, b: 'x' },
        { a: 1, c: 0.5, b: 'y' },
        { a: 2, c: 1, b: 'x' },
        { a: 2, c: 1, b: 'y' },
      ],
      values: [0, 0.25, 0.5, 0.75],
      error: [true, 'FANFOLD_WORKER', 2],
    });
  });

  test('compares a sweep in one process and in several', async () => {
    const folder = temporaryFolder();
    writeWorker(folder, 'w.mjs', 'export default ({ x }) => x * 2;\nexport const pid = () => process.pid;\n');
    const found = await program(
      folder,
      `const options = { worker: 'w.mjs', params: { x: arange(20) }, tasks: 4, jobs: 2, out: 'run' };
       const { serial, parallel, jobs, speedUp, efficiency, isSame } = await compare(options);
       const codes = [];
       for (const more of [{}, { jobs: 1 }]) codes.push(await compare({ ...options, ...more }).catch((e) => e.code));
       const forced = await compare({ ...options, force: true });
       const differ = await compare({ ...options, worker: 'w.mjs:pid', out: 'pids' });
       console.log(JSON.stringify({ counts: [serial, parallel].map(({ processes }) => processes.length), tasks: [serial, parallel].map(({ processes }) => processes.reduce((sum, { tasks }) => sum + tasks, 0)), jobs, speedUp: speedUp === serial.seconds / parallel.seconds && speedUp > 0, efficiency: efficiency === speedUp / 2, isSame, files: [serial, parallel].map(({ resultFile }) => resultFile.split('/').slice(-3).join('/')), codes, forced: forced.isSame, differ: differ.isSame }));`,
    );
    expect(found).toEqual({
      counts: [1, 2],
      tasks: [4, 4],
      jobs: 2,
      speedUp: true,
      efficiency: true,
      isSame: true,
      files: ['run-compare/serial/result.txt', 'run-compare/parallel/result.txt'],
      codes: ['FANFOLD_OUT', 'FANFOLD_USAGE'],
      forced: true,
      differ: false,
    });
  });

  test('folds a run directory anew, and files by hand, whole or not at all', async () => {
    const folder = temporaryFolder();
    writeWorker(folder, 'w.mjs', 'export default ({ x }) => x * 2;\n');
    const found = await program(
      folder,
      `import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
       const run = await sweep({ worker: 'w.mjs', params: { x: arange(5) }, tasks: 2, out: 'run' });
       const before = readFileSync(run.resultFile, 'utf8');
       rmSync(run.resultFile);
       const again = readFileSync(await fold('run'), 'utf8') === before;
       const files = [0, 1].map((i) => 'run/task_index=' + i + '.txt');
       const byHand = readFileSync(await fold(files, 'all.txt'), 'utf8') === before;
       writeFileSync('torn.txt', '1   2');
       const codes = await Promise.all([[...files, 'missing.txt'], [...files, '.'], [...files, 'torn.txt'], [...files, 'all.txt']].map((list) => fold(list, 'all.txt').catch((e) => [e.code, e.exitCode])));
       const noTarget = await fold(files).catch((e) => e.code);
       console.log(JSON.stringify([again, byHand, codes, noTarget, readFileSync('all.txt', 'utf8') === before, existsSync('all.txt.tmp-' + process.pid)]));`,
    );
    expect(found).toEqual([
      true,
      true,
      [
        ['FANFOLD_INCOMPLETE', 1],
        ['FANFOLD_INCOMPLETE', 1],
        ['FANFOLD_INCOMPLETE', 1],
        ['FANFOLD_USAGE', 2],
      ],
      'FANFOLD_USAGE',
      true,
      false,
    ]);
  });

  test('sets the threads of a sweep', async () => {
    const folder = temporaryFolder();
    writeWorker(folder, 'w.mjs', 'export default () => Number(process.env.OMP_NUM_THREADS);\n');
    const found = await program(
      folder,
      `process.env.OMP_NUM_THREADS = '7';
       const find = async (more) => (await (await sweep({ worker: 'w.mjs', params: { x: [1] }, out: 'run', force: true, ...more })).results())[0];
       console.log(JSON.stringify([await find({}), await find({ threads: 3 }), await find({ threads: 0 }).catch((e) => e.code)]));`,
    );
    expect(found).toEqual([7, 3, 'FANFOLD_USAGE']);
  });

  test('tells callers without a compiler what is wrong with their options', async () => {
    const messages = (await program(
      temporaryFolder(),
      `const tries = [{ param: {} }, { params: { U: 1 } }, { zip: ['U', 'J'] }, { worker: () => 1 }];
       const errors = await Promise.all(tries.map((options) => sweep({ worker: 'w.mjs', params: { U: [1] }, ...options }).catch((e) => [e instanceof FanfoldError, e.message])));
       console.log(JSON.stringify(errors));`,
    )) as [boolean, string][];
    expect(messages.map(([isUserError]) => isUserError)).toEqual([true, true, true, true]);
    for (const [index, word] of ['"param"', 'to be an array', "[['U', 'V']]", 'path of a module'].entries()) {
      expect(messages[index]?.[1]).toContain(word);
    }
  });

  test('ends by itself: no process or handle is left when a sweep is done', async () => {
    const folder = temporaryFolder();
    writeWorker(folder, 'w.mjs', 'export default ({ x }) => x;\n');
    expect(
      await program(folder, `await sweep({ worker: 'w.mjs', params: { x: arange(3) } }); console.log('1');`),
    ).toBe(1);
    expect(fs.existsSync(join(folder, 'runs'))).toBe(true);
  });

  test('carries types for its users', async () => {
    const folder = temporaryFolder();
    const types = join(process.cwd(), 'dist', 'types', 'index.d.ts');
    const code = `import { sweep, linspace, type WorkerContext } from '${types.replace(/\.d\.ts$/, '.js')}';
      export default ({ T }: { T: number }, { random, task_index }: WorkerContext): number => T + random() + task_index;
      const run = await sweep({ worker: 'w.ts', params: { T: linspace(0, 1, 3) } });
      for await (const { point, result } of run) console.log(point['T'], result);
      // @ts-expect-error a worker is named by its path
      await sweep({ worker: () => 1 });
      // @ts-expect-error a worker is needed
      await sweep({ params: {} });
      await sweep({ command: ['echo', '{T}'], columns: { y: null }, params: { T: [1] } });
      // @ts-expect-error a worker or a command
      await sweep({ worker: 'w.ts', command: ['true'] });\n`;
    fs.writeFileSync(join(folder, 'use.mts'), code);
    const compiler = join(process.cwd(), 'node_modules', 'typescript', 'bin', 'tsc');
    const args = [
      compiler,
      '--noEmit',
      '--strict',
      '--module',
      'nodenext',
      '--target',
      'es2023',
      '--lib',
      'es2023',
      '--types',
      'node',
      '--typeRoots',
      join(process.cwd(), 'node_modules', '@types'),
      join(folder, 'use.mts'),
    ];
    const { exitCode, stdout } = await execa(process.execPath, args, { reject: false, cwd: folder });
    expect([stdout, exitCode]).toEqual(['', 0]);
  });
});
