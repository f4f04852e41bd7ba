import { describe, expect, test } from '@jest/globals';
import fs from 'fs-extra';
import { join } from 'node:path';
import { expectExit, failures, fanfold, read, temporaryFolder, writeWorker } from './command.js';

/** Runs a worker over x = 0 … 3 and gives the result's lines without the x. */
async function results(name: string, code: string, args: readonly string[] = []): Promise<string[]> {
  const folder = temporaryFolder();
  const worker = writeWorker(folder, name, code);
  const { exitCode, stderr } = await fanfold([
    worker,
    '--range',
    '0:4',
    '--out',
    join(folder, 'run'),
    ...args,
  ]);
  if (exitCode !== 0) throw new Error(stderr);
  return read(folder, 'run', 'result.txt')
    .split('\n')
    .slice(0, -1)
    .map((line) => line.slice(4));
}

describe('a worker', () => {
  test.each([
    ['a number', 'x', ['0', '1', '2', '3']],
    [
      'a bigint',
      '10n ** 20n + BigInt(x)',
      ['100000000000000000000', '100000000000000000001', '100000000000000000002', '100000000000000000003'],
    ],
    ['a string', '"a b"', Array(4).fill('"a b"')],
    ['a boolean', 'x > 1', ['False', 'False', 'True', 'True']],
    ['a complex number', '({ re: x, im: -0.5 })', ['-0.5j', '(1-0.5j)', '(2-0.5j)', '(3-0.5j)']],
    ['an array', '[x, x > 0]', ['0   False   ', '1   True   ', '2   True   ', '3   True   ']],
    [
      'a typed array',
      'new Float64Array([x + 0.5, 1])',
      ['0.5   1.0   ', '1.5   1.0   ', '2.5   1.0   ', '3.5   1.0   '],
    ],
    ['an object of named columns', '({ e: x, name: "n" })', ['0   n', '1   n', '2   n', '3   n']],
    ['a promise', 'new Promise((resolve) => setTimeout(resolve, 5, x + 1))', ['1', '2', '3', '4']],
  ])('may return %s', async (_, expression, expected) => {
    const code = `export default ({ x }) => ${expression};\n`;
    expect(await results('w.mjs', code)).toEqual(expected);
  });

  test('may be TypeScript with imports of its own, enums and paths beside it, and needs no build', async () => {
    const folder = temporaryFolder();
    writeWorker(
      folder,
      'lib/factor.ts',
      "import { readFileSync } from 'node:fs';\nexport enum Sign { minus = -1 }\nexport const factor: number = Number(readFileSync(new URL('./factor.txt', import.meta.url), 'utf8'));\n",
    );
    fs.writeFileSync(join(folder, 'lib/factor.txt'), '3');
    const worker = writeWorker(
      folder,
      'w.ts',
      "import { factor, Sign } from './lib/factor.js';\nexport default ({ x }: { x: number }): number => x * factor * Sign.minus;\n",
    );
    const { stderr } = await fanfold([worker, '--range', '1:3', '--out', join(folder, 'run')]);
    expect([stderr, read(folder, 'run', 'result.txt')]).toEqual([expect.any(String), '1   -3\n2   -6\n']);
  });

  test('may be a named export', async () => {
    const folder = temporaryFolder();
    const worker = writeWorker(folder, 'w.ts', 'export const half = ({ x }: { x: number }) => x / 2;\n');
    const { stdout } = await fanfold([`${worker}:half`, '--range', '2:5:2'], { cwd: folder });
    expect(stdout).toMatch(/runs\/w-half-[0-9a-f]{8}\/result\.txt/);
    expect(read(folder, stdout.trim())).toBe('2   1\n4   2\n');
  });

  test('may be CommonJS', async () => {
    expect(
      await results(
        'w.cjs',
        'const path = require("node:path");\nmodule.exports = ({ x }) => path.join("a", String(x));\n',
      ),
    ).toEqual(['a/0', 'a/1', 'a/2', 'a/3']);
    expect(
      await results('w.cjs', 'exports.f = ({ x }) => x + 1;\nmodule.exports.default = exports.f;\n'),
    ).toEqual(['1', '2', '3', '4']);
  });

  test('may import by a pattern, which takes in no run directory below it', async () => {
    const folder = temporaryFolder();
    writeWorker(folder, 'd.mjs', 'export const d = 1;\n');
    const code = 'const n = "d";\nexport default async ({ x }) => x + (await import(`./${n}.mjs`)).d;\n';
    const worker = writeWorker(folder, 'w.mjs', code);
    const args = [worker, '--range', '0:4', '--tasks', '2'];
    for (const name of ['one', 'other']) {
      const out = join(folder, 'runs', name);
      expectExit(await fanfold([...args, '--out', out]), 0);
      expect(read(out, 'result.txt')).toBe('0   1\n1   2\n2   3\n3   4\n');
      const { worker: recorded } = JSON.parse(read(out, 'sweep.json')) as { worker: { files: object } };
      expect(Object.keys(recorded.files)).toEqual(['d.mjs', 'w.mjs']);
      fs.removeSync(join(out, 'result.txt'));
      fs.removeSync(join(out, 'task_index=1.txt'));
      expectExit(await fanfold(['resume', out]), 0);
    }
  });

  test('may use a package that is installed beside it', async () => {
    const folder = temporaryFolder();
    fs.outputFileSync(
      join(folder, 'node_modules/tenfold/package.json'),
      '{"name":"tenfold","main":"index.js"}',
    );
    fs.outputFileSync(
      join(folder, 'node_modules/tenfold/index.js'),
      'exports.tenfold = (x) => 10 * x; exports.here = __filename;\n',
    );
    const worker = writeWorker(
      folder,
      'w.mjs',
      "import { tenfold, here } from 'tenfold';\nexport default ({ x }) => ({ t: tenfold(x), here });\n",
    );
    await fanfold([worker, '--range', '1:2', '--out', join(folder, 'run')]);
    expect(read(folder, 'run', 'result.txt')).toContain('1   10   ');
    expect(read(folder, 'run', 'result.txt')).toContain('node_modules/tenfold/index.js');
  });

  test('gets the index, the task, a log and a signal', async () => {
    const folder = temporaryFolder();
    const worker = writeWorker(
      folder,
      'w.mjs',
      'export default ({ x }, context) => { context.log("x is", x); console.log("printed"); process.stderr.write("err\\n"); return [context.index, context.task_index, context.signal.aborted]; };\n',
    );
    const out = join(folder, 'run');
    const { stdout } = await fanfold([worker, '--range', '10:14', '--tasks', '2', '--out', out]);
    expect(read(out, 'result.txt')).toBe(
      '10   0   0   False   \n11   1   0   False   \n12   2   1   False   \n13   3   1   False   \n',
    );
    expect(read(out, 'logs', 'task_index=1.log')).toBe('x is 12\nprinted\nerr\nx is 13\nprinted\nerr\n');
    expect(stdout).not.toContain('printed');
  });

  test('gets seeds and random numbers that follow from --seed and the index alone', async () => {
    const folder = temporaryFolder();
    const worker = writeWorker(
      folder,
      'w.mjs',
      'export default (_, { seed, random }) => 0;\nexport const draw = (_, context) => ({ seed: context.seed, r: context.random(), s: context.random() });\n',
    );
    const run = async (name: string, ...args: string[]): Promise<string> => {
      await fanfold([`${worker}:draw`, '--range', '0:20', '--out', join(folder, name), ...args]);
      return read(folder, name, 'result.txt');
    };
    const one = await run('a', '--tasks', '1');
    expect(await run('b', '--tasks', '7', '--jobs', '3')).toBe(one);
    expect(await run('c', '--tasks', '20', '--fresh')).toBe(one);
    expect(await run('d', '--tasks', '1', '--seed', '1')).not.toBe(one);
    const seeds = one
      .trimEnd()
      .split('\n')
      .map((line) => line.split('   ')[1]);
    expect(new Set(seeds).size).toBe(20);
  });

  test('does not see the variables of a process that computed before it: --fresh starts a new one for every task', async () => {
    const code = 'let calls = 0;\nexport default () => ++calls;\n';
    expect(await results('w.mjs', code, ['--tasks', '4', '--jobs', '1', '--fresh'])).toEqual([
      '1',
      '1',
      '1',
      '1',
    ]);
    expect(await results('w.mjs', code, ['--tasks', '4', '--jobs', '1'])).toEqual(['1', '2', '3', '4']);
  });
});

