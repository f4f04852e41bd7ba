import { appendFileSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { describe, expect } from '@jest/globals';
import type { Layout } from '../../../src/format/layout.js';
import { appendRecord } from '../../../src/run/journal.js';
import { arange } from '../../../src/space/arange.js';
import { writePart } from '../../run/written-part.js';
import { testWith } from '../../tools.js';
import {
  computeTask,
  modelOf,
  newFolder,
  newRun,
  spaceOf,
  startHost,
  taskOf,
  until,
  type TestRun,
} from './host.js';

const DOUBLE = modelOf('def f(x):\n    return 2 * x\n');
const SCALAR: Layout = { kind: 'scalar', columns: [{ name: 'y' }] };
const PART = 'task_index=0.txt.part';
const FINAL = 'task_index=0.txt';

/** A model that waits at x = 6 until the file `gate` is there. */
function gated(): { model: ReturnType<typeof modelOf>; gate: string } {
  const gate = join(newFolder(), 'gate');
  const source = `
import os, time

def f(x):
    while x == 6 and not os.path.exists(${JSON.stringify(gate)}):
        time.sleep(0.002)
    return 2 * x
`;
  return { model: modelOf(source), gate };
}

function tenPoints(): TestRun {
  return newRun({ space: spaceOf({ x: arange(10) }) });
}

const lines = (start: number, stop: number): string =>
  Array.from(
    { length: stop - start },
    (_, index) => `${String(start + index)}   ${String(2 * (start + index))}\n`,
  ).join('');

describe('a task in the Python host', () => {
  testWith('python3', 'tells the files that the function imports itself, each once', async () => {
    const model = modelOf('def f(x):\n    import json\n    return __import__(f"lazy{x // 4}").FACTOR * x\n');
    const sources = ['FACTOR = 1\n', 'import deep\nFACTOR = 2\n', ''];
    const { file } = model['worker'] as { file: string };
    for (const [index, name] of ['lazy0.py', 'lazy1.py', 'deep.py'].entries())
      writeFileSync(join(dirname(file), name), sources[index] ?? '');
    const [lazy0, lazy1, deep] = sources.map((source) => createHash('sha256').update(source).digest('hex'));
    const host = startHost();
    const run = tenPoints();
    const told = [];
    host.send(model, run.run);
    for (const [index, stop] of [2, 4, 6, 8].entries()) {
      host.send(taskOf({ index, start: stop - 2, stop, ...(index > 0 ? { layout: SCALAR } : {}) }));
      told.push(await host.next('done'));
    }
    const done = { type: 'done' };
    expect(told).toEqual([
      { ...done, files: { 'lazy0.py': lazy0 } },
      done,
      { ...done, files: { 'lazy1.py': lazy1, 'deep.py': deep } },
      done,
    ]);
    host.send({ type: 'exit' });
    await host.ended;
  });

  testWith('python3', 'ends as a file whose size and hash are recorded', async () => {
    const run = tenPoints();
    await computeTask(DOUBLE, run, { start: 3, stop: 8 });
    const text = lines(3, 8);
    expect(run.read(FINAL)).toBe(text);
    expect(run.has(PART)).toBe(false);
    const [start, layout, end, ...more] = run.records('events.jsonl');
    expect(more).toEqual([]);
    expect(start).toMatchObject({ event: 'start', task: 0, lines: 0 });
    expect(layout).toMatchObject({ event: 'layout', task: 0, layout: SCALAR });
    expect(end).toMatchObject({
      event: 'end',
      task: 0,
      points: 5,
      failed: 0,
      numbers: { y: 'whole' },
      layout: SCALAR,
      file: { lines: 5, bytes: text.length, sha256: createHash('sha256').update(text).digest('hex') },
    });
    expect(Object.keys(end ?? {})).not.toContain('nans');
  });

  testWith('python3', 'counts nan values and mixtures of numbers', async () => {
    const run = newRun({ space: spaceOf({ x: arange(4) }) });
    const source =
      "nan = float('nan')\ndef f(x):\n    return {'a': nan if x > 1 else x, 'b': x, 'c': 'nan'}\n";
    await computeTask(modelOf(source), run, { stop: 4 });
    expect(run.records('events.jsonl').at(-1)).toMatchObject({
      nans: { a: 2 },
      numbers: { a: 'both', b: 'whole' },
    });
  });

  testWith('python3', 'with no points is an empty file', async () => {
    const run = tenPoints();
    await computeTask(DOUBLE, run, { start: 4, stop: 4 });
    expect(run.read(FINAL)).toBe('');
  });

  testWith('python3', 'goes on after the whole lines of a part, and cuts a torn one', async () => {
    for (const kept of ['', '0   0\n', '0   0\n1   2\n', '0   0\n1   2', '0   0\n1 ', '0', lines(0, 10)]) {
      const run = tenPoints();
      const whole = kept.lastIndexOf('\n') + 1;
      writePart(join(run.directory, PART), ...kept.slice(0, whole).split(/(?<=\n)/));
      appendFileSync(join(run.directory, PART), kept.slice(whole));
      await computeTask(DOUBLE, run, { stop: 10, layout: SCALAR });
      expect(run.read(FINAL)).toBe(lines(0, 10));
      expect(run.records('events.jsonl')[0]).toMatchObject({ lines: kept.split('\n').length - 1 });
    }
  });

  testWith('python3', 'keeps to the layout of the run', async () => {
    const run = tenPoints();
    await computeTask(DOUBLE, run, {
      stop: 2,
      layout: { kind: 'vector', columns: [{ name: 'y0' }, { name: 'y1' }] },
    });
    expect(run.read(PART)).toBe('# failed 0\n# failed 1\n');
    expect(run.records('failures.jsonl')[0]).toMatchObject({
      error: 'ResultError: Expected the same columns as the points before (an array of 2), got 0.',
    });
    expect(run.records('events.jsonl').some(({ event }) => event === 'layout')).toBe(false);
  });

  testWith('python3', 'writes a slow point at once', async () => {
    const run = tenPoints();
    const { model, gate } = gated();
    const host = startHost();
    host.send(model, run.run, taskOf({ stop: 10 }));
    await until('six lines', () => run.has(PART) && run.read(PART) === lines(0, 6));
    writeFileSync(gate, '');
    await host.next('done');
    expect(run.read(FINAL)).toBe(lines(0, 10));
  });

  testWith('python3', 'writes the lines of fast points while the next one takes its time', async () => {
    const gate = join(newFolder(), 'gate');
    const source = `
import os, time

def f(x):
    while x == 20000 and not os.path.exists(${JSON.stringify(gate)}):
        time.sleep(0.002)
    return 2 * x
`;
    const run = newRun({ space: spaceOf({ x: arange(20_010) }) });
    const host = startHost();
    host.send(modelOf(source), run.run, taskOf({ stop: 20_010 }));
    await until('all lines before', () => run.has(PART) && run.read(PART).endsWith('\n19999   39998\n'));
    writeFileSync(gate, '');
    await host.next('done');
    expect(run.read(FINAL)).toBe(lines(0, 20_010));
  });

  testWith('python3', 'lets the point in hand finish when a stop comes, and can be resumed', async () => {
    const run = tenPoints();
    const { model, gate } = gated();
    const host = startHost();
    host.send(model, run.run, taskOf({ stop: 10 }));
    await until('six lines', () => run.has(PART) && run.read(PART) === lines(0, 6));
    host.send({ type: 'stop' });
    await host.delivered();
    writeFileSync(gate, '');
    await host.next('done');
    host.send({ type: 'exit' });
    expect((await host.ended).exitCode).toBe(0);
    expect(run.read(PART)).toBe(lines(0, 7));
    expect(run.has(FINAL)).toBe(false);
    expect(run.records('events.jsonl').at(-1)).toMatchObject({ event: 'end', points: 7, failed: 0 });
    await computeTask(model, run, { stop: 10, layout: SCALAR });
    expect(run.read(FINAL)).toBe(lines(0, 10));
  });

  testWith('python3', 'sees a stop among millions of fast points', async () => {
    const run = newRun({ space: spaceOf({ x: arange(1e9) }) });
    const host = startHost();
    host.send(DOUBLE, run.run, taskOf({ stop: 1e9 }));
    await until('some lines', () => run.has(PART) && readFileSync(join(run.directory, PART)).length > 1e5);
    host.send({ type: 'stop' });
    await host.next('done');
    const text = run.read(PART);
    expect(text).toBe(lines(0, text.split('\n').length - 1));
  });

  testWith('python3', 'ignores the signals that the coordinator answers', async () => {
    const run = tenPoints();
    const { model, gate } = gated();
    const host = startHost();
    host.send(model, run.run, taskOf({ stop: 10 }));
    await until('six lines', () => run.has(PART) && run.read(PART) === lines(0, 6));
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) host.process.kill(signal);
    writeFileSync(gate, '');
    await host.next('done');
    expect(run.read(FINAL)).toBe(lines(0, 10));
  });

  testWith('python3', 'ends when the coordinator is gone', async () => {
    const host = startHost();
    host.send(DOUBLE);
    await host.next('loaded');
    host.hangUp();
    expect((await host.ended).exitCode).toBe(1);
  });

  testWith('python3', 'is not published by a host whose part another one has taken', async () => {
    const run = tenPoints();
    const { model, gate } = gated();
    const host = startHost();
    host.send(model, run.run, taskOf({ stop: 10 }));
    await until('six lines', () => run.has(PART) && run.read(PART) === lines(0, 6));
    renameSync(join(run.directory, PART), join(run.directory, 'elsewhere'));
    writeFileSync(join(run.directory, PART), 'of another\n');
    writeFileSync(gate, '');
    await host.next('superseded');
    host.send({ type: 'exit' });
    expect((await host.ended).exitCode).toBe(0);
    expect(run.has(FINAL)).toBe(false);
    expect(run.read(PART)).toBe('of another\n');
    expect(run.records('events.jsonl').filter(({ event }) => event === 'end')).toEqual([]);
  });

  testWith('python3', 'breaks down, naming the error, where the run directory is gone', async () => {
    const run = tenPoints();
    const host = startHost();
    rmSync(run.directory, { recursive: true });
    host.send(DOUBLE, run.run, taskOf({ stop: 10 }));
    expect(await host.next('broken')).toMatchObject({ message: expect.stringMatching(/^ENOENT: /) });
    expect((await host.ended).exitCode).toBe(1);
  });

  testWith('python3', 'breaks down, and fails no point, where its files cannot be written', async () => {
    const run = tenPoints();
    mkdirSync(join(run.directory, 'events.jsonl'));
    const host = startHost();
    host.send(DOUBLE, run.run, taskOf({ stop: 10 }));
    expect(await host.next('broken')).toMatchObject({ message: expect.stringMatching(/^EISDIR: /) });
    expect(run.has('failures.jsonl')).toBe(false);
  });

  testWith(
    'python3',
    'breaks down where the file can grow no more, and goes on from there later',
    async () => {
      const count = 5000;
      const run = newRun({ space: spaceOf({ x: arange(count) }) });
      const source = `
import resource
def f(x):
    if x == 1000:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_003, 20_003))
    return 2 * x
`;
      const host = startHost();
      host.send(modelOf(source), run.run, taskOf({ stop: count }));
      expect(await host.next('broken')).toMatchObject({ message: expect.stringMatching(/^EFBIG: /) });
      expect((await host.ended).exitCode).toBe(1);
      expect(run.read(PART)).toBe(lines(0, count).slice(0, 20_003));
      await computeTask(DOUBLE, run, { stop: count, layout: SCALAR });
      expect(run.read(FINAL)).toBe(lines(0, count));
    },
  );
});

