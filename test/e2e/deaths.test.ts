import { describe, expect, test } from '@jest/globals';
import fs from 'fs-extra';
import { join } from 'node:path';
import { testWith } from '../tools.js';
import {
  doneLines,
  events,
  expectExit,
  failures,
  fanfold,
  read,
  start,
  temporaryFolder,
  until,
  writeWorker,
} from './command.js';

const RANGE = ['--range', '0:6', '--tasks', '2', '--jobs', '2', '--retry-delay', '10ms'];
const RESULT = '0   0\n1   2\n2   4\n3   6\n4   8\n5   10\n';

/** A run whose point 4 appends a mark to a file, and then does something while there are no more than so many marks. */
function marked(kind: Kind, act: string, most: number): { out: string; args: string[]; marks: () => number } {
  const folder = temporaryFolder();
  const out = join(folder, 'run');
  const marks = join(folder, 'marks');
  fs.writeFileSync(marks, '');
  return {
    out,
    args: [...RANGE, '--out', out, ...kind(folder, marks, act, most)],
    marks: () => fs.statSync(marks).size,
  };
}

/** Holds 100 MB while it is busy for long enough to be seen. */
const HEAVY =
  'const held = Buffer.alloc(100 << 20, 1); const end = Date.now() + 600; while (Date.now() < end || process.cpuUsage().user < 2e5) held[0]++;';

function expectHeavy(certificate: { peakMemoryBytes?: number; processorSeconds?: number } | undefined): void {
  const { peakMemoryBytes = 0, processorSeconds = 0 } = certificate ?? {};
  expect(peakMemoryBytes).toBeGreaterThan(100 << 20);
  expect(peakMemoryBytes).toBeLessThan(500 << 20);
  expect(processorSeconds).toBeGreaterThan(0.2);
  expect(processorSeconds).toBeLessThan(30);
}

type Kind = (folder: string, marks: string, act: string, most: number) => string[];

const javascript: Kind = (folder, marks, act, most) => [
  writeWorker(
    folder,
    'w.mjs',
    `import fs from 'node:fs';
export default ({ x }) => {
  if (x === 4) {
    fs.appendFileSync(${JSON.stringify(marks)}, '.');
    if (fs.statSync(${JSON.stringify(marks)}).size <= ${String(most)}) { ${act} }
  }
  return x * 2;
};\n`,
  ),
];

const python =
  (method: string): Kind =>
  (folder, marks, act, most) => [
    `${writeWorker(
      folder,
      'model.py',
      `import os, signal, sys, time
def f(x):
    if x == 4:
        with open(${JSON.stringify(marks)}, 'a') as file:
            file.write('.')
        if os.path.getsize(${JSON.stringify(marks)}) <= ${String(most)}:
            ${act}
    return x * 2\n`,
    )}:f`,
    '--start-method',
    method,
  ];

const shell: Kind = (_, marks, act, most) => [
  '--shell',
  '--',
  `v={x}; if [ $v = 4 ]; then printf . >> '${marks}'; if [ $(wc -c < '${marks}') -le ${String(most)} ]; then ${act}; fi; fi; echo $((v * 2))`,
];

const stream: Kind = (folder, marks, act, most) => {
  const worker = javascript(folder, marks, act, most)[0] ?? '';
  const program = writeWorker(
    folder,
    'program.mjs',
    `import f from ${JSON.stringify(worker)};
import { createInterface } from 'node:readline';
for await (const line of createInterface({ input: process.stdin })) {
  const { x, index } = JSON.parse(line);
  console.log(JSON.stringify({ index, y: f({ x }) }));
}\n`,
  );
  return ['--stream', '--', process.execPath, program];
};

