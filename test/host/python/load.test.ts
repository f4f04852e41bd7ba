import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect } from '@jest/globals';
import { testWith } from '../../tools.js';
import { modelOf, newFolder, startHost, type Message } from './host.js';

async function load(model: Message): Promise<Message> {
  const host = startHost();
  host.send(model);
  return host.next('loaded');
}

async function refusal(model: Message): Promise<string> {
  const host = startHost();
  host.send(model, { type: 'exit' });
  const error = await host.next('loaded').catch((reason: unknown) => reason);
  // A refused model leaves a host that goes on obeying.
  expect((await host.ended).exitCode).toBe(0);
  const [, json = '{}'] = /got (\{.*\})\.$/.exec((error as Error).message) ?? [];
  const { type, message } = JSON.parse(json) as Message;
  expect(type).toBe('refused');
  return String(message);
}

const fileOf = (model: Message): string => (model['worker'] as { file: string }).file;

describe('a model that the Python host loads', () => {
  testWith('python3', 'is reported with its files, and those that it imports from its folder', async () => {
    const model = modelOf(
      'import helper, json\nfrom sub import part\nimport lib.python3.site_like\ndef f(x):\n    return x\n',
    );
    const folder = dirname(fileOf(model));
    const files: Record<string, string> = {
      'helper.py': 'import nested\n',
      'nested.py': '',
      'sub/__init__.py': '',
      'sub/part.py': '# é\n',
    };
    const foreign = {
      'lib/__init__.py': '',
      'lib/pyvenv.cfg': '',
      'lib/python3/__init__.py': '',
      'lib/python3/site_like.py': '',
    };
    for (const [name, code] of Object.entries({ ...files, ...foreign })) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), code);
    }
    const loaded = await load(model);
    const hashes = Object.fromEntries(
      Object.entries(files).map(([name, code]) => [name, createHash('sha256').update(code).digest('hex')]),
    );
    expect(Object.keys(loaded['files'] as object)).toContain('model_of_test.py');
    expect(loaded).toMatchObject({ hasSchema: true, files: hashes });
    expect(Object.keys(loaded['files'] as object)).toHaveLength(5);
    expect(loaded['versions']).toEqual({ python: expect.stringMatching(/^3\.\d+\.\d+$/) });
    expect(loaded).not.toHaveProperty('columns');
  });

  testWith('python3', 'is a module of its own name, in whose functions pickling works', async () => {
    const host = startHost();
    host.send(
      modelOf(`
import pickle, sys
class Thing:
    pass
if __name__ == '__main__':
    raise SystemExit('ran as a program')
def f():
    assert isinstance(pickle.loads(pickle.dumps(Thing())), Thing)
    assert pickle.loads(pickle.dumps(f)) is f
    return [__name__, f.__module__, sys.modules['model_of_test'].__file__ == __file__]
`),
      { type: 'call', id: 1, calls: [{}] },
    );
    expect((await host.next('returned'))['values']).toEqual([['model_of_test', 'model_of_test', true]]);
  });

  testWith('python3', 'runs as it is written, not as Python had compiled it before', async () => {
    const folder = newFolder();
    const model: Message = {
      type: 'load',
      worker: { kind: 'python', file: join(folder, 'quick.py'), export: 'f' },
    };
    for (const value of [1, 2, 3]) {
      writeFileSync(join(folder, 'quick.py'), `def f():\n    return ${String(value)}\n`);
      const host = startHost();
      host.send(model, { type: 'call', id: value, calls: [{}] });
      expect((await host.next('returned'))['values']).toEqual([value]);
    }
  });

  const columns: Record<string, [source: string, columns: object | undefined]> = {
    'a declaration': [
      "columns = {'b': 'string', 'a': 'float64'}\ndef f(x) -> int: return 1",
      { b: 'string', a: 'float64' },
    ],
    'a float': ['def f(x) -> float: return 1', { y: 'float64' }],
    'an integer of a function that has a y': ['def f(x, y) -> int: return 1', { result: 'int64' }],
    'a bool as text': ["def f(x) -> 'bool': return True", { y: 'bool' }],
    'a complex number': ['def f(x) -> complex: return 1', { y: 'complex128' }],
    'a string': ['def f(x) -> str: return 1', { y: 'string' }],
    'a dataclass': [
      'from __future__ import annotations\nfrom dataclasses import dataclass\n@dataclass\nclass R:\n    e: float\n    n: int\ndef f(x) -> R: pass',
      { e: 'float64', n: 'int64' },
    ],
    'a named tuple': [
      'from typing import NamedTuple\nclass R(NamedTuple):\n    e: float\n    s: str = ""\ndef f(x) -> R: pass',
      { e: 'float64', s: 'string' },
    ],
    'a typed dict': [
      'from typing import TypedDict\nclass R(TypedDict):\n    e: float\n    ok: bool\ndef f(x) -> R: pass',
      { e: 'float64', ok: 'bool' },
    ],
    'nothing for a dataclass with another field': [
      'from dataclasses import dataclass\n@dataclass\nclass R:\n    e: float\n    n: list\ndef f(x) -> R: pass',
      undefined,
    ],
    'nothing for a named tuple without types': [
      'from collections import namedtuple\nR = namedtuple("R", "a b")\ndef f(x) -> R: pass',
      undefined,
    ],
    'nothing for a list': ['def f(x) -> list: pass', undefined],
    'nothing for a name that is not there': ["def f(x) -> 'Missing': pass", undefined],
    'nothing for another thing called columns': ['columns = 5\ndef f(x): pass', undefined],
  };
  for (const [name, [source, expected]] of Object.entries(columns)) {
    testWith('python3', `gives columns by ${name}`, async () => {
      const loaded = await load(modelOf(source));
      expect(loaded['columns']).toEqual(expected);
      expect(Object.keys(loaded['columns'] ?? {})).toEqual(Object.keys(expected ?? {}));
    });
  }
});

