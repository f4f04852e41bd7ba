import { describe, expect } from '@jest/globals';
import { execa } from 'execa';
import fs from 'fs-extra';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { testWith } from '../tools.js';
import { problem, type Dataset } from '../../workers/nist-strd.js';
import { events, fanfold, GOLDEN, read, temporaryFolder, WORKERS, writeWorker } from './command.js';

/** Runs a function `f` of a Python file and gives the result. */
async function result(code: string, args: readonly string[]): Promise<string> {
  const folder = temporaryFolder();
  const out = join(folder, 'run');
  const { exitCode, stderr } = await fanfold([
    `${writeWorker(folder, 'model.py', code)}:f`,
    ...args,
    '--out',
    out,
  ]);
  if (exitCode !== 0) throw new Error(stderr);
  const name = fs.readdirSync(out).find((file) => /^result\./.test(file)) ?? '';
  return read(out, name);
}

const DRAWS =
  'def f(x, seed, context):\n    return [x * 3, seed % 1000, context.random(), context.index, context.task_index >= 0]\n';

describe('a Python function', () => {
  testWith('python3', 'gives section 6 of the article byte for byte', async () => {
    const out = join(temporaryFolder(), 'run');
    await fanfold([`${join(WORKERS, 'double.py')}:double`, '--tasks', '4', '--range', '0:17', '--out', out]);
    for (const name of ['result.txt', ...[0, 1, 2, 3].map((task) => `task_index=${String(task)}.txt`)])
      expect(read(out, name)).toBe(read(GOLDEN, 'article_section6', name));
  });

  testWith('python3', 'is called with keyword arguments, its defaults and --set', async () => {
    const code = 'def f(U: float, J: float = 2.0, *, name: str = "up"):\n    return U * J, name\n';
    expect(await result(code, ['--param', 'U=linspace(0,1,3)'])).toBe(
      '0.0   0.0   up   \n0.5   1.0   up   \n1.0   2.0   up   \n',
    );
    expect(await result(code, ['--param', 'U=1,2', '--set', 'name=a b', '--set', 'J=3'])).toBe(
      '1   3   "a b"   \n2   6   "a b"   \n',
    );
    expect(await result(code, ['--worker', 'ignored', '--param', 'U=1']).catch(() => 'refused')).toBe(
      'refused',
    );
  });

  testWith('python3', 'fills what a points file leaves out with its defaults', async () => {
    const folder = temporaryFolder();
    const points = join(folder, 'p.csv');
    fs.writeFileSync(points, 'a,b\n1,2\n,3\n4,\n,\n');
    expect(await result('def f(a: int = 0, b: int = -1):\n    return a + b\n', ['--points', points])).toBe(
      '1   2   3\n0   3   3\n4   -1   3\n0   -1   -1\n',
    );
  });

  testWith(
    'python3',
    'may return a dataclass, a dict, complex numbers and integers of any length',
    async () => {
      const code =
        'from dataclasses import dataclass\n@dataclass\nclass R:\n    z: complex\n    n: int\ndef f(x):\n    return R(complex(x, -0.5), 10 ** 20 + x)\n';
      expect(await result(code, ['--range', '0:2', '--header'])).toBe(
        '# x z n\n0   -0.5j   100000000000000000000\n1   (1-0.5j)   100000000000000000001\n',
      );
      expect(
        await result('def f(x):\n    return {"a": x, "b": x / 2}\n', ['--range', '0:2', '--format', 'csv']),
      ).toBe('x,a,b\n0,0,0.0\n1,1,0.5\n');
      expect(
        await result('def f(x):\n    return {"a": x > 0}\n', ['--range', '0:2', '--format', 'jsonl']),
      ).toBe('{"x":0,"a":false}\n{"x":1,"a":true}\n');
    },
  );

  testWith('numpy', 'may return NumPy’s arrays and scalars, printed as NumPy does', async () => {
    const code =
      'import numpy as np\ndef f(x: float):\n    return {"a": np.float32(x / 3), "b": np.float64(x / 3), "c": np.int8(x), "d": np.bool_(x > 0)}\n';
    expect(await result(code, ['--range', '0.0:2.0'])).toBe(
      '0.0   0.0   0.0   0   False\n1.0   0.33333334   0.3333333333333333   1   True\n',
    );
    expect(
      await result('import numpy as np\ndef f(x):\n    return np.arange(3) * 0.5 * x\n', ['--range', '1:3']),
    ).toBe('1   0.0   0.5   1.0   \n2   0.0   1.0   2.0   \n');
  });

  testWith('python3', 'gives the same bytes however its processes come about', async () => {
    const args = ['--range', '0:40', '--seed', '7'];
    const one = await result(DRAWS, [...args, '--tasks', '1']);
    expect(one.split('\n')).toHaveLength(41);
    for (const other of [
      ['--tasks', '7', '--jobs', '3'],
      ['--tasks', '5', '--fresh'],
      ['--serial'],
      ['--start-method', 'spawn'],
    ])
      expect(await result(DRAWS, [...args, ...other])).toBe(one);
    expect(await result(DRAWS, ['--range', '0:40', '--tasks', '1'])).not.toBe(one);
  });

  testWith('python3', 'draws the seeds and random numbers that a TypeScript worker draws', async () => {
    const folder = temporaryFolder();
    const worker = writeWorker(
      folder,
      'w.mjs',
      'export default ({ x }, c) => [x * 3, Number(BigInt(c.seed) % 1000n), c.random(), c.index, c.task_index >= 0];\n',
    );
    await fanfold([worker, '--range', '0:20', '--seed', '7', '--out', join(folder, 'run')]);
    expect(await result(DRAWS, ['--range', '0:20', '--seed', '7'])).toBe(read(folder, 'run', 'result.txt'));
  });

  testWith('python3', 'is imported once, by fork; once a process, by spawn', async () => {
    const folder = temporaryFolder();
    const marks = join(folder, 'marks');
    const code =
      'import os\nwith open(os.environ["MARKS"], "a") as file:\n    file.write("i")\ndef f(x):\n    return x\n';
    const worker = `${writeWorker(folder, 'model.py', code)}:f`;
    const args = ['--range', '0:8', '--tasks', '4', '--jobs', '4'];
    const run = async (name: string, ...more: string[]): Promise<void> => {
      const out = join(folder, name);
      await fanfold([worker, ...args, ...more, '--out', out], { env: { MARKS: marks } });
      expect(new Set(events(out, 'end').map(({ pid }) => pid)).size).toBe(4);
    };
    await run('fork');
    expect(read(marks)).toBe('i');
    await run('spawn', '--start-method', 'spawn');
    expect(read(marks)).toBe('iiiii');
    // A run that can't be forked is gone on with as it was begun.
    fs.removeSync(join(folder, 'spawn', 'task_index=3.txt'));
    expect((await fanfold(['resume', join(folder, 'spawn')], { env: { MARKS: marks } })).exitCode).toBe(0);
    const { worker: kept } = JSON.parse(read(folder, 'spawn', 'sweep.json')) as { worker: object };
    expect(kept).toMatchObject({ startMethod: 'spawn' });
  });

  testWith(
    'python3',
    'prints into the log of the task; what its import prints goes to the first',
    async () => {
      const folder = temporaryFolder();
      const code =
        'import sys, subprocess\nprint("imported")\ndef f(x):\n    print("x is", x)\n    print("err", file=sys.stderr)\n    subprocess.run(["echo", "child"])\n    return x\n';
      const worker = `${writeWorker(folder, 'model.py', code)}:f`;
      const { stdout } = await fanfold([
        worker,
        '--range',
        '0:2',
        '--tasks',
        '2',
        '--serial',
        '--out',
        join(folder, 'run'),
      ]);
      const log = (task: number): string[] =>
        read(folder, 'run', 'logs', `task_index=${String(task)}.log`)
          .trimEnd()
          .split('\n')
          .sort();
      expect(log(0)).toEqual(['child', 'err', 'imported', 'x is 0']);
      expect(log(1)).toEqual(['child', 'err', 'x is 1']);
      expect(stdout).not.toContain('imported');
    },
  );

  testWith('python3', 'that raises fails its point with the traceback; a retry mends it', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'run');
    const file = writeWorker(
      folder,
      'model.py',
      'def f(x):\n    if x == 2:\n        raise ValueError("two")\n    return x\n',
    );
    const first = await fanfold([`${file}:f`, '--range', '0:4', '--out', out]);
    expect([first.exitCode, first.stderr]).toEqual([
      1,
      expect.stringContaining('point 2 (x=2): ValueError: two'),
    ]);
    const failure = JSON.parse(read(out, 'failures.jsonl')) as { stack: string };
    expect(failure.stack).toContain(`File "${file}", line 3, in f`);
    expect(failure.stack).not.toContain('host.py');
    writeWorker(folder, 'model.py', 'def f(x):\n    return x\n');
    expect((await fanfold(['retry', out])).exitCode).toBe(2);
    expect((await fanfold(['retry', out, '--allow-changed-worker'])).exitCode).toBe(0);
    expect(read(out, 'result.txt')).toBe('0   0\n1   1\n2   2\n3   3\n');
  });

  testWith('python3', 'is a worker of the library too', async () => {
    const folder = temporaryFolder();
    writeWorker(folder, 'model.py', 'def f(x, a=1):\n    return {"double": 2 * x, "a": a}\n');
    const library = pathToFileURL(join(process.cwd(), 'dist', 'index.js')).href;
    const program = writeWorker(
      folder,
      'program.mjs',
      `import { sweep } from '${library}';
       const found = [];
       for (const startMethod of ['fork', 'spawn']) {
         const run = await sweep({ worker: 'model.py:f', python: 'python3', startMethod, params: { x: [1, 2.5] }, out: startMethod });
         found.push(await run.results());
       }
       const error = await sweep({ worker: 'model.py:f', startMethod: 'thread', params: { x: [1] } }).catch(({ message }) => message);
       console.log(JSON.stringify([...found, error]));`,
    );
    const { stdout } = await execa(process.execPath, [program], { cwd: folder });
    const rows = [
      { double: 2, a: 1 },
      { double: 5, a: 1 },
    ];
    expect(JSON.parse(stdout)).toEqual([
      rows,
      rows,
      expect.stringContaining('"fork" or "spawn", got "thread"'),
    ]);
  });

  testWith('python3', 'is compared serially and in parallel', async () => {
    const cwd = temporaryFolder();
    writeWorker(cwd, 'model.py', 'def f(x):\n    return x\n');
    const { exitCode, stdout } = await fanfold(
      ['model.py:f', '--range', '0:8', '--tasks', '4', '--jobs', '2', '--compare'],
      { cwd },
    );
    expect([exitCode, stdout]).toEqual([0, expect.stringContaining('results: the same bytes')]);
  });
});

