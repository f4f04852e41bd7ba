import { describe, expect } from '@jest/globals';
import fs from 'fs-extra';
import { join } from 'node:path';
import { testWith } from '../tools.js';
import { fanfold, temporaryFolder, writeWorker } from './command.js';

const GOOD = 'def energy(U: float, J: float = 1.0):\n    return U * J\ndef other(): pass\n';
const OLD = '#!/bin/sh\ncase "$*" in *version_info*) echo 3.6.9; exit 0;; esac\nexit 1\n';

/** What is said of a bad command line; it must end with 2 and write nothing. */
async function refusal(code: string, args: readonly string[]): Promise<string> {
  const cwd = temporaryFolder();
  writeWorker(cwd, 'model.py', code);
  fs.writeFileSync(join(cwd, 'old-python'), OLD, { mode: 0o755 });
  const before = fs.readdirSync(cwd);
  const { exitCode, stderr, stdout } = await fanfold([...args, '--out', 'run'], { cwd });
  expect([exitCode, stdout]).toEqual([2, '']);
  // Python may keep compiled modules beside them.
  expect(fs.readdirSync(cwd).filter((name) => name !== '__pycache__')).toEqual(before);
  return stderr;
}

const U = ['--param', 'U=0,1'];

describe('bad input of a Python worker', () => {
  const cases: [string, string, string[], string[]][] = [
    ['a missing file', GOOD, ['gone.py:f', ...U], ['no such file', 'gone.py']],
    [
      'a file that does not parse',
      'def f(U):\n    return U +\n',
      ['model.py:f', ...U],
      ['model.py:2', 'SyntaxError'],
    ],
    [
      'a file that fails at import',
      'import math\n\nmath.sqrt(-1)\ndef f(U): pass\n',
      ['model.py:f', ...U],
      ['model.py", line 3', 'ValueError: math domain error'],
    ],
    [
      'a module that is not installed',
      'import not_here_at_all\n',
      ['model.py:f', ...U],
      ["No module named 'not_here_at_all'", 'line 1'],
    ],
    [
      'a file that exits while it is imported',
      'import os, sys\nprint("no licence", file=sys.stderr)\nos._exit(9)\n',
      ['model.py:f', ...U],
      ['exit status 9', 'no licence'],
    ],
    ['a function that is not there', GOOD, ['model.py:enrgy', ...U], ['"enrgy"', 'energy, other']],
    ['no function', GOOD, ['model.py', ...U], ['model.py:energy', 'energy, other']],
    ['an unknown parameter', GOOD, ['model.py:energy', ...U, '--set', 'K=1'], ['"K"', 'U, J']],
    ['a missing parameter', GOOD, ['model.py:energy', '--param', 'J=1'], ['"U"', 'missing']],
    ['an ill-typed parameter', GOOD, ['model.py:energy', '--param', 'U=1,2,up'], ['"U"', 'float', '"1"']],
    [
      'an interpreter that is not there',
      GOOD,
      ['model.py:energy', ...U, '--python', './none'],
      ['--python', './none'],
    ],
    [
      'an interpreter that is not on PATH',
      GOOD,
      ['model.py:energy', ...U, '--python', 'nopython'],
      ['nopython', 'PATH'],
    ],
    [
      'an interpreter that is too old',
      GOOD,
      ['model.py:energy', ...U, '--python', './old-python'],
      ['3.8 or newer', '3.6.9'],
    ],
    [
      'an interpreter that is another program',
      GOOD,
      ['model.py:energy', ...U, '--python', 'true'],
      ['another program'],
    ],
    ['an unknown start method', GOOD, ['model.py:energy', ...U, '--start-method', 'thread'], ['fork, spawn']],
    ['--python for another language', GOOD, ['--range', '0:2', '--python', 'python3'], ['Python worker']],
  ];
  for (const [title, code, args, words] of cases) {
    testWith('python3', `${title} is refused before anything is written`, async () => {
      const stderr = await refusal(code, args);
      for (const word of words) expect(stderr).toContain(word);
    });
    if (title.includes('file that') || title.includes('parameter'))
      testWith('python3', `${title} is refused with --start-method spawn too`, async () => {
        const stderr = await refusal(code, [...args, '--start-method', 'spawn']);
        for (const word of words) expect(stderr).toContain(word);
      });
  }

  testWith('python3', 'an interpreter that loads the host but is too old is refused', async () => {
    const folder = temporaryFolder();
    writeWorker(folder, 'sitecustomize.py', 'import sys\nsys.version_info = (3, 7, 16, "final", 0)\n');
    const worker = writeWorker(folder, 'model.py', GOOD);
    const out = join(folder, 'run');
    const { exitCode, stderr } = await fanfold([`${worker}:energy`, ...U, '--out', out], {
      env: { PYTHONPATH: folder },
    });
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('3.8 or newer, got Python 3.7.16')]);
    expect(fs.existsSync(out)).toBe(false);
  });
});