describe('a model that the Python host refuses', () => {
  const refused: Record<string, [source: string, message: RegExp]> = {
    'that does not parse': [
      'x = 1\ndef f(x):\n    return = 1\n',
      /model_of_test\.py:3: SyntaxError: invalid syntax\n {4}return = 1$/,
    ],
    'whose import fails': [
      'def inner():\n    return 1 / 0\n\ninner()\n',
      /^Traceback [^\n]*\n {2}File "[^"]*model_of_test\.py", line 4, in <module>\n[^]*line 2, in inner\n[^]*ZeroDivisionError: division by zero$/,
    ],
    'that imports what is not there': [
      'import no_such_thing\n',
      /line 1, in <module>[^]*No module named 'no_such_thing'$/,
    ],
    'that exits': ['import sys\nsys.exit(4)\n', /SystemExit: 4$/],
    'without the function': [
      'from json import dumps\ndef g(x): pass\ndef _h(x): pass\nclass C: pass\n',
      /^Expected the model model_of_test\.py to have a function "f", got no such name\. Its functions are: g\.$/,
    ],
    'whose function is none': ['f = [1]\n', /have a function "f", got a list\. Its functions are: none\.$/],
    'whose function is async': ['async def f(x): pass\n', /got an async function\./],
    'with odd columns': [
      "columns = {'a': 'float32'}\ndef f(x): pass\n",
      /"columns" to give .*, got \{'a': 'float32'\}\.$/,
    ],
    'with bytes that are no text': ['# \u0000\ndef f(x): pass\n', /null byte/],
  };
  for (const [name, [source, message]] of Object.entries(refused)) {
    testWith('python3', `is one ${name}`, async () => {
      expect(await refusal(modelOf(source))).toMatch(message);
    });
  }

  testWith('python3', 'is one whose function takes a parameter by position only', async () => {
    const message = await refusal(modelOf('def f(x, /, y): pass\n'));
    expect(message).toMatch(/parameters of "f" to be given by name, got "x"/);
  });

  testWith('python3', 'is one whose own file does not parse where it imports it', async () => {
    const model = modelOf('import broken_helper\n');
    writeFileSync(join(dirname(fileOf(model)), 'broken_helper.py'), 'a = \n');
    expect(await refusal(model)).toMatch(/broken_helper\.py:1: SyntaxError: .*\n {4}a =$/);
  });

  testWith('python3', "is one of the name of Python's own module", async () => {
    expect(await refusal(modelOf('def f(x): pass\n', 'f', 'select.py'))).toMatch(
      /got select\.py, which would hide Python's own module "select"\. Rename it\.$/,
    );
  });

  testWith('python3', 'may be mended and loaded again', async () => {
    const host = startHost();
    const model = modelOf('raise ValueError\n');
    host.send(model);
    expect((await host.next('refused'))['message']).toMatch(/ValueError$/);
    writeFileSync(fileOf(model), 'def f():\n    return 1\n');
    host.send(model, { type: 'call', id: 1, calls: [{}] });
    expect((await host.next('returned'))['values']).toEqual([1]);
  });

  testWith('python3', 'is one that is not there', async () => {
    const file = join(newFolder(), 'absent.py');
    expect(await refusal({ type: 'load', worker: { kind: 'python', file, export: 'f' } })).toMatch(
      /^ENOENT: /,
    );
  });
});