const KILL = "process.kill(process.pid, 'SIGKILL'); for (;;);";
const WAYS: [string, Kind, string, string][] = [
  ['JavaScript, SIGKILL', javascript, KILL, 'SIGKILL, often the out-of-memory killer'],
  ['JavaScript, SIGSEGV', javascript, "process.kill(process.pid, 'SIGSEGV'); for (;;);", 'SIGSEGV'],
  ['JavaScript, process.exit', javascript, 'process.exit(7);', 'exit status 7'],
  ['Python by fork, SIGKILL', python('fork'), 'os.kill(os.getpid(), signal.SIGKILL)', 'SIGKILL, often'],
  ['Python by spawn, SIGSEGV', python('spawn'), 'os.kill(os.getpid(), signal.SIGSEGV)', 'SIGSEGV'],
  ['Python by fork, os._exit', python('fork'), 'os._exit(7)', 'exit status 7'],
  ['a command, SIGKILL', shell, 'kill -s KILL $$', 'SIGKILL, often the out-of-memory killer'],
  ['a stream, SIGKILL', stream, KILL, 'SIGKILL, often the out-of-memory killer'],
];

describe.each(WAYS)('a point that ends its process (%s)', (title, kind, act, words) => {
  const needed = title.startsWith('Python') ? 'python3' : 'posix';

  testWith(needed, 'once is computed again, and the run is complete', async () => {
    const { out, args, marks } = marked(kind, act, 1);
    const { exitCode, stderr } = await fanfold(args);
    expect([exitCode, stderr]).toEqual([0, expect.not.stringContaining('failed')]);
    expect(read(out, 'result.txt').replaceAll(/ +\n/g, '\n')).toBe(RESULT);
    expect(marks()).toBe(2);
    expect(failures(out)).toMatchObject([{ index: 4, attempt: 1, error: expect.stringContaining(words) }]);
  });

  testWith(needed, 'always is tried as often as --retries says, then failed; the others go on', async () => {
    for (const retries of [0, 2]) {
      const { out, args, marks } = marked(kind, act, 99);
      const { exitCode, stderr } = await fanfold([
        ...args.slice(0, 8),
        '--retries',
        String(retries),
        ...args.slice(8),
      ]);
      expect([exitCode, stderr]).toEqual([1, expect.stringContaining('1 point failed')]);
      expect(marks()).toBe(retries + 1);
      const found = failures(out);
      expect(found.map(({ index, attempt }) => [index, attempt])).toEqual(
        Array.from({ length: retries + 1 }, (_, number) => [4, number + 1]),
      );
      const [{ certificate } = {}] = found;
      expect(certificate).toMatchObject({
        verdict: words.startsWith('SIGKILL') ? 'node' : 'your code',
        exitStatus: words.startsWith('exit') ? 7 : null,
        signal: words.startsWith('exit') ? null : words.slice(0, 7),
        again: `fanfold run ${out} --point 4`,
        oomKills: { before: { machine: expect.any(Number) }, after: { machine: expect.any(Number) } },
      });
      expect(read(out, 'task_index=1.txt.part').split('\n')[1]).toBe('# failed 4');
    }
  });
});

const SCHEDULERS: [string, Kind, string, string][] = [
  ['JavaScript', javascript, "process.kill(process.pid, 'SIGXCPU'); for (;;);", 'SIGXCPU'],
  ['Python', python('fork'), 'os.kill(os.getpid(), signal.SIGXCPU)', 'SIGXCPU'],
  ['a command', shell, 'kill -s TERM $$', 'SIGTERM'],
  ['a stream', stream, "process.kill(process.pid, 'SIGTERM'); for (;;);", 'SIGTERM'],
];

describe.each(SCHEDULERS)("a point ended by a scheduler's signal (%s)", (title, kind, act, signal) => {
  const needed = title === 'Python' ? 'python3' : 'posix';

  testWith(needed, 'is computed again at no cost to its retries', async () => {
    const { out, args, marks } = marked(kind, act, 2);
    expectExit(await fanfold([...args.slice(0, 8), '--retries', '0', ...args.slice(8)]), 0);
    expect(marks()).toBe(3);
    expect(failures(out).map(({ attempt, certificate }) => [attempt, certificate])).toEqual(
      [1, 2].map((attempt) => [attempt, expect.objectContaining({ verdict: 'preempted', signal })]),
    );
  });

  testWith(needed, 'each time it is tried is failed in the end', async () => {
    const { args, marks } = marked(kind, act, 99);
    const { exitCode, stderr } = await fanfold([...args.slice(0, 8), '--retries', '0', ...args.slice(8)]);
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('1 point failed')]);
    expect(marks()).toBe(4);
  });
});

