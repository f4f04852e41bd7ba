import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from '@jest/globals';
import fc from 'fast-check';
import { anyDouble } from '../../format/bits.js';
import { anyText } from '../../format/text.js';
import { testWith } from '../../tools.js';
import { modelOf, newFolder, startHost, type Message } from './host.js';

/** Calls `f` of a model with each argument alone. */
async function call(source: string, values: readonly unknown[]): Promise<Message> {
  const host = startHost();
  host.send(modelOf(source), { type: 'call', id: 1, calls: values.map((value) => ({ args: [value] })) });
  const answer = await host.next('returned');
  host.send({ type: 'exit' });
  await host.ended;
  return answer;
}

const ECHO = 'def f(x):\n    return x\n';
const base64 = (data: ArrayBufferView): string =>
  Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64');
const arrayOf = (dtype: string, data: ArrayBufferView): object => ({ $array: { dtype, data: base64(data) } });

describe('a value on its way to a Python function and back', () => {
  testWith('python3', 'is the same', async () => {
    const values = [
      1,
      -(2 ** 53) + 1,
      0.1,
      { $bigint: String(2n ** 53n) },
      { $bigint: String(-(10n ** 5000n)) },
      { $float: 'nan' },
      { $float: 'inf' },
      { $float: '-inf' },
      { $float: '-0.0' },
      { $complex: [1.5, { $float: '-0.0' }] },
      true,
      false,
      null,
      '',
      'é\ud800\u2028',
      { $bytes: Buffer.from([0, 255, 10]).toString('base64') },
      [1, [2, []]],
      { a: { b: 1 }, c: 'd', $e: 1 },
      { $escape: { $bigint: '1' } },
      { $escape: { $: null } },
      {},
      arrayOf('float64', new Float64Array([1.5, -0, NaN])),
      arrayOf('float32', new Float32Array([0.1])),
      arrayOf('int8', new Int8Array([-128])),
      arrayOf('uint16', new Uint16Array([65535])),
      arrayOf('int32', new Int32Array([-(2 ** 31)])),
      arrayOf('int64', new BigInt64Array([-(2n ** 63n)])),
      arrayOf('uint64', new BigUint64Array([2n ** 64n - 1n])),
    ];
    expect((await call(ECHO, values))['values']).toEqual(values);
  });

  testWith('python3', 'is the same, whatever it is', async () => {
    const key = anyText().filter((name) => !name.startsWith('$') && name !== '__proto__');
    const leaf = fc.oneof(
      anyDouble().filter(
        (value) => Number.isFinite(value) && Math.abs(value) <= 2 ** 53 - 1 && !Object.is(value, -0),
      ),
      anyText(),
      fc.boolean(),
      fc.constant(null),
    );
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        leaf,
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(key, tie('value'), { maxKeys: 4, noNullPrototype: true }),
      ),
    }));
    const values = fc.sample(value, 500);
    expect((await call(ECHO, values))['values']).toEqual(values);
  });

  testWith('python3', 'has the Python type that it stands for', async () => {
    const values = [
      1,
      1.5,
      { $bigint: '5' },
      { $undefined: true },
      { $bytes: '' },
      { $complex: [1, 2] },
      'a',
      [1],
    ];
    const { values: names } = await call('def f(x):\n    return type(x).__name__\n', values);
    expect(names).toEqual(['int', 'float', 'int', 'NoneType', 'bytes', 'complex', 'str', 'list']);
  });

  testWith('python3', 'may be a dataclass, a named tuple, a tuple or an enumeration', async () => {
    const source = `
import array, collections, dataclasses, enum

@dataclasses.dataclass
class Data:
    a: int
    b: object

class Color(enum.IntEnum):
    RED = 3

Pair = collections.namedtuple('Pair', 'p q')

def f(x):
    return Data(1, Pair(2, (3, Color.RED, bytearray(b'a'), array.array('d', [1]))))
`;
    expect((await call(source, [0]))['values']).toEqual([
      { a: 1, b: { p: 2, q: [3, 3, { $bytes: 'YQ==' }, arrayOf('float64', new Float64Array([1]))] } },
    ]);
  });

  testWith('python3', 'is passed by position and by name', async () => {
    const host = startHost();
    host.send(modelOf('def f(*args, **kwargs):\n    print("called")\n    return [args, kwargs]\n'), {
      type: 'call',
      id: 5,
      calls: [{ args: [1, { $bigint: '2' }], kwargs: { k: { $undefined: true } } }, {}],
    });
    expect(await host.next('returned')).toEqual({
      type: 'returned',
      id: 5,
      values: [
        [[1, 2], { k: null }],
        [[], {}],
      ],
    });
    host.send({ type: 'exit' });
    expect((await host.ended).output).toBe('called\ncalled\n');
  });
});