describe('a schema', () => {
  const SCHEMA =
    "import { z } from 'zod';\nexport const schema = z.object({ x: z.number(), a: z.number().default(0), name: z.enum(['up', 'down']).default('up') });\nexport default ({ x, a, name }) => `${name} ${x + a}`;\n";

  test('fills in what the sweep does not give', async () => {
    expect(await results('w.ts', SCHEMA, ['--set', 'name=down'])).toEqual([
      '"down 0"',
      '"down 1"',
      '"down 2"',
      '"down 3"',
    ]);
  });

  test.each([
    ['an unknown parameter', ['--range', '0:2', '--set', 'b=3'], ['"b"', 'x, a, name']],
    ['a missing parameter', ['--param', 'a=1,2'], ['"x"', 'missing']],
    ['an ill-typed parameter', ['--range', '0:2', '--param', 'name=up,left'], ['"name"', '"left"', 'schema']],
    [
      'an ill-typed fixed argument',
      ['--range', '0:2', '--set', 'a=zero'],
      ['"a"', '"zero"', 'expected number'],
    ],
  ])('refuses %s before any process starts, naming it', async (_, args, words) => {
    const folder = temporaryFolder();
    const worker = writeWorker(folder, 'w.ts', SCHEMA);
    const { exitCode, stderr } = await fanfold([worker, ...args], { cwd: folder });
    expect(exitCode).toBe(2);
    for (const word of words) expect(stderr).toContain(word);
    expect(fs.readdirSync(folder)).toEqual(['w.ts']);
  });
});

