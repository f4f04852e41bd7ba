import { describe, expect, test } from '@jest/globals';
import { execa } from 'execa';
import fs from 'fs-extra';
import { join } from 'node:path';
import { readRow } from '../../src/format/read-row.js';
import { testWith } from '../tools.js';
import {
  BIDI,
  ESCAPES,
  expectHarmless,
  HOSTILE,
  readCsv,
  readJsonl,
  readTxt,
  treeOf,
  UNPASSABLE,
} from './hostile.js';
import { COMMAND, failures, fanfold, read, temporaryFolder, writeWorker } from './command.js';

const READERS = { txt: readTxt, csv: (text: string) => readCsv(text).slice(1), jsonl: readJsonl };
const FORMATS = Object.keys(READERS) as (keyof typeof READERS)[];

/** A folder with another inside, in which a points file has a column `s` of the values, and workers return it. */
function sweepFolder(values: readonly string[]): { outer: string; folder: string } {
  const outer = temporaryFolder();
  const folder = join(outer, 'inner');
  fs.outputFileSync(join(folder, 'points.jsonl'), values.map((s) => `${JSON.stringify({ s })}\n`).join(''));
  writeWorker(folder, 'echo.mjs', 'export default ({ s }) => s;');
  writeWorker(folder, 'echo.py', 'def echo(s):\n    return s\n');
  writeWorker(
    folder,
    'stream.py',
    'import json, sys\nfor line in sys.stdin.buffer:\n    p = json.loads(line)\n    print(json.dumps({"index": p["index"], "y": p["s"]}), flush=True)\n',
  );
  return { outer, folder };
}

/** Each way in which a worker gets a value; `isWord` where it is a word or a variable of a program. */
const WAYS: readonly { name: string; args: readonly string[]; isWord?: boolean }[] = [
  { name: 'a JavaScript worker', args: ['echo.mjs'] },
  { name: 'a Python worker', args: ['echo.py:echo'] },
  // Between brackets, because blanks around a match are not of a result.
  { name: 'an argument', args: ['--result', 'regex:[^]+', '--', 'printf', '[%s]', '{s}'], isWord: true },
  {
    name: 'a variable',
    args: ['--result', 'regex:[^]+', '--', 'sh', '-c', 'printf "[%s]" "$FANFOLD_PARAM_s"'],
    isWord: true,
  },
  { name: 'a shell', args: ['--result', 'regex:[^]+', '--shell', '--', 'printf [%s] {s}'], isWord: true },
  { name: 'standard input', args: ['--result', 'regex:[^]+', '--stdin', '--', 'cat'] },
  { name: 'a stream', args: ['--stream', '--', 'python3', 'stream.py'] },
];

/** The value in what a way gives back. */
function returned(name: string, isWord: boolean, text: string | undefined): unknown {
  if (isWord) return text?.slice(1, -1);
  return name === 'standard input' ? (JSON.parse(text ?? '') as { s: unknown }).s : text;
}