describe('a call that raises', () => {
  testWith('python3', 'ends the calls, and says which it was', async () => {
    const host = startHost();
    host.send(modelOf('def f(x):\n    return 1 / x\n'), {
      type: 'call',
      id: 2,
      calls: [{ args: [2] }, { args: [0] }, { args: [4] }],
    });
    expect(await host.next('raised')).toEqual({
      type: 'raised',
      id: 2,
      position: 1,
      values: [0.5],
      error: 'ZeroDivisionError: division by zero',
      stack: expect.stringMatching(/^Traceback [^\n]*\n {2}File "[^"]*model_of_test\.py", line 2, in f\n/),
    });
  });

  testWith('python3', 'may be one whose value has no form', async () => {
    for (const [expression, error] of [
      ['{1}', 'got a set.'],
      ['object()', 'got an object.'],
      ['{1: 2}', 'got the key 1.'],
      ['f', 'got a function.'],
    ]) {
      const host = startHost();
      host.send(modelOf(`def f():\n    return [${expression ?? ''}]\n`), {
        type: 'call',
        id: 1,
        calls: [{}],
      });
      const { error: message } = await host.next('raised');
      expect(message).toMatch(/^TypeError: Expected /);
      expect(String(message).endsWith(error ?? '')).toBe(true);
    }
  });
});

describe('a call that ends its process', () => {
  testWith('python3', 'by sys.exit does so as in Python', async () => {
    const cases = [
      ['', 0, ''],
      ['None', 0, ''],
      ['0', 0, ''],
      ['3', 3, ''],
      ['True', 1, ''],
      ['"no more"', 1, 'no more\n'],
    ] as const;
    for (const [code, exitCode, words] of cases) {
      const host = startHost();
      host.send(modelOf(`import sys\ndef f():\n    print("first", end="")\n    sys.exit(${code})\n`), {
        type: 'call',
        id: 1,
        calls: [{}],
      });
      expect(await host.ended).toEqual({ exitCode, signal: null, output: expect.any(String) });
      expect((await host.ended).output.replace('first', '')).toBe(words);
    }
  });

  testWith(
    'python3',
    'is not answered by a process that it forked, however that comes out of it',
    async () => {
      for (const way of ['return "child"', 'raise ValueError("child")', 'sys.exit(5)']) {
        const source = `import os, sys\ndef f():\n    pid = os.fork()\n    if pid == 0:\n        ${way}\n    os.waitpid(pid, 0)\n    return "parent"\n`;
        const host = startHost();
        host.send(modelOf(source), { type: 'call', id: 1, calls: [{}, {}] });
        expect((await host.next('returned'))['values']).toEqual(['parent', 'parent']);
        host.send({ type: 'exit' });
        expect((await host.ended).output).toBe('');
      }
    },
  );
});