describe('a worker whose results are nan', () => {
  test.each([
    ['R=3:5', 'All 2 values of y are nan. Does the worker call its parameters by the names that were swept?'],
    ['r=0,1,nan', '1 value of 3 of y is nan.'],
  ])('is told apart in the summary: %s', async (spec, note) => {
    const folder = temporaryFolder();
    const worker = writeWorker(folder, 'w.mjs', 'export default ({ r }) => Math.sin(r);\n');
    const { exitCode, stderr } = await fanfold([worker, '--param', spec, '--out', join(folder, 'run')]);
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining(note)]);
  });
});

describe('a schema of several parameters', () => {
  test('is asked about points of the sweep, not about others', async () => {
    const folder = temporaryFolder();
    const code =
      "import { z } from 'zod';\nexport const schema = z.object({ a: z.number(), b: z.number() }).refine(({ a, b }) => a < b);\nexport default ({ a, b }) => b - a;\n";
    const worker = writeWorker(folder, 'w.ts', code);
    const zip = ['--param', 'a=1,5', '--param', 'b=2,10', '--zip', 'a,b'];
    expect((await fanfold([worker, ...zip, '--out', join(folder, 'run')])).exitCode).toBe(0);
    fs.writeFileSync(join(folder, 'p.csv'), 'a,b,c\n1,2,\n5,10,7\n');
    const unknown = await fanfold([worker, '--points', join(folder, 'p.csv')], { cwd: folder });
    expect([unknown.exitCode, unknown.stderr]).toEqual([2, expect.stringContaining('"c"')]);
    fs.writeFileSync(join(folder, 'p.csv'), 'a,b\n1,2\n5,\n');
    const missing = await fanfold([worker, '--points', join(folder, 'p.csv')], { cwd: folder });
    expect([missing.exitCode, missing.stderr]).toEqual([2, expect.stringContaining('"b"')]);
  });

  test('may give a default of another type than its column', async () => {
    const folder = temporaryFolder();
    const code =
      "import { z } from 'zod';\nexport const schema = z.object({ a: z.number(), b: z.number().default(0.5), c: z.number().default(32) });\nexport default ({ a, b, c }) => a + b + c;\n";
    fs.writeFileSync(join(folder, 'p.csv'), 'a,b,c\n1,2,\n3,,\n');
    const out = join(folder, 'run');
    const { exitCode } = await fanfold([
      writeWorker(folder, 'w.ts', code),
      '--points',
      join(folder, 'p.csv'),
      '--out',
      out,
    ]);
    expect(exitCode).toBe(0);
    expect(read(out, 'result.txt')).toBe('1   2   32   35\n3   0.5   32   35.5\n');
  });
});