test('the wait before a retry doubles, other slots go on meanwhile, and a stop ends it', async () => {
  const { out, args, marks } = marked(javascript, 'process.exit(7);', 99);
  const delays = ['--retries', '9', '--retry-delay', '300ms'];
  const run = start([...args.filter((word) => word !== '--retry-delay' && word !== '10ms'), ...delays]);
  await until('three tries', () => marks() === 3);
  const [first = 0, second = 0] = failures(out).map(({ time }) => time);
  expect(second - first).toBeGreaterThanOrEqual(300);
  expect(fs.existsSync(join(out, 'task_index=0.txt'))).toBe(true);
  // Now it waits for 1.2 s.
  await until('its end', () => events(out, 'died').length === 3);
  const stopped = Date.now();
  run.kill('SIGINT');
  expect((await run).exitCode).toBe(130);
  expect(Date.now() - stopped).toBeLessThan(1100);
  expect(marks()).toBe(3);
  // Attempts are counted over the sessions; the budget is each session's.
  expect((await fanfold(['resume', out, '--retries', '0'])).exitCode).toBe(1);
  expect(failures(out).map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4]);
});

test('a death among points too fast to tell which is counted against none', async () => {
  const folder = temporaryFolder();
  const out = join(folder, 'run');
  const mark = JSON.stringify(join(folder, 'mark'));
  const worker = writeWorker(
    folder,
    'w.mjs',
    `import fs from 'node:fs';
export default ({ x }) => {
  if (x === 30_000 && !fs.existsSync(${mark})) { fs.writeFileSync(${mark}, ''); process.exit(7); }
  return x;
};\n`,
  );
  const args = [worker, '--range', '0:40000', '--tasks', '1', '--retries', '0', '--out', out];
  expect((await fanfold(args)).exitCode).toBe(0);
  expect(events(out, 'died')).toHaveLength(1);
  expect(fs.existsSync(join(out, 'failures.jsonl'))).toBe(false);
  expect(doneLines(out)).toBe(40_000);
});

async function saysOf(args: string[], words: string, exitStatus: number | null): Promise<void> {
  const cwd = temporaryFolder();
  writeWorker(cwd, 'w.mjs', 'export default () => new Map();\n');
  writeWorker(cwd, 'w.py', 'def f(x):\n    return object()\n');
  const out = join(cwd, 'run');
  expectExit(await fanfold(['--range', '0:1', '--out', out, ...args], { cwd }), 1);
  expect(failures(out)).toMatchObject([
    { certificate: { verdict: 'your code', words: `your code: ${words}`, exitStatus } },
  ]);
}