describe('numbers that processes share', () => {
  function shared(
    typecode: string,
    data: Int32Array | Float64Array | BigInt64Array,
    scalar: boolean,
  ): { value: object; path: string } {
    const path = join(newFolder(), 'shared');
    const { length } = data;
    writeFileSync(path, data);
    return { value: { $shared: { path, typecode, length, scalar } }, path };
  }

  testWith('python3', 'are read and set by a function', async () => {
    const { value, path } = shared('i', new Int32Array([41]), true);
    const source = 'def f(x):\n    with x.get_lock():\n        x.value += 1\n    return x.value\n';
    expect((await call(source, [value]))['values']).toEqual([42]);
    expect(readFileSync(path).readInt32LE()).toBe(42);
    expect(existsSync(`${path}.lock`)).toBe(false);
  });

  testWith('python3', 'are an array of them, with slices', async () => {
    const { value, path } = shared('d', new Float64Array([1, 2, 3, 4]), false);
    const source = `
def f(x):
    found = [len(x), x[0], x[-1], x[1:3], list(x)]
    x[0] = 9
    x[1:3] = [7, 8.5]
    try:
        x[0:2] = [1]
    except ValueError as error:
        found.append(str(error))
    return found
`;
    expect((await call(source, [value]))['values']).toEqual([
      [4, 1, 4, [2, 3], [1, 2, 3, 4], 'Expected 2 values for the slice of a shared array, got 1.'],
    ]);
    const bytes = readFileSync(path);
    expect([0, 8, 16, 24].map((offset) => bytes.readDoubleLE(offset))).toEqual([9, 7, 8.5, 4]);
  });

  testWith('python3', 'lose no addition of several processes that use the lock', async () => {
    const { value, path } = shared('q', new BigInt64Array([0n]), true);
    const source = `
def f(x, count):
    for _ in range(count):
        with x.get_lock():
            with x.get_lock():
                before = x.value
                for _ in range(50):
                    pass
                x.value = before + 1
    return count
`;
    const model = modelOf(source);
    const hosts = [startHost(), startHost(), startHost()];
    for (const host of hosts) host.send(model, { type: 'call', id: 1, calls: [{ args: [value, 300] }] });
    for (const host of hosts) await host.next('returned');
    expect(readFileSync(path).readBigInt64LE()).toBe(900n);
    expect(existsSync(`${path}.lock`)).toBe(false);
  });

  testWith('python3', 'outlive the death of processes that held the lock', async () => {
    const { value, path } = shared('q', new BigInt64Array([0n]), true);
    const source = `
import os
def f(x, count, dies):
    for _ in range(count):
        with x.get_lock():
            x.value += 1
    if dies:
        x.get_lock().acquire()
        os._exit(1)
    return x.value
`;
    const model = modelOf(source);
    const one = (dies: boolean) => {
      const host = startHost();
      host.send(model, { type: 'call', id: 1, calls: [{ args: [value, 50, dies] }] });
      return host;
    };
    const dying = [one(true), one(true), one(true)];
    const living = [one(false), one(false), one(false)];
    for (const host of living) await host.next('returned');
    for (const host of dying) expect((await host.ended).exitCode).toBe(1);
    expect(readFileSync(path).readBigInt64LE()).toBe(300n);
    const last = one(false);
    await last.next('returned');
    expect(existsSync(`${path}.lock`)).toBe(false);
  });

  testWith('python3', 'are not taken from a living process, and are from a dead one', async () => {
    const dead = spawnSync('true').pid;
    for (const [name, text] of [
      ['lock', `${String(dead)}\n`],
      ['lock', ''],
      ['lock.takeover', `${String(dead)}\n`],
    ] as const) {
      const { value, path } = shared('q', new BigInt64Array([5n]), true);
      writeFileSync(`${path}.lock`, `${String(dead)}\n`);
      writeFileSync(`${path}.${name}`, text);
      const old = new Date(Date.now() - 10_000);
      utimesSync(`${path}.${name}`, old, old);
      const source = 'def f(x):\n    with x.get_lock():\n        return x.value\n';
      expect((await call(source, [value]))['values']).toEqual([5]);
    }
    const { value, path } = shared('q', new BigInt64Array([5n]), true);
    writeFileSync(`${path}.lock`, `${String(process.pid)}\n`);
    const host = startHost();
    const source = 'def f(x):\n    print("waits")\n    with x.get_lock():\n        return x.value\n';
    host.send(modelOf(source), { type: 'call', id: 1, calls: [{ args: [value] }] });
    const early = await Promise.race([
      host.next('returned').then(() => 'returned'),
      new Promise((resolve) => host.process.stdout?.once('data', resolve)).then(() => 'waits'),
    ]);
    expect(early).toBe('waits');
    expect(readFileSync(`${path}.lock`, 'utf8')).toBe(`${String(process.pid)}\n`);
  });
});