describe('a failed point in the Python host', () => {
  const model = modelOf(`
import sys

def inner(x):
    if x == 1:
        raise ValueError('no one')
    if x == 2:
        sys.exit(3)
    if x == 3:
        raise KeyboardInterrupt
    if x == 4:
        return inner(x)
    if x == 5:
        return None
    return x * 2

def f(x):
    return inner(x)
`);

  testWith('python3', 'keeps its place, and is recorded with the frames of the model', async () => {
    const run = newRun({ space: spaceOf({ x: arange(7) }) });
    await computeTask(model, run, { stop: 7, attempts: { 1: 2 } });
    expect(run.read(PART)).toBe(
      '0   0\n# failed 1\n# failed 2\n# failed 3\n# failed 4\n# failed 5\n6   12\n',
    );
    const failures = run.records('failures.jsonl');
    expect(failures.map(({ index, attempt, error }) => [index, attempt, error])).toEqual([
      [1, 3, 'ValueError: no one'],
      [2, 1, 'SystemExit: 3'],
      [3, 1, 'KeyboardInterrupt'],
      [4, 1, expect.stringMatching(/^RecursionError: maximum recursion depth exceeded/)],
      [
        5,
        1,
        expect.stringMatching(/^ResultError: Expected the function to return a number, .*; got None\.$/),
      ],
    ]);
    const [first, , , deep, last] = failures;
    expect(first).toMatchObject({ task: 0, parameters: { x: 1 } });
    expect(String(first?.['stack'])).toMatch(
      /^Traceback [^\n]*\n {2}File "[^"]*model_of_test\.py", line 18, in f\n[^]*raise ValueError\('no one'\)\nValueError: no one\n$/,
    );
    expect(String(deep?.['stack']).length).toBeLessThanOrEqual(8192);
    expect(last).not.toHaveProperty('stack');
    expect(run.records('events.jsonl').at(-1)).toMatchObject({ points: 7, failed: 5 });
    expect(run.records('events.jsonl').at(-1)).not.toHaveProperty('file');
  });

  testWith('python3', 'is recorded whatever its error says', async () => {
    const run = newRun({ space: spaceOf({ x: arange(3) }) });
    const source = `
class Odd(Exception):
    def __str__(self):
        raise RuntimeError('never')

def f(x):
    if x == 0:
        raise Odd()
    if x == 1:
        raise ValueError('x' * 100_000)
    return {('a',): 1}
`;
    await computeTask(modelOf(source), run, { stop: 3 });
    const failures = run.records('failures.jsonl');
    expect(failures.map(({ error }) => String(error).slice(0, 60))).toEqual([
      'Odd: its message raised RuntimeError',
      `ValueError: ${'x'.repeat(48)}`,
      expect.stringMatching(/^ResultError: Expected the function to return a number, strin/),
    ]);
    for (const { error, stack = '' } of failures) {
      expect(String(error).length).toBeLessThanOrEqual(8192);
      expect(String(stack).length).toBeLessThanOrEqual(8192);
    }
  });

  testWith('python3', 'has its parameters as JSON can hold them', async () => {
    const run = newRun({
      space: spaceOf({ a: [2n ** 60n], b: [NaN], c: [-Infinity], d: ['\ud800é'], e: [0.5] }),
      fixed: { k: [true] },
    });
    await computeTask(modelOf('def f(**point):\n    raise ValueError\n'), run, { stop: 1 });
    expect(run.records('failures.jsonl')[0]?.['parameters']).toEqual({
      k: true,
      a: String(2n ** 60n),
      b: 'NaN',
      c: '-Infinity',
      d: '\ud800é',
      e: 0.5,
    });
  });

  testWith('python3', 'is computed again, and its line takes its place', async () => {
    const run = newRun({ space: spaceOf({ x: arange(8) }) });
    const still = modelOf('def f(x):\n    if x == 3: raise ValueError(x)\n    return 2 * x\n');
    writePart(join(run.directory, PART), '0   0\n# failed 1\n', '2   4\n# failed 3\n# failed 4\n');
    await computeTask(still, run, { stop: 8, retryFailed: true, attempts: { 1: 1, 3: 4 }, layout: SCALAR });
    expect(run.read(PART)).toBe('0   0\n1   2\n2   4\n# failed 3\n4   8\n5   10\n6   12\n7   14\n');
    expect(run.has(`${PART}.retried`)).toBe(false);
    expect(run.records('failures.jsonl')).toMatchObject([{ index: 3, attempt: 5 }]);
    expect(run.records('events.jsonl').at(-1)).toMatchObject({ points: 6, failed: 1 });
    await computeTask(DOUBLE, run, { stop: 8, retryFailed: true, layout: SCALAR });
    expect(run.read(FINAL)).toBe(lines(0, 8));
  });

  testWith('python3', 'that was computed again before a crash is not computed once more', async () => {
    const run = newRun({ space: spaceOf({ x: arange(4) }) });
    writePart(join(run.directory, PART), '0   0\n# failed 1\n# failed 2\n');
    const retried = join(run.directory, `${PART}.retried`);
    appendRecord(retried, { index: 1, line: '1   kept\n' });
    appendFileSync(retried, '{"index":2,"line":"2   no\\n"}\n{"index":2,"li');
    await computeTask(DOUBLE, run, { stop: 4, retryFailed: true, layout: SCALAR });
    expect(run.read(FINAL)).toBe('0   0\n1   kept\n2   4\n3   6\n');
  });

  testWith('python3', 'that is doomed is not computed', async () => {
    const run = newRun({ space: spaceOf({ x: arange(1000) }) });
    const bomb = modelOf('import os\ndef f(x):\n    if x in (0, 5, 700): os._exit(9)\n    return 2 * x\n');
    await computeTask(bomb, run, { stop: 1000, doomed: [700, 5, 0] });
    const expected = lines(0, 1000).replace(/^(0|5|700) .*$/gm, '# failed $1');
    expect(run.read(PART)).toBe(expected);
    expect(run.has('failures.jsonl')).toBe(false);
    expect(run.records('events.jsonl').at(-1)).toMatchObject({ failed: 3, points: 1000 });
  });

  testWith('python3', 'is announced before it ends its process, where the task is careful', async () => {
    const run = tenPoints();
    const bomb = modelOf('import os\ndef f(x):\n    if x == 4: os._exit(9)\n    return 2 * x\n');
    const host = startHost();
    host.send(bomb, run.run, taskOf({ stop: 10, isCareful: true }));
    for (const index of [0, 1, 2, 3, 4]) expect(await host.next('point')).toEqual({ type: 'point', index });
    expect((await host.ended).exitCode).toBe(9);
    expect(run.read(PART)).toBe(lines(0, 4));
  });

  testWith('python3', 'is recorded on a line of its own after a torn record', async () => {
    const run = tenPoints();
    appendFileSync(join(run.directory, 'failures.jsonl'), '{"index":1,"tas');
    appendFileSync(join(run.directory, 'events.jsonl'), '{"event":"st');
    await computeTask(model, run, { start: 1, stop: 2 });
    expect(run.records('failures.jsonl')).toMatchObject([{ index: 1, attempt: 1 }]);
    expect(run.records('events.jsonl').map(({ event }) => event)).toEqual(['start', 'end']);
  });

  testWith('python3', 'in a process that the model forked writes nothing', async () => {
    const run = tenPoints();
    const source = `
import os, sys

def f(x):
    if x in (0, 3, 5):
        pid = os.fork()
        if pid == 0:
            if x == 5:
                raise ValueError('never recorded')
            return 'never written'
        os.waitpid(pid, 0)
    return 2 * x
`;
    await computeTask(modelOf(source), run, { stop: 10 });
    expect(run.read(FINAL)).toBe(lines(0, 10));
    expect(run.has('failures.jsonl')).toBe(false);

    const failed = tenPoints();
    await computeTask(modelOf('def f(x):\n    raise ValueError(x)\n'), failed, { stop: 10 });
    await computeTask(modelOf(source), failed, { stop: 10, retryFailed: true });
    expect(failed.read(FINAL)).toBe(lines(0, 10));
    expect(failed.records('failures.jsonl')).toHaveLength(10);
  });
});