describe('hostile values', () => {
  for (const { name, args, isWord = false } of WAYS) {
    testWith('python3', `pass through ${name} and back as they are`, async () => {
      const values = isWord ? HOSTILE : [...HOSTILE, ...UNPASSABLE];
      const { outer, folder } = sweepFolder(values);
      const out = join(folder, 'out');
      const before = treeOf(outer, out);
      // A program takes long to start, so those that start one for each value do so for one format.
      for (const format of args.includes('--') && !args.includes('--stream')
        ? FORMATS.slice(0, 1)
        : FORMATS) {
        const ended = await fanfold(
          ['-f', '--points', 'points.jsonl', '--out', 'out', '--format', format, ...args],
          { cwd: folder, env: { PYTHONDONTWRITEBYTECODE: '1' } },
        );
        expect([ended.exitCode, ended.stderr]).toEqual([0, expect.stringContaining('wall time')]);
        const text = read(out, `result.${format}`);
        const rows = READERS[format](text).map(([s, y]) => [s, returned(name, isWord, y)]);
        expect(rows).toEqual(values.map((value) => [value, value]));
        expectHarmless(ended.stderr, ended.stdout, text);
      }
      expect(treeOf(outer, out)).toEqual(before);
    });
  }

  testWith('numpy', 'are read back by NumPy, numbers beside them', async () => {
    const numbered = HOSTILE.map((s, y) => ({ s, y }));
    const folder = temporaryFolder();
    fs.writeFileSync(join(folder, 'p.jsonl'), numbered.map((row) => `${JSON.stringify(row)}\n`).join(''));
    const worker = writeWorker(folder, 'w.mjs', 'export default ({ y }) => y / 2;');
    const { stdout } = await fanfold([worker, '--points', 'p.jsonl', '-q', '--out', 'out'], { cwd: folder });
    const program =
      "import numpy, sys; print(numpy.loadtxt(sys.argv[1], dtype=str, quotechar='\"', usecols=(-2, -1)))";
    // Before 1.23 loadtxt knows no quotes; words with blanks are its own affair then.
    const {
      exitCode,
      stdout: shown,
      stderr,
    } = await execa('python3', ['-c', program, stdout.trim()], {
      cwd: folder,
      reject: false,
    });
    if (!stderr.includes('quotechar')) expect([exitCode, shown]).toEqual([0, expect.stringContaining('0.5')]);
    expect(readTxt(read(folder, 'out', 'result.txt')).map(([, , half]) => Number(half))).toEqual(
      numbered.map(({ y }) => y / 2),
    );
  });

  test('that no program can be given fail their own points, with what to do', async () => {
    const { folder } = sweepFolder([...UNPASSABLE, 'fine']);
    const run = (...args: string[]): ReturnType<typeof fanfold> =>
      fanfold(['-f', '--points', 'points.jsonl', '--out', 'out', '--result', 'regex:.*', ...args], {
        cwd: folder,
      });
    const { exitCode, stderr } = await run('--', 'echo', '{s}');
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('5 points failed')]);
    expectHarmless(stderr);
    const errors = failures(join(folder, 'out')).map(({ error }) => error);
    expect(errors.filter((error) => error.includes('Use --stdin'))).toHaveLength(5);
    expect(errors.filter((error) => error.includes('got a NUL character'))).toHaveLength(2);
    expect(errors.filter((error) => error.includes('half a surrogate pair'))).toHaveLength(3);
    // Where the point is on standard input they don't need to be.
    expect(await run('--stdin', '--', 'cat')).toMatchObject({ exitCode: 0 });
  });

  testWith(
    'python3',
    'of 10 MB pass where they can, and otherwise fail their point with what to do',
    async () => {
      const { folder } = sweepFolder(['x'.repeat(10_000_000), '"\n\x1b'.repeat(3_300_000), 'small']);
      for (const { name, args, isWord = false } of WAYS) {
        const { exitCode, stderr } = await fanfold(
          ['-f', '--points', 'points.jsonl', '--out', 'out', '--jobs', '1', ...args],
          { cwd: folder },
        );
        expect([name, exitCode, stderr.length < 10_000]).toEqual([name, isWord ? 1 : 0, true]);
        expectHarmless(stderr);
        if (!isWord) {
          const lines = read(folder, 'out', 'result.txt').split('\n').slice(0, -1);
          const rows = lines.map((line) => readRow(line, 'txt', ['string', 'string']) as string[]);
          const sizes = rows.map(([s, y]) =>
            [s, returned(name, isWord, y)].map((text) => String(text).length),
          );
          expect(sizes).toEqual([10_000_000, 9_900_000, 5].map((length) => [length, length]));
          continue;
        }
        const errors = failures(join(folder, 'out'));
        expect(errors.map(({ index, error }) => [index, /E2BIG.*Use --stdin/.test(error)])).toEqual([
          [0, true],
          [1, true],
        ]);
        // A record names the parameters, not megabytes of them.
        expect(fs.statSync(join(folder, 'out', 'failures.jsonl')).size).toBeLessThan(100_000);
      }
    },
    120_000,
  );
});