describe("the Python host's check of parameters", () => {
  async function problems(source: string, names: string[], points: string[], dtypes = {}): Promise<unknown> {
    const host = startHost();
    host.send(modelOf(source), { type: 'check', names, points, dtypes });
    return (await host.next('checked'))['problems'];
  }
  const says = (name: string, hint: string, got: string): string =>
    `parameter "${name}": the function's signature says "${hint}"; ${got}`;
  const MISSING = 'it is missing: give it by --param or --set';

  testWith('python3', 'names what is unknown and what is missing', async () => {
    expect(await problems('def f(a, b: int, c=1): pass', ['z', 'a'], ['{"z":1,"a":2}'])).toEqual([
      'parameter "z": the function\'s signature doesn\'t know it; its parameters are: a, b, c',
      says('b', 'int', MISSING),
    ]);
    expect(await problems('def f(a): pass', [], ['{}'])).toEqual([says('a', 'required', MISSING)]);
    expect(await problems('def f(a, **more): pass', ['a', 'z'], ['{"z":1,"a":2}'])).toEqual([]);
    expect(await problems('def f(a, seed, index, task_index, context): pass', ['a'], ['{"a":2}'])).toEqual(
      [],
    );
  });

  testWith('python3', 'holds values against the hints', async () => {
    const source = `
from typing import Literal, Optional, Union
def f(i: int, u: float, c: complex, b: bool, s: 'str', o: Optional[int] = None, l: Literal['p', 2] = 2,
      w: Union[int, str] = 1, unknown: 'Missing' = 0, other: list = 0): pass
`;
    const good = [
      { i: 1, u: 1, c: 0.5, b: true, s: 'x', o: 3, l: 'p', w: 'q', unknown: 'any', other: 5 },
      { i: { bigint: '99999999999999999999' }, u: { number: 'NaN' }, c: 1, b: false, s: '', l: 2, w: 4 },
    ].map((point) => JSON.stringify(point));
    expect(await problems(source, [], good)).toEqual([]);
    const bad = { i: 2.5, u: 'text', c: true, b: 1, s: 5, o: 'x', l: 'q', w: 0.5 };
    expect(await problems(source, [], [...good, JSON.stringify(bad)])).toEqual([
      says('i', 'int', 'got 2.5'),
      says('u', 'float', 'got "text"'),
      says('c', 'complex', 'got True'),
      says('b', 'bool', 'got 1'),
      says('s', 'str', 'got 5'),
      says('o', 'int | None', 'got "x"'),
      says('l', "Literal['p', 2]", 'got "q"'),
      says('w', 'int | str', 'got 0.5'),
    ]);
  });

  testWith('python3', 'tells a whole float from an integer where the type of the axis is given', async () => {
    const float = { x: 'float64' };
    expect(await problems('def f(x: int): pass', ['x'], ['{"x":2}'], float)).toEqual([
      says('x', 'int', 'got 2.0'),
    ]);
    expect(await problems('def f(x: int): pass', ['x'], ['{"x":{"number":"2"}}'])).toEqual([
      says('x', 'int', 'got 2.0'),
    ]);
    expect(await problems('def f(x: int): pass', ['x'], ['{"x":2}'], { x: 'int64' })).toEqual([]);
    expect(await problems('def f(x: float): pass', ['x'], ['{"x":2}'], float)).toEqual([]);
  });
});
