import { describe, expect, test } from '@jest/globals';
import { readResult, type CommandOutput } from '../../../src/host/command/command-result.js';
import { groupNames, parseResultRule } from '../../../src/host/command/result-rule.js';
import { FanfoldError } from '../../../src/errors.js';
import type { Column } from '../../../src/format/layout.js';

function read(rule: string, stdout: string, columns?: readonly Column[], status = 0): unknown {
  const output: CommandOutput = {
    status,
    stdout: () => stdout,
    stdoutEnd: () => stdout,
    file: () => stdout,
  };
  return readResult(parseResultRule(rule), columns, output);
}

const ENERGY = [{ name: 'energy' }, { name: 'error' }];

describe('the result of a command', () => {
  test.each<[string, string, unknown]>([
    ['line', '3\n', 3n],
    ['line', '\n  1.5 2 up  \n\n', [1.5, 2n, 'up']],
    ['line', '1 2\r\n', [1n, 2n]],
    ['last-line', 'step 1\nstep 2\n4.5\n\n', 4.5],
    ['json', '{"a": 1, "b": "x"}', { a: 1n, b: 'x' }],
    ['json', '[1,\n 2.0]\n', [1n, 2]],
    ['json', '1e3', 1000],
    ['json', '9007199254740993', 9007199254740993n],
    ['json', '[NaN, -Infinity, nan, -inf, true]', [NaN, -Infinity, NaN, -Infinity, true]],
    ['json', '[{"re": 1, "im": 2.5}, "NaN"]', [{ re: 1, im: 2.5 }, 'NaN']],
    ['json', '{"re": 0, "im": 1}', { re: 0, im: 1 }],
    ['regex:E = (\\S+)', 'x\nE = -1.5 eV\nE = 7\n', -1.5],
    ['regex:^(\\d+) (\\d+)$', 'no\n1 2\n', [1n, 2n]],
    ['regex:\\d+\\.\\d+', 'pi is 3.14', 3.14],
    ['regex:(?<e>\\S+) \\+- (?<err>\\S+)', '1.0 +- 0.5', { e: 1, err: 0.5 }],
    ['regex:name: (.*)$', 'name: two words \n', 'two words'],
    ['file:out.txt', '1 2\n', [1n, 2n]],
    ['exit', 'whatever', 0n],
  ])('by %s from %j is %p', (rule, stdout, expected) => {
    expect(read(rule, stdout)).toEqual(expected);
  });

  test('is the exit status, whatever it is', () => {
    expect(read('exit', '', undefined, 3)).toBe(3n);
  });

  test.each<[string, string, string]>([
    ['line', '', 'got nothing'],
    ['line', ' \n\n', 'got nothing'],
    ['line', '1\n2\n', 'got 2 lines'],
    ['line', '1 ****\n', 'did not fit its field'],
    ['last-line', '\n', 'got nothing'],
    ['json', 'none', 'Expected JSON in its stdout, got: none'],
    ['json', '[1, 2', 'Expected JSON'],
    ['json', '01', 'Expected JSON'],
    ['json', '', 'got: nothing'],
    ['json', '1 2', 'Expected JSON'],
    ['json', 'null', 'got null'],
    ['regex:E = (\\S+)', 'no energy', 'to match E = (\\S+), got: no energy'],
    ['regex:(a)|(b)', 'b', 'none for the group 1'],
    ['file:o', '1\n2\n', 'in the file o, got 2 lines'],
  ])('by %s from %j is refused: %s', (rule, stdout, message) => {
    expect(() => read(rule, stdout)).toThrow(message);
  });

  test('is put under the names of its columns', () => {
    expect(read('line', '1 2', ENERGY)).toEqual({ energy: 1n, error: 2n });
    expect(read('json', '[1, 2.0]', ENERGY)).toEqual({ energy: 1n, error: 2 });
    expect(Object.keys(read('json', '{"error": 2, "energy": 1}', ENERGY) as object)).toEqual([
      'energy',
      'error',
    ]);
    expect(read('exit', '', [{ name: 'status' }])).toEqual({ status: 0n });
    expect(read('regex:(?<error>\\d) (?<energy>\\d)', '2 1', ENERGY)).toEqual({ energy: 1n, error: 2n });
    expect(read('line', '7 8', [{ name: 'a', dtype: 'string' }, { name: 'b' }])).toEqual({ a: '7', b: 8n });
  });

  test.each([
    ['line', '1', 'for each of the columns energy, error, got one value: 1'],
    ['line', '1 2 3', 'got 3 values: 1 2 3'],
    ['json', '{"energy": 1}', 'Expected the columns energy, error, got the columns energy'],
    ['json', '[1]', 'got one value'],
  ])('by %s from %j does not fit two columns', (rule, stdout, message) => {
    expect(() => read(rule, stdout, ENERGY)).toThrow(message);
  });
});

describe('a rule', () => {
  test.each([
    ['lines', 'got "lines"'],
    ['regex:', 'got "regex:"'],
    ['regex:(', 'regular expression, got "("'],
    ['file:../x', 'without ".."'],
    ['file:/etc/passwd', 'relative to {out}'],
    ['file:a/../../x', 'without ".."'],
    ['file:a\0b', 'inside the point'],
  ])('%j is refused', (text, message) => {
    expect(() => parseResultRule(text)).toThrow(FanfoldError);
    expect(() => parseResultRule(text)).toThrow(message);
  });

  test('knows the named groups of its expression', () => {
    expect(groupNames(/(?<b>x)|(?<a>y)/)).toEqual(['b', 'a']);
    expect(groupNames(/(x)/)).toEqual([]);
  });
});