describe('a Python model', () => {
  const PARAMETERS: Record<Dataset, readonly number[]> = {
    Misra1a: [1.003, 0.998],
    Eckerle4: [1.01, 0.99, 1.001],
    Rat43: [1.02, 0.98, 1.01, 1.03],
    MGH09: [1.05, 0.95, 1.1, 0.9],
    Hahn1: [1.001, 1.001, 0.999, 1, 1, 1.001, 1],
    Thurber: [1.01, 1.01, 0.99, 1, 1.01, 1, 0.99],
  };

  testWith(
    'numpy',
    'with NumPy gives the residual sums of the TypeScript worker to 12 digits',
    async () => {
      const folder = temporaryFolder();
      for (const [dataset, factors] of Object.entries(PARAMETERS)) {
        const { parameters } = problem(dataset as Dataset).certified;
        const args = parameters.flatMap((b, index) => [
          '--param',
          `b${String(index + 1)}=${String(b * (factors[index] ?? 1))},${String(b * (2 - (factors[index] ?? 1)) * 1.0001)}`,
        ]);
        const sums = await Promise.all(
          ['residuals.ts', 'residuals.py:rss'].map(async (worker) => {
            const out = join(folder, dataset, worker);
            const run = await fanfold([
              join(WORKERS, worker),
              ...args,
              '--set',
              `dataset=${dataset}`,
              '--out',
              out,
            ]);
            if (run.exitCode !== 0) throw new Error(run.stderr);
            return read(out, 'result.txt')
              .trimEnd()
              .split('\n')
              .map((line) => Number(line.split('   ').at(-1)));
          }),
        );
        const [script = [], python = []] = sums;
        expect(python).toHaveLength(2 ** parameters.length);
        python.forEach((value, index) => {
          expect(Math.abs(value / (script[index] ?? NaN) - 1)).toBeLessThan(1e-12);
        });
      }
    },
    60_000,
  );
});