describe('a certificate', () => {
  test('of a thrown error has what the process took, and costs no retry', async () => {
    const { out, args, marks } = marked(javascript, "console.log('just before'); throw new Error('no');", 99);
    expect((await fanfold(args)).exitCode).toBe(1);
    expect(marks()).toBe(1);
    expect(failures(out)).toMatchObject([
      {
        attempt: 1,
        error: 'Error: no',
        certificate: {
          verdict: 'your code',
          words: 'your code: it threw an error',
          exitStatus: null,
          signal: null,
          peakMemoryBytes: expect.any(Number),
          processorSeconds: expect.any(Number),
          logEnd: 'just before\n',
        },
      },
    ]);
  });

  test.each([
    ['a command that ended so', ['--', 'sh', '-c', 'echo why >&2; exit 3'], 'it ended with exit status 3', 3],
    [
      'a result that can not be read',
      ['--result', 'json', '--', 'echo', 'hallo'],
      'its result could not be read',
      0,
    ],
  ])('of %s says that', (_, args, words, exitStatus) => saysOf(args, words, exitStatus));

  test('of a value that is no result says that', () =>
    saysOf(['w.mjs'], 'its result could not be written', null));

  testWith('python3', 'of a Python value that is no result says that', () =>
    saysOf(['w.py:f'], 'its result could not be written', null),
  );

  testWith('python3', 'of a Python exception is alike, and knows want of memory', async () => {
    const { out, args } = marked(python('fork'), "print('just before'); bytearray(1 << 62)", 99);
    expect(
      (await fanfold(args, { env: { SLURM_JOB_END_TIME: String(Date.now() / 1000 + 1000) } })).exitCode,
    ).toBe(1);
    const [failure] = failures(out);
    expect(failure).toMatchObject({
      certificate: {
        verdict: 'memory',
        logEnd: 'just before\n',
        signal: null,
        again: `fanfold run ${out} --point 4`,
      },
    });
    const { peakMemoryBytes = 0, timeLeftSeconds = 0 } = failure?.certificate ?? {};
    expect(peakMemoryBytes).toBeGreaterThan(1 << 20);
    expect(Math.abs(timeLeftSeconds - 1000)).toBeLessThan(60);
  });

  testWith('python3', 'of a dead fork has its own peak memory and processor time', async () => {
    const act =
      "held = b'x' * (100 << 20); end = time.process_time() + 0.2\n            while time.process_time() < end: pass\n            os._exit(7)";
    const { out, args } = marked(python('fork'), act, 99);
    expect((await fanfold([...args, '--retries', '0'])).exitCode).toBe(1);
    const { peakMemoryBytes = 0, processorSeconds = 0 } = failures(out)[0]?.certificate ?? {};
    expect(peakMemoryBytes).toBeGreaterThan(100 << 20);
    expect(processorSeconds).toBeGreaterThan(0.2);
  });

  describe.each<[string, string[], string, number | null]>([
    ['that a shell starts', ['{x}'], 'if (process.argv[2] === "4") process.exit(3); console.log(1);', 3],
    ['with an argument that no shell is sent', ['{x}', 'a\nb'], 'process.exit(3);', 3],
    ['that prints no result', ['{x}'], '', 0],
  ])('of a command %s', (_, words, act, exitStatus) => {
    testWith('procfs', 'has the peak memory and processor time of this one', async () => {
      const folder = temporaryFolder();
      const out = join(folder, 'run');
      const script = writeWorker(folder, 'heavy.cjs', `${HEAVY}\n${act}\n`);
      const args = ['--range', '3:5', '--tasks', '1', '--out', out, '--', process.execPath, script, ...words];
      expect((await fanfold(args)).exitCode).toBe(1);
      const { certificate } = failures(out).find(({ index }) => index === 1) ?? {};
      expect(certificate).toMatchObject({ exitStatus, signal: null });
      expectHeavy(certificate);
    });
  });

  testWith('procfs', 'of a command that took too long has them too', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'run');
    const script = writeWorker(folder, 'endless.cjs', `${HEAVY}\nfor (;;);\n`);
    const limits = ['--timeout', '2s', '--retries', '0'];
    const args = ['--range', '0:1', '--out', out, ...limits, '--', process.execPath, script, '{x}'];
    expect((await fanfold(args)).exitCode).toBe(1);
    const [failure] = failures(out);
    expect(failure?.certificate).toMatchObject({ verdict: 'timeout' });
    expectHeavy(failure?.certificate);
  });

  describe.each<[string, string]>([
    ['that ends', 'process.exit(3)'],
    ['that answers an error', 'console.log(JSON.stringify({ index, error: "no" }))'],
  ])('of a program that stays alive %s', (_, act) => {
    testWith('procfs', 'has its peak memory and processor time', async () => {
      const folder = temporaryFolder();
      const out = join(folder, 'run');
      const script = writeWorker(
        folder,
        'stream.cjs',
        `require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { index, x } = JSON.parse(line);
  if (x === 3) return console.log(JSON.stringify({ index, result: 1 }));
  ${HEAVY}
  ${act};
});\n`,
      );
      const args = [
        '--range',
        '3:5',
        '--tasks',
        '1',
        '--out',
        out,
        '--stream',
        '--',
        process.execPath,
        script,
      ];
      expect((await fanfold(args)).exitCode).toBe(1);
      const [failure] = failures(out);
      expect(failure?.index).toBe(1);
      expectHeavy(failure?.certificate);
    });
  });

  describe.each<[string, string, string, string]>([
    [
      'a module',
      'w.mjs',
      'export default ({ x }) => { if (x === 1) { console.log("ONE"); process.exit(3); } if (x === 4) throw new Error("four"); return x; };\n',
      'posix',
    ],
    [
      'a Python function',
      'w.py:f',
      'import os\ndef f(x):\n    if x == 1:\n        print("ONE", flush=True)\n        os._exit(3)\n    if x == 4:\n        raise ValueError("four")\n    return x\n',
      'python3',
    ],
  ])('of %s', (_, name, code, needs) => {
    testWith(needs as 'posix', 'has not what another process wrote into the log', async () => {
      const folder = temporaryFolder();
      const worker = name.replace(/^[^:]+/, (file) => writeWorker(folder, file, code));
      const out = join(folder, 'out');
      await fanfold(['run', worker, '--range', '0:6', '--tasks', '1', '--retries', '0', '--out', out]);
      expect(failures(out).map(({ index, certificate }) => [index, certificate?.logEnd])).toEqual([
        [1, 'ONE\n'],
        [4, ''],
      ]);
      const { stdout } = await fanfold(['verify', out]);
      expect(stdout).toContain(
        '6 of 6 points, of which 2 points failed\nRetry the failed points with: fanfold retry',
      );
    });
  });

  test('is shown in the summary by its verdict', async () => {
    const { args } = marked(javascript, 'process.exit(7);', 99);
    const { stderr } = await fanfold(args);
    expect(stderr).toContain('[your code: it ended its process with exit status 7]');
  });
});

