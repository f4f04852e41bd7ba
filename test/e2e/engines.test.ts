import { describe, expect, test } from '@jest/globals';
import fs from 'fs-extra';
import { join } from 'node:path';
import { hasTool, testWith, type Tool } from '../tools.js';
import {
  expectExit,
  failures,
  fanfold,
  GOLDEN,
  read,
  start,
  temporaryFolder,
  until,
  WORKERS,
  writeWorker,
  type Ended,
} from './command.js';
import { slurmBed } from './slurm-bed.js';

// What a run comes to must not depend on where its tasks are computed: every engine passes the same tests.

const bed = slurmBed('SlurmdTimeout=60');

interface EngineCase {
  readonly name: 'local' | 'slurm';
  readonly needs: Tool;
  readonly options: readonly string[];
  readonly env: Record<string, string>;
  /** How many tasks are computed at once. */
  readonly atOnce: number;
  /** True once the processes of a run have been told to end. */
  readonly isStopping: (out: string, told: string) => boolean;
}

const ENGINES: readonly EngineCase[] = [
  {
    name: 'local',
    needs: 'posix',
    options: ['--engine', 'local', '--jobs', '2'],
    env: {},
    atOnce: 2,
    isStopping: (_, told) => told.includes('Stopping, as fanfold stop asks'),
  },
  {
    name: 'slurm',
    needs: 'slurm',
    options: ['--engine', 'slurm'],
    env: { ...bed.env },
    atOnce: 4,
    isStopping: (out) => count(join(out, 'logs'), /^slurm-.*_/, 'Stopping') === 4,
  },
];

/** Marks each point that it computes in a folder, waits for a file named `gate` there, and fails where it is told to. */
const MARKING = `
import { appendFileSync, existsSync } from 'node:fs';
export default async ({ x, folder }) => {
  appendFileSync(folder + '/x=' + x, '.');
  while (x % 4 === 2 && !existsSync(folder + '/gate')) await new Promise((r) => setTimeout(r, 20));
  return x / 2;
};
`;
const FAILING = `
import { existsSync } from 'node:fs';
export default ({ x, folder }) => {
  if (x % 5 === 3 && !existsSync(folder + '/mended')) throw new TypeError('no value at ' + x);
  if (x === 6 && !existsSync(folder + '/mended')) process.kill(process.pid, 'SIGKILL');
  return { y: x * 1.5, z: 2 * x };
};
`;
const MODEL = 'def energy(U, J=1):\n    return U * U / (1 + J)\n';

const results = new Map<string, string>();

/** Holds a result against that of the other engines for the same sweep. */
function expectSameAsOthers(sweep: string, result: string): void {
  expect(result).toBe(results.get(sweep) ?? result);
  results.set(sweep, result);
}

