import { describe, expect, test } from '@jest/globals';
import fs from 'fs-extra';
import { join } from 'node:path';
import { testWith } from '../tools.js';
import { fanfold, read, temporaryFolder, writeWorker } from './command.js';

// Loaded into every host: counts its calls of the file system, and kills it with SIGKILL at the wanted one.
const NODE_HOOK = `
const fs = require('node:fs');
const { LIFE_CALLS, LIFE_CALL, LIFE_STEP, LIFE_ONCE } = process.env;
const { appendFileSync, existsSync, openSync, writeSync, fstatSync, mkdirSync } = fs;
if (process.argv[1]?.endsWith('host.cjs')) {
  if (LIFE_STEP === 'start' && !existsSync(LIFE_ONCE)) {
    mkdirSync(LIFE_ONCE);
    process.kill(process.pid, 'SIGKILL');
  }
  const calls = openSync(LIFE_CALLS, 'a');
  for (const name of ['writeSync', 'fsyncSync', 'renameSync', 'rmSync', 'ftruncateSync']) {
    const original = fs[name];
    fs[name] = (...args) => {
      writeSync(calls, '.');
      if (fstatSync(calls).size === Number(LIFE_CALL)) process.kill(process.pid, 'SIGKILL');
      return original(...args);
    };
  }
}
`;
// The same for Python, whose interpreters import a module of this name first of all.
const PYTHON_HOOK = `
import os, signal

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def hooked(original, opened=os.open, write=os.write, close=os.close):
    def call(*args, **options):
        calls = opened(os.environ["LIFE_CALLS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        write(calls, b".")
        if os.fstat(calls).st_size == int(os.environ["LIFE_CALL"]):
            die()
        close(calls)
        return original(*args, **options)
    return call

if os.environ.get("LIFE_STEP") == "start" and not os.path.exists(os.environ["LIFE_ONCE"]):
    os.mkdir(os.environ["LIFE_ONCE"])
    die()
for name in ("write", "fsync", "rename", "replace", "unlink", "ftruncate"):
    setattr(os, name, hooked(getattr(os, name)))
`;

const JAVASCRIPT = `
import { existsSync, mkdirSync } from 'node:fs';
const { LIFE_STEP, LIFE_ONCE } = process.env;
const at = (step) => {
  if (LIFE_STEP !== step || existsSync(LIFE_ONCE)) return;
  mkdirSync(LIFE_ONCE);
  process.kill(process.pid, 'SIGKILL');
};
at('import');
export default async function f({ x }) {
  if (x === 1) at('before');
  await new Promise((resolve) => setTimeout(resolve, 12));
  if (x === 1) at('in');
  if (x === 1) setImmediate(at, 'after');
  return x * 3;
}
`;
const PYTHON = `
import os, signal, threading, time
def at(step):
    if os.environ.get("LIFE_STEP") == step and not os.path.exists(os.environ["LIFE_ONCE"]):
        os.mkdir(os.environ["LIFE_ONCE"])
        os.kill(os.getpid(), signal.SIGKILL)
at("import")
def after():
    time.sleep(0.002)
    at("after")
def f(x):
    if x == 1:
        at("before")
    time.sleep(0.012)
    if x == 1:
        at("in")
        threading.Thread(target=after).start()
    return x * 3
`;
// The command is in the process group of its host, so that it can end all of it.
const COMMAND = `
at() { if [ "$LIFE_STEP" = "$1" ] && mkdir "$LIFE_ONCE" 2>/dev/null; then kill -KILL 0; fi; }
[ "$1" = 1 ] && at before
sleep 0.01
[ "$1" = 1 ] && at in
echo $(($1 * 3))
[ "$1" = 1 ] && at after
exit 0
`;
const EXPECTED = Array.from({ length: 3 }, (_, x) => `${String(x)}   ${String(3 * x)}\n`).join('');
const SWEEP = ['--range', '0:3', '--tasks', '2', '--jobs', '1', '--retry-delay', '10ms'];
/** Sweeps at once. */
const LANES = 3;
const STEPS = ['start', 'import', 'before', 'in', 'after'];

const KINDS = [
  { name: 'JavaScript', file: 'w.mjs', code: JAVASCRIPT, options: [], steps: STEPS, run: test },
  ...['fork', 'spawn'].map((method) => ({
    name: `Python (${method})`,
    file: 'model.py:f',
    code: PYTHON,
    options: ['--start-method', method],
    steps: STEPS,
    run: testWith.bind(undefined, 'python3'),
  })),
  {
    name: 'command',
    file: 'c.sh',
    code: COMMAND,
    options: [],
    steps: ['start', 'before', 'in', 'after'],
    run: testWith.bind(undefined, 'posix'),
  },
];

describe('a worker process that is killed', () => {
  for (const kind of KINDS) {
    for (const step of kind.steps) {
      kind.run(`at "${step}" of its life loses nothing: ${kind.name}`, async () => {
        const { once } = await live(kind, { step });
        expect(fs.existsSync(once)).toBe(true);
      });
    }

    kind.run(
      `at any of its calls of the file system, in flushing and finishing, loses nothing: ${kind.name}`,
      async () => {
        const calls = (await live(kind, {})).calls;
        expect(calls).toBeGreaterThan(10);
        let next = 1;
        const lane = async (): Promise<void> => {
          for (let call = next++; call <= calls; call = next++)
            expect((await live(kind, { call })).calls).toBeGreaterThanOrEqual(call);
        };
        await Promise.all(Array.from({ length: LANES }, lane));
      },
      300_000,
    );
  }
});

// --- internal ---

/** Runs a sweep whose worker is killed once, at a step or a call; it must end by itself with the right bytes. */
async function live(
  { file, code, options }: (typeof KINDS)[number],
  { step = '', call = 0 }: { step?: string; call?: number },
): Promise<{ once: string; calls: number }> {
  const folder = temporaryFolder();
  const [name = ''] = file.split(':');
  const path = writeWorker(folder, name, code);
  const hook = writeWorker(folder, 'hook.cjs', NODE_HOOK);
  writeWorker(folder, 'hooks/sitecustomize.py', PYTHON_HOOK);
  const [once, callsFile, out] = ['once', 'calls', 'run'].map((place) => join(folder, place)) as [
    string,
    string,
    string,
  ];
  const isCommand = name.endsWith('.sh');
  const worker = isCommand ? [] : [file.replace(name, path)];
  const command = isCommand ? ['--', '/bin/sh', path, '{x}'] : [];
  const { exitCode, stderr } = await fanfold(
    ['run', ...worker, ...SWEEP, ...options, '--out', out, ...command],
    {
      env: {
        NODE_OPTIONS: `--require ${hook}`,
        PYTHONPATH: join(folder, 'hooks'),
        LIFE_STEP: step,
        LIFE_ONCE: once,
        LIFE_CALLS: callsFile,
        LIFE_CALL: String(call),
      },
    },
  );
  const where = `${step}${String(call)}`;
  expect([where, exitCode, stderr]).toEqual([where, 0, expect.any(String)]);
  expect(read(out, 'result.txt')).toBe(EXPECTED);
  return { once, calls: fs.existsSync(callsFile) ? fs.statSync(callsFile).size : 0 };
}
