import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { errorLine } from '../../src/report/error-line.js';
import { temporaryFolder, writeWorker } from '../e2e/command.js';
import { testWith } from '../tools.js';

const commandError = (stderr: string): string =>
  `CommandError: ./model 3 ended with exit status 1. The end of its stderr: ${stderr.trim()}`;
const line = (last: string): string =>
  `CommandError: ./model 3 ended with exit status 1. Its stderr ends: ${last}`;

/** What a program writes on its stderr, compiled first where that is needed. */
function stderrOf(name: string, code: string, command: string, ...args: string[]): string {
  const folder = temporaryFolder();
  writeWorker(folder, name, code);
  if (command.startsWith('g')) {
    execFileSync(command, [name, '-g', '-o', 'model', ...args], { cwd: folder });
    return spawnSync(join(folder, 'model'), { cwd: folder, encoding: 'utf8' }).stderr;
  }
  return spawnSync(command, [...args, name], { cwd: folder, encoding: 'utf8' }).stderr;
}

describe('an error in one line', () => {
  test.each([
    ['Error: no\nsecond', 'Error: no'],
    ['ValueError: no', 'ValueError: no'],
    [commandError('starting\nreading\nfatal: no table.dat\n\n'), line('fatal: no table.dat')],
    [commandError('#0  0x7f\n#1  0x8a in main'), line('#1  0x8a in main')],
    [
      commandError("thread 'main' panicked at m.rs:2:5:\nno table\nnote: run with `RUST_BACKTRACE=1`"),
      line('no table'),
    ],
    [
      commandError(
        'ERROR: LoadError: no table\nStacktrace:\n [1] error(s::String)\n   @ Base ./error.jl:35\nin expression starting at m.jl:1',
      ),
      line('ERROR: LoadError: no table'),
    ],
    [
      commandError(
        "Exception in thread 'main' java.io.IOException: no table\n\tat M.main(M.java:3)\n\t... 2 more",
      ),
      line("Exception in thread 'main' java.io.IOException: no table"),
    ],
    [
      'CommandError: m ended with exit status 0, but gave no result. Expected JSON in its stdout, got: a\nb',
      'CommandError: m ended with exit status 0, but gave no result. Expected JSON in its stdout, got: a',
    ],
    [
      'CommandError: m 3 ended with exit status 1. It wrote nothing on its stderr.',
      'CommandError: m 3 ended with exit status 1. It wrote nothing on its stderr.',
    ],
  ])('%j', (error, expected) => {
    expect(errorLine(error)).toBe(expected);
  });

  test('of node is its message', () => {
    const stderr = stderrOf('m.mjs', "throw new RangeError('no table');\n", process.execPath);
    expect(errorLine(commandError(stderr))).toBe(line('RangeError: no table'));
  });

  testWith('python3', 'of Python is that of the exception', () => {
    const stderr = stderrOf('m.py', "def f():\n    raise KeyError('U')\nf()\n", 'python3');
    expect(errorLine(commandError(stderr))).toBe(line("KeyError: 'U'"));
  });

  testWith('gfortran', 'of Fortran is its runtime error, not the backtrace', () => {
    const code = "program m\n  open (10, file='no-such', status='old')\nend program m\n";
    expect(errorLine(commandError(stderrOf('m.f90', code, 'gfortran')))).toMatch(
      /Its stderr ends: Fortran runtime error: .*no-such/,
    );
  });

  testWith('gcc', 'of C is what was written last', () => {
    const code =
      '#include <assert.h>\n#include <stdio.h>\nint main(void) { fputs("reading\\n", stderr); assert(0); }\n';
    expect(errorLine(commandError(stderrOf('m.c', code, 'gcc')))).toMatch(/Assertion `0' failed\.$/);
  });

  testWith('rscript', 'of R is its message', () => {
    const stderr = stderrOf('m.R', "f <- function() stop('no table')\nf()\n", 'Rscript', '--vanilla');
    expect(errorLine(commandError(stderr))).toBe(line('Error in f() : no table'));
  });
});