for (const engine of ENGINES) {
  describe(`the engine ${engine.name}`, () => {
    const run = (args: readonly string[], options: readonly string[] = []): Promise<Ended> => {
      // A command stands last.
      const at = args.indexOf('--');
      const own = at < 0 ? args : args.slice(0, at);
      const rest = at < 0 ? [] : args.slice(at);
      return fanfold([...own, ...engine.options, ...options, ...rest], { env: engine.env });
    };
    const testHere = (title: string, fn: () => Promise<void>): void => {
      testWith(engine.needs, title, fn, 60_000);
    };

    testHere('writes the files of the original', async () => {
      const out = join(temporaryFolder(), 'run');
      const args = [join(WORKERS, 'double.ts'), '--range', '0:17', '--tasks', '4', '--out', out];
      const { exitCode, stdout } = await run(args);
      expect([exitCode, stdout]).toEqual([0, `${join(out, 'result.txt')}\n`]);
      for (const name of [
        'task_index=0.txt',
        'task_index=1.txt',
        'task_index=2.txt',
        'task_index=3.txt',
        'result.txt',
      ])
        expect([name, read(out, name)]).toEqual([name, read(GOLDEN, 'article_section6', name)]);
      const { exitCode: again, stderr } = await run(args);
      expect([again, stderr]).toEqual([0, expect.stringContaining('nothing to compute')]);
    });

    for (const [kind, worker, columns] of [
      ['a Python function', (folder: string) => [`${writeWorker(folder, 'model.py', MODEL)}:energy`], []],
      ['a command', () => ['--', 'sh', '-c', 'echo $(( $1 * $1 )) $2', 'sh', '{U}', '{J}'], []],
    ] as const) {
      testWith(
        hasTool('python3') ? engine.needs : 'python3',
        `computes ${kind}`,
        async () => {
          const folder = temporaryFolder();
          const out = join(folder, 'run');
          const spec = [
            '--param',
            'U=0:9',
            '--param',
            'J=1,2',
            '--tasks',
            '5',
            '--slicing',
            'balanced',
            '--format',
            'csv',
          ];
          const words = worker(folder);
          const at = words[0] === '--' ? 0 : 1;
          const args = [
            ...words.slice(0, at),
            ...spec,
            '--seed',
            '7',
            '--out',
            out,
            ...columns,
            ...words.slice(at),
          ];
          expectExit(await run(args), 0);
          expectSameAsOthers(kind, read(out, 'result.csv'));
          expect(read(out, 'result.csv').split('\n')).toHaveLength(20);
        },
        60_000,
      );
    }

    testHere('records failed points, computes the others, and retries the failed ones alone', async () => {
      const folder = temporaryFolder();
      const out = join(folder, 'run');
      const worker = writeWorker(folder, 'failing.mjs', FAILING);
      const spec = ['--range', '0:12', '--set', `folder=${folder}`, '--tasks', '3', '--retry-delay', '10ms'];
      const { exitCode, stderr } = await run([worker, ...spec, '--out', out]);
      expect([exitCode, stderr]).toEqual([1, expect.stringContaining('3 points failed')]);
      expect(fs.existsSync(join(out, 'result.txt'))).toBe(false);
      const seen = allFailures(out);
      expect(seen.map(({ index, attempt, error }) => [index, attempt, error.split('\n')[0]])).toEqual([
        [3, 1, 'TypeError: no value at 3'],
        [6, 1, expect.stringContaining('SIGKILL')],
        [6, 2, expect.stringContaining('SIGKILL')],
        [8, 1, 'TypeError: no value at 8'],
      ]);
      for (const { certificate, index } of seen)
        expect(certificate).toMatchObject({ again: `fanfold run ${out} --point ${String(index)}` });
      const status = await fanfold(['status', out], { env: engine.env });
      expect(status.stdout).toContain('failed (worker');

      const filled = await fanfold(['fold', out, '--on-error', 'nan'], { env: engine.env });
      expect(filled.exitCode).toBe(0);
      expectSameAsOthers('filled', read(out, 'result.txt'));

      fs.writeFileSync(join(folder, 'mended'), '');
      const retried = await fanfold(['retry', out], { env: engine.env });
      expectExit(retried, 0);
      expectSameAsOthers('retried', read(out, 'result.txt'));
      expect((await fanfold(['verify', out])).exitCode).toBe(0);
    });

    testHere('is stopped and gone on with, and computes no point twice', async () => {
      const folder = temporaryFolder();
      const out = join(folder, 'run');
      const marks = join(folder, 'marks');
      fs.mkdirSync(marks);
      const worker = writeWorker(folder, 'marking.mjs', MARKING);
      const spec = ['--range', '0:16', '--set', `folder=${marks}`, '--tasks', '4'];
      let told = '';
      const running = start([worker, ...spec, '--out', out, ...engine.options], { env: engine.env });
      running.stderr?.on('data', (text) => (told += String(text)));
      await until('the points that wait', () => count(marks, /^x=(?:2|6|10|14)$/) === engine.atOnce, 40_000);
      const stopping = fanfold(['stop', out], { env: engine.env });
      await until('the processes to know', () => engine.isStopping(out, told), 40_000);
      // The points in hand are finished.
      fs.writeFileSync(join(marks, 'gate'), '');
      expect((await stopping).exitCode).toBe(0);
      expect((await running).exitCode).toBe(130);
      expect(fs.readdirSync(marks).length).toBeLessThan(17);
      expectExit(await fanfold(['resume', out], { env: engine.env }), 0);
      expectSameAsOthers('resumed', read(out, 'result.txt'));
      const twice = fs.readdirSync(marks).filter((name) => name !== 'gate' && read(marks, name) !== '.');
      expect(twice).toEqual([]);
    });

    testHere('refuses another sweep and a changed worker', async () => {
      const folder = temporaryFolder();
      const out = join(folder, 'run');
      const worker = writeWorker(folder, 'w.mjs', 'export default ({ x }) => x;');
      expect((await run([worker, '--range', '0:4', '--tasks', '2', '--out', out])).exitCode).toBe(0);
      const other = await run([worker, '--range', '0:5', '--tasks', '2', '--out', out]);
      expect([other.exitCode, other.stderr]).toEqual([2, expect.stringContaining('[FANFOLD_OTHER_SPEC]')]);
      fs.removeSync(join(out, 'task_index=1.txt'));
      fs.removeSync(join(out, 'result.txt'));
      writeWorker(folder, 'w.mjs', 'export default ({ x }) => x + 1;');
      const changed = await run([worker, '--range', '0:4', '--tasks', '2', '--out', out]);
      expect([changed.exitCode, changed.stderr]).toEqual([
        2,
        expect.stringContaining('[FANFOLD_CHANGED_WORKER]'),
      ]);
    });
  });
}

test('the engine is local unless another is named', async () => {
  const { stderr } = await fanfold([
    '--range',
    '0:3',
    '--max-running',
    '2',
    '--out',
    join(temporaryFolder(), 'run'),
  ]);
  expect(stderr).toContain('Expected --max-running with --engine slurm, got it without.');
});

/** The failed attempts of a run, wherever they were recorded, in the order of the points. */
function allFailures(out: string): ReturnType<typeof failures> {
  const elements = join(out, 'elements');
  const folders = fs.existsSync(elements) ? fs.readdirSync(elements).map((name) => join(elements, name)) : [];
  return [out, ...folders]
    .filter((folder) => fs.existsSync(join(folder, 'failures.jsonl')))
    .flatMap(failures)
    .sort((one, other) => one.index - other.index || one.attempt - other.attempt);
}

/** How many files of a folder have such a name, and such a text in them. */
function count(folder: string, name: RegExp, text = ''): number {
  return fs.readdirSync(folder).filter((each) => name.test(each) && read(folder, each).includes(text)).length;
}