describe('results that the Python host refuses', () => {
  const refused: Record<string, [expression: string, message: RegExp]> = {
    nothing: ['None', /got None\.$/],
    'an empty list': ['[]', /got an empty list\.$/],
    'an empty dict': ['{}', /got an empty dict\.$/],
    'a nested list': ['[[1, 2], [3, 4]]', /column "y0" to be .*, got a list\.$/],
    'a list that holds None': ['[None]', /column "y0" to be .*, got None\.$/],
    'a set': ['{1, 2}', /got a set\.$/],
    bytes: ["b'a'", /got a bytes\.$/],
    'a Decimal': ["__import__('decimal').Decimal(1)", /got a Decimal\.$/],
    'a Fraction': ["__import__('fractions').Fraction(1, 2)", /got a Fraction\.$/],
    'a column that is a parameter': ["{'x': 1}", /got "x", which is a parameter of the sweep: rename it/],
  };
  for (const [name, [expression, message]] of Object.entries(refused)) {
    testWith('python3', `say why: ${name}`, async () => {
      const run = newRun({ space: spaceOf({ x: [1] }) });
      await computeTask(modelOf(`def f(x):\n    return ${expression}\n`), run, { stop: 1 });
      expect(run.records('failures.jsonl')[0]?.['error']).toMatch(message);
    });
  }

  testWith('python3', 'in a column of a declared type', async () => {
    const run = newRun({
      space: spaceOf({ x: arange(6) }),
      columns: { a: 'int64' },
    });
    const source = 'VALUES = [2.0, 2**63, True, "1", -2**63, 5]\ndef f(x):\n    return VALUES[x]\n';
    await computeTask(modelOf(source), run, { stop: 6 });
    expect(run.records('failures.jsonl').map(({ error }) => error)).toEqual(
      ['2.0', '9223372036854775808', 'True', 'a str'].map(
        (got) =>
          `ResultError: Expected the result column "a" to be int64, as its column is declared, got ${got}.`,
      ),
    );
    expect(run.read(PART).split('\n').slice(4, 6)).toEqual(['4   -9223372036854775808', '5   5']);
  });
});