describe('hostile names', () => {
  test('of parameters are refused, and those that differ by case or look like JavaScript are names', async () => {
    const folder = temporaryFolder();
    const worker = writeWorker(folder, 'w.mjs', 'export default (point) => Object.keys(point).join();');
    const refused = [
      '__proto__',
      '../x',
      'a b',
      'e\u0301',
      '$(x)',
      ESCAPES,
      BIDI,
      'a\u200bb',
      '1a',
      '',
      '-x',
    ];
    for (const name of refused) {
      const typed = await fanfold([worker, '--param', `${name}=1`], { cwd: folder });
      expect([name, typed.exitCode]).toEqual([name, 2]);
      expect(typed.stderr).toMatch(/^fanfold: Expected .*\[FANFOLD_(?:SPACE|USAGE)\]\n$/s);
      expectHarmless(typed.stderr);
      fs.writeFileSync(join(folder, 'p.jsonl'), JSON.stringify({ [name]: 1 }));
      const { exitCode, stderr } = await fanfold([worker, '--points', 'p.jsonl'], { cwd: folder });
      expect([name, exitCode, stderr]).toEqual([
        name,
        2,
        expect.stringMatching(/FANFOLD_(?:SPACE|POINTS_FILE)/),
      ]);
      expectHarmless(stderr);
    }
    const names = ['a', 'A', 'constructor', 'toString', 'hasOwnProperty', 'é', 'É', 'x'.repeat(5000)];
    const args = names.map((name) => ['--param', `${name}=1`]).flat();
    const { exitCode, stderr } = await fanfold([worker, ...args, '-q', '--out', 'out', '--header'], {
      cwd: folder,
    });
    expect([exitCode, stderr]).toEqual([0, '']);
    expect(readTxt(read(folder, 'out', 'result.txt'))[1]?.at(-1)).toBe(names.join());
    expect(fs.readdirSync(folder).sort()).toEqual(['out', 'p.jsonl', 'w.mjs']);
  });

  test('of parameters that a row leaves out are left to the worker', async () => {
    const folder = temporaryFolder();
    fs.writeFileSync(
      join(folder, 'p.jsonl'),
      '{"constructor":null,"toString":1}\n{"constructor":"q","toString":2}\n',
    );
    const worker = writeWorker(folder, 'w.mjs', 'export default (point) => JSON.stringify(point);');
    const run = async (...args: string[]): Promise<string[][]> => {
      const shared = ['-f', '-q', '--points', 'p.jsonl', '--out', 'out'];
      expect(await fanfold([...shared, ...args], { cwd: folder })).toMatchObject({ exitCode: 0, stderr: '' });
      return readTxt(read(folder, 'out', 'result.txt'));
    };
    expect((await run(worker))[0]).toEqual(['nan', '1', '{"toString":1}']);
    expect((await run('--stdin', '--result', 'regex:.*,', '--', 'cat'))[0]?.[2]).toMatch(
      /^{"toString":1,"index":0/,
    );
  });

  test('of result columns stand in every file as they are, and in messages made harmless', async () => {
    const folder = temporaryFolder();
    const names = [ESCAPES, BIDI, '__proto__', 'constructor', 'a,b', '"', ' ', '#', '\n'];
    const worker = writeWorker(
      folder,
      'w.mjs',
      `export default ({ x }) => JSON.parse(${JSON.stringify(JSON.stringify(Object.fromEntries(names.map((name) => [name, 1]))))}, (key, value) => key === '' ? value : value / x);`,
    );
    for (const format of FORMATS) {
      const header = format === 'txt' ? ['--header'] : [];
      const { exitCode, stderr, stdout } = await fanfold(
        [worker, '--param', 'x=1,2', '-f', '--out', 'out', '--format', format, ...header],
        { cwd: folder },
      );
      expect([exitCode, stderr]).toEqual([0, expect.stringContaining('whole numbers')]);
      const text = read(folder, 'out', `result.${format}`);
      expectHarmless(stderr, stdout, text);
      const [line = ''] = text.split('\n');
      const found = {
        txt: () => readTxt(`${line.slice(2)}\n`)[0],
        csv: () => readCsv(`${line}\n`)[0],
        jsonl: () => Object.keys(JSON.parse(line) as object),
      }[format]();
      expect(found).toEqual(['x', ...names]);
    }
  });

  testWith(
    'python3',
    'of workers, folders and run directories are names',
    async () => {
      const outer = temporaryFolder();
      for (const part of [
        `it's "$(touch pwned)\`touch pwned\`";|&`,
        `a\n${ESCAPES}`,
        `-rf ${BIDI}*[a]{s}?#%41 `,
      ]) {
        const folder = join(outer, part);
        writeWorker(folder, `w${part}.mjs`, 'export default ({ x }) => 2 * x;');
        writeWorker(folder, `w${part}.py`, 'def double(x):\n    return 2 * x\n');
        const workers = [
          [`./w${part}.mjs`],
          [`./w${part}.py:double`],
          ['--shell', '--', 'echo $((2 * $FANFOLD_PARAM_x))'],
        ];
        for (const worker of workers) {
          for (const out of [['--out', `./out${part}`, '-f'], []]) {
            const ended = await fanfold(['-q', '--range', '0:3', ...out, ...worker], {
              cwd: folder,
              env: { TMPDIR: folder, PYTHONDONTWRITEBYTECODE: '1' },
            });
            expect([part, ended.exitCode, ended.stderr]).toEqual([part, 0, '']);
            const result = ended.stdout.slice(0, -1);
            expect(read(folder, result)).toBe('0   0\n1   2\n2   4\n');
            // A name that fanfold chose itself is harmless; one that was asked for is a path like any other.
            if (out.length === 0) expectHarmless(ended.stdout.replace('\n', ''));
          }
        }
        const expected = [`out${part}`, 'runs', `w${part}.mjs`, `w${part}.py`].sort();
        expect(fs.readdirSync(folder).sort()).toEqual(expected);
        for (const args of [
          ['status', `./out${part}`],
          ['status', `./out${part}`, '--json'],
          ['resume', `./out${part}`],
        ]) {
          const ended = await fanfold(args, { cwd: folder });
          expect([args, ended.exitCode]).toEqual([args, 0]);
          expectHarmless(ended.stderr, args[0] === 'resume' ? '' : ended.stdout);
        }
      }
    },
    180_000,
  );

  test('that are too long for the file system are cut in the names of run directories', async () => {
    const folder = temporaryFolder();
    const worker = writeWorker(folder, `${'é'.repeat(120)}.mjs`, 'export default ({ x }) => 2 * x;');
    const { exitCode, stdout } = await fanfold([worker, '--range', '0:3', '-q'], { cwd: folder });
    expect([exitCode, stdout]).toEqual([0, expect.stringMatching(/^runs\/é{50}-[0-9a-f]{8}\/result.txt\n$/)]);
  });
});

describe('a worker that writes onto the descriptor of reports', () => {
  const sweep = ['--range', '0:9', '--jobs', '1', '--out', 'out'];

  testWith('python3', 'fails the points at which it does, and no others', async () => {
    const folder = temporaryFolder();
    const javascript = `import fs from 'node:fs';
      export default async ({ x }) => {
        if (x === 4) fs.writeSync(3, 'garbage\\x1b[31m\\n');
        if (x === 6) fs.writeSync(3, 'torn');
        await new Promise((resolve) => setTimeout(resolve, x === 4 ? 30_000 : 0));
        return x;
      };`;
    const python = `import os, time
def f(x):
    if x == 4: os.write(3, b'garbage\\x1b[31m\\n')
    if x == 6: os.write(3, b'torn')
    time.sleep(30 if x == 4 else 0)
    return x
`;
    for (const worker of [
      writeWorker(folder, 'w.mjs', javascript),
      `${writeWorker(folder, 'w.py', python)}:f`,
    ]) {
      const { exitCode, stderr } = await fanfold([worker, '-f', '--retries', '0', ...sweep], { cwd: folder });
      expect([exitCode, stderr]).toEqual([1, expect.stringContaining('1 point failed')]);
      expectHarmless(stderr);
      expect(stderr).toMatch(/point 4 \(x=4\): .*it wrote onto a descriptor of fanfold's own/);
    }
  });
});

describe('a terminal', () => {
  const isShownHarmless = async (
    folder: string,
    args: readonly string[],
    exitCode: number,
  ): Promise<void> => {
    const ended = await fanfold(args, { cwd: folder });
    expect([args, ended.exitCode]).toEqual([args, exitCode]);
    expectHarmless(ended.stderr, ended.stdout);
    expect(ended.stderr).not.toContain('internal error');
  };

  test('is shown no control characters of what a user typed wrong', async () => {
    const folder = temporaryFolder();
    const bad = `${ESCAPES}${BIDI}`;
    const mistakes = [
      [`--${bad}`],
      ['--param', `${bad}=1`],
      ['--param', `x=1:${bad}`],
      ['--param', `x=linspace(${bad})`],
      ['--format', bad],
      ...['--tasks', '--jobs', '--timeout', '--seed', '--slicing', '--threads'].map((option) => [
        option,
        bad,
      ]),
      ['--zip', bad, '--range', '0:3'],
      ['--points', `${bad}.csv`],
      ['--points', bad],
      [bad, '--range', '0:3'],
      ['w.mjs', bad, '--range', '0:3'],
      ['--range', '0:3', '--', bad],
      ['--range', '0:3', '--', 'echo', `{${bad}}`, '{y}', bad],
      ['--range', '0:3', '--result', bad, '--', 'echo'],
      ['--range', '0:3', '--result', `regex:(${bad}`, '--', 'echo'],
      ['--range', '0:3', '--columns', `a:${bad}`, '--', 'echo'],
      ...['status', 'resume', 'retry', 'fold'].map((command) => [command, bad]),
      ['status', '.', `--${bad}`],
    ];
    for (const args of mistakes) await isShownHarmless(folder, args, 2);
    expect(fs.readdirSync(folder)).toEqual([]);
  }, 120_000);

  testWith(
    'python3',
    'is shown no control characters of what a worker prints, throws or dies with',
    async () => {
      const folder = temporaryFolder();
      const text = JSON.stringify(`${ESCAPES}${BIDI}`);
      const write = (name: string, code: string): string[] => [writeWorker(folder, name, code)];
      const python = (name: string, code: string): string[] => [`${writeWorker(folder, name, code)}:f`];
      const pythonText = `json.loads(${JSON.stringify(text)})`;
      const shell = (code: string): string[] => ['--', 'sh', '-c', code, 'sh', '{s}', `${ESCAPES}${BIDI}`];
      const failing: [string[], number][] = [
        [write('a.mjs', `export default () => { console.log(${text}); throw new Error(${text}); };`), 1],
        [write('b.mjs', `throw new Error(${text});`), 2],
        [write('c.mjs', `import ${text};`), 2],
        [write('d.mjs', `export default () => { throw ${text}; };`), 1],
        [write('e.mjs', `export default () => { process.stderr.write(${text}); process.exit(3); };`), 1],
        [
          write(
            'f.mjs',
            `export default () => { console.error(${text}); process.kill(process.pid, 'SIGKILL'); };`,
          ),
          1,
        ],
        [
          python(
            'a.py',
            `import json\ndef f(s):\n    print(${pythonText})\n    raise ValueError(${pythonText})\n`,
          ),
          1,
        ],
        [python('b.py', `import json\nraise ValueError(${pythonText})\n`), 2],
        [python('c.py', `def \x1b(`), 2],
        [
          python(
            'd.py',
            `import json, os, sys\ndef f(s):\n    sys.stderr.write(${pythonText})\n    os.kill(os.getpid(), 9)\n`,
          ),
          1,
        ],
        [shell('printf "%s" "$2" >&2; exit 3'), 1],
        [shell('printf "%s\\n%s" "$2" "$2"'), 1],
        [['--result', 'json', ...shell('printf "%s" "$2"')], 1],
        [
          ['--stream', '--', 'sh', '-c', 'while read -r line; do printf "%s\\n" "$1"; done', 'sh', ESCAPES],
          1,
        ],
      ];
      for (const [args, exitCode] of failing) {
        const sweep = ['--param', `s=${ESCAPES},${BIDI}`, '--out', 'out', '-f'];
        await isShownHarmless(folder, [...sweep, ...args], exitCode);
        if (exitCode !== 1) continue;
        await isShownHarmless(folder, ['status', 'out'], 0);
        await isShownHarmless(folder, ['status', 'out', '--json'], 0);
        await isShownHarmless(folder, ['retry', 'out'], 1);
      }
    },
    120_000,
  );

  test('is shown no control characters of a dry run, and no megabytes of an error', async () => {
    const folder = temporaryFolder();
    const worker = writeWorker(folder, `w${ESCAPES}.mjs`, 'export default () => 1;');
    const sweep = ['--param', `s=${ESCAPES},${BIDI}`, '--set', `t=${ESCAPES}`, '--out', `o${ESCAPES}`, '-n'];
    await isShownHarmless(folder, [worker, ...sweep], 0);
    await isShownHarmless(folder, [...sweep, '--', 'echo', '{s}', ESCAPES], 0);
    await isShownHarmless(folder, [...sweep, '--shell', '--', `echo {s} ${ESCAPES}`], 0);
    const { stderr } = await fanfold(['--param', `x=1:${'9'.repeat(100_000)}z`]);
    expect(stderr.length).toBeLessThan(5000);
  });

  testWith(
    'script',
    'with bars gets only what moves its cursor, and the path of the result as it can be shown',
    async () => {
      const folder = temporaryFolder();
      const worker = writeWorker(
        folder,
        `w${ESCAPES}.mjs`,
        `export default ({ s }) => { console.log(s); throw new Error(s); };`,
      );
      fs.writeFileSync(join(folder, 'p.jsonl'), `${JSON.stringify({ s: `${ESCAPES}${BIDI}` })}\n`);
      const words = [process.execPath, COMMAND, worker, '--points', 'p.jsonl', '--out', `o${ESCAPES}`];
      const run = async (args: readonly string[]): Promise<string> => {
        // The words go through the environment: script takes a line for a shell.
        const env = Object.fromEntries(args.map((word, index) => [`W${String(index)}`, word]));
        const line = args.map((_, index) => `"$W${String(index)}"`).join(' ');
        const { stdout } = await execa('script', ['-qec', `stty cols 120 rows 40; ${line}`, '/dev/null'], {
          reject: false,
          cwd: folder,
          env: { CI: undefined, TERM: 'xterm', ...env },
        });
        return stdout;
      };
      const plain = /\x1b\[(?:\?25[lh]|\d*[A-K]|\?7[lh]|\d*;?\d*[Hm]|0m)|\r/g;
      expectHarmless((await run(words)).replace(plain, ''));
      fs.writeFileSync(worker, 'export default () => 1;');
      expectHarmless((await run([...words, '-f'])).replace(plain, ''));
    },
  );
});