test('a process that is killed before it has loaded its worker, after one that was killed at a point, ends no run', async () => {
  const folder = temporaryFolder();
  const [point, load] = ['point', 'load'].map((name) => JSON.stringify(join(folder, name))) as [
    string,
    string,
  ];
  const worker = writeWorker(
    folder,
    'w.mjs',
    `import fs from 'node:fs';
const die = (mark) => { fs.writeFileSync(mark, ''); process.kill(process.pid, 'SIGKILL'); };
if (fs.existsSync(${point}) && !fs.existsSync(${load})) die(${load});
export default ({ x }) => {
  if (x === 4 && !fs.existsSync(${point})) die(${point});
  return x * 2;
};\n`,
  );
  const out = join(folder, 'run');
  const { exitCode } = await fanfold([worker, ...RANGE, '--out', out]);
  expect(exitCode).toBe(0);
  expect(fs.existsSync(join(folder, 'load'))).toBe(true);
  expect(read(out, 'result.txt')).toBe(RESULT);
});

test('what a process leaves that dies while it opens its file is gone at the end of the run', async () => {
  const folder = temporaryFolder();
  const out = join(folder, 'run');
  const part = JSON.stringify(join(out, 'task_index=0.txt.part'));
  const worker = writeWorker(
    folder,
    'w.mjs',
    `import fs from 'node:fs';
export default ({ x }) => {
  if (x === 1 && !fs.existsSync(${JSON.stringify(join(folder, 'died'))})) {
    fs.writeFileSync(${JSON.stringify(join(folder, 'died'))}, '');
    for (const name of ['', '.check']) fs.writeFileSync(${part} + name + '.' + process.pid, 'half');
    process.kill(process.pid, 'SIGKILL');
  }
  return x * 2;
};\n`,
  );
  expectExit(await fanfold(['run', worker, ...RANGE, '--out', out]), 0);
  expect(read(join(out, 'result.txt'))).toBe(RESULT);
  expect(fs.existsSync(join(folder, 'died'))).toBe(true);
  expect(fs.readdirSync(out).filter((name) => name.includes('.part'))).toEqual([]);
});