describe('a point that fails', () => {
  const FAILS =
    'export default ({ x }) => { if (x % 3 === 1 && !process.env.MENDED) throw new RangeError(`no ${x}`); return x * x; };\n';

  test('does not stop the others, is listed, and is retried alone', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'run');
    const worker = writeWorker(folder, 'w.mjs', FAILS);
    const { exitCode, stderr, stdout } = await fanfold([
      worker,
      '--range',
      '0:20',
      '--tasks',
      '3',
      '--out',
      out,
    ]);
    expect([exitCode, stdout]).toEqual([1, '']);
    expect(stderr).toContain('7 points failed');
    for (const shown of [
      'point 1 (x=1): RangeError: no 1',
      'point 4 (x=4)',
      'point 7 (x=7)',
      `fanfold retry ${out}`,
    ])
      expect(stderr).toContain(shown);
    expect(stderr).not.toContain('point 10 (');
    const failures = read(out, 'failures.jsonl')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(failures.map(({ index }) => index).sort((a, b) => Number(a) - Number(b))).toEqual([
      1, 4, 7, 10, 13, 16, 19,
    ]);
    expect(failures[0]).toMatchObject({
      parameters: { x: expect.any(Number) as unknown },
      attempt: 1,
      stack: expect.stringContaining('w.mjs') as unknown,
    });
    expect(fs.existsSync(join(out, 'result.txt'))).toBe(false);

    const again = await fanfold([worker, '--range', '0:20', '--tasks', '3', '--out', out], {
      env: { MENDED: '1' },
    });
    expect(again.exitCode).toBe(1);
    const status = JSON.parse((await fanfold(['status', out, '--json'])).stdout) as Record<string, unknown>;
    expect(status).toMatchObject({
      state: 'failed',
      points: { total: 20, done: 13, failed: 7 },
      failedPoints: [1, 4, 7, 10, 13, 16, 19],
    });

    const retried = await fanfold(['retry', out], { env: { MENDED: '1' } });
    expect(retried.exitCode).toBe(0);
    expect(retried.stderr).toContain('7 points computed now');
    expect(read(out, 'result.txt')).toBe(
      Array.from({ length: 20 }, (_, x) => `${String(x)}   ${String(x * x)}\n`).join(''),
    );
  });

  test('by something that can not be read, does not stop the others either', async () => {
    const folder = temporaryFolder();
    const code =
      'export default ({ x }) => { if (x === 1) throw new Proxy({}, { get() { throw 1; } }); return x; };\n';
    const out = join(folder, 'run');
    expectExit(
      await fanfold([writeWorker(folder, 'w.mjs', code), '--range', '0:8', '--tasks', '2', '--out', out]),
      1,
    );
    const [{ error, index } = { error: '', index: 0 }, ...others] = failures(out);
    expect([index, error, others]).toEqual([1, expect.stringContaining('can not be described'), []]);
  });

  test('counts its attempts', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'run');
    await fanfold([writeWorker(folder, 'w.mjs', FAILS), '--range', '0:2', '--out', out]);
    expect((await fanfold(['retry', out])).exitCode).toBe(1);
    const attempts = read(out, 'failures.jsonl')
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { attempt: number }).attempt);
    expect(attempts).toEqual([1, 2]);
  });

  test.each([
    ['undefined', 'undefined', 'got undefined'],
    ['a function', '() => 1', 'got a function'],
    ['a nested array', '[[1]]', 'got an array'],
    ['an empty object', '({})', 'got a Object'],
    ['a column that is a parameter', '({ x: 1 })', '"x", which is a parameter'],
  ])('is one that returns %s', async (_, expression, message) => {
    const folder = temporaryFolder();
    const worker = writeWorker(folder, 'w.mjs', `export default () => ${expression};\n`);
    const { exitCode, stderr } = await fanfold([worker, '--range', '0:1', '--out', join(folder, 'run')]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(message);
  });

  test('is one whose result has other columns than those before', async () => {
    const folder = temporaryFolder();
    const worker = writeWorker(
      folder,
      'w.mjs',
      'export default ({ x }) => (x === 2 ? [1, 2, 3] : [1, 2]);\n',
    );
    const { exitCode, stderr } = await fanfold([
      worker,
      '--range',
      '0:4',
      '--tasks',
      '1',
      '--out',
      join(folder, 'run'),
    ]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(
      'Expected the same columns as the points before (an array of 2), got an array of 3',
    );
  });

  test('does not hide that tasks which began together have different columns', async () => {
    const folder = temporaryFolder();
    const code =
      'export default async ({ x }) => { await new Promise((r) => setTimeout(r, 300)); return x < 2 ? { a: x, b: 1 } : { a: x, c: 1 }; };\n';
    const worker = writeWorker(folder, 'w.mjs', code);
    const { exitCode, stderr } = await fanfold([
      worker,
      '--range',
      '0:4',
      '--tasks',
      '2',
      '--jobs',
      '2',
      '--out',
      join(folder, 'run'),
    ]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('the columns a, b');
    expect(stderr).toContain('the columns a, c');
    expect(fs.existsSync(join(folder, 'run', 'result.txt'))).toBe(false);
  });
});

test('a bundler that is ended from outside, by Ctrl-C say, is told of without a stack', async () => {
  const folder = temporaryFolder();
  const worker = writeWorker(folder, 'w.mjs', 'export default ({ x }) => x;\n');
  const out = join(folder, 'run');
  const args = [worker, '--range', '0:4', '--out', out];
  const { exitCode, stderr } = await fanfold(args, { env: { ESBUILD_BINARY_PATH: '/bin/false' } });
  expect([exitCode, stderr]).toEqual([
    1,
    expect.stringMatching(/^fanfold: The process that bundles .*\[FANFOLD_STOPPED\]\n$/),
  ]);
  expect(fs.existsSync(join(out, 'sweep.json'))).toBe(false);
});