describe('results that the Python host writes', () => {
  const written: Record<string, [source: string, line: string]> = {
    'a tuple': ['def f(x): return (1, 0.5)', '1   0.5   '],
    'a range': ['def f(x): return range(3)', '0   1   2   '],
    'an array of floats': ["import array\ndef f(x): return array.array('d', [1, 2.5])", '1.0   2.5   '],
    'a named tuple': [
      "from collections import namedtuple\nT = namedtuple('T', 'a b')\ndef f(x): return T(1, 'u v')",
      '1   "u v"',
    ],
    'a dataclass': [
      'from dataclasses import dataclass\nfrom typing import ClassVar\n@dataclass\nclass R:\n    a: int\n    b: float\n    c: ClassVar[int] = 3\ndef f(x): return R(1, 2.0)',
      '1   2.0',
    ],
    'an enumeration of integers': [
      'import enum\nclass E(enum.IntEnum):\n    A = 7\ndef f(x): return E.A',
      '7',
    ],
    'a complex number of a zero real part': [
      'def f(x): return [2j, -0.0 + 1j, 1 - 2j]',
      '2j   1j   (1-2j)   ',
    ],
  };
  for (const [name, [source, line]] of Object.entries(written)) {
    testWith('python3', name, async () => {
      const run = newRun({ space: spaceOf({ x: [0] }) });
      await computeTask(modelOf(source), run, { stop: 1 });
      expect(run.read(FINAL)).toBe(`0   ${line}\n`);
    });
  }
});
