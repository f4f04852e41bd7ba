import { expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { parseShellLine } from '../../../src/host/command/shell-line.js';

test.each([
  ['echo {T}', 'echo "${1}"'],
  ['echo x{T}y', 'echo x"${1}"y'],
  ['echo "{T} and {U}" {T}', 'echo "${1} and ${2}" "${3}"'],
  ["echo '{T}'", "echo ''\"${1}\"''"],
  ['echo "it\'s {T}" \'"{T}\'', 'echo "it\'s ${1}" \'"\'"${2}"\'\''],
  ['echo \\"{T}\\"', 'echo \\""${1}"\\"'],
  ['echo "\\"{T}\\""', 'echo "\\"${1}\\""'],
  ["awk '{print $1}'", "awk '{print $1}'"],
])('the line %j becomes the program %j', (line, program) => {
  expect(parseShellLine(line).program).toBe(program);
});

test('a value is one word in any quotes, and never code', () => {
  const { program, names } = parseShellLine(`printf '%s|' {a} x{a} "{a} y" '{a} z' "it's {a}"`);
  expect(names).toEqual(['a', 'a', 'a', 'a', 'a']);
  const values = [
    'a  b',
    "it's",
    '"',
    '$(echo hacked)',
    '`echo hacked`',
    '\\',
    '*',
    '',
    '-n',
    '; echo hacked',
    '$1\n',
  ];
  for (const value of values) {
    const { stdout } = spawnSync('/bin/sh', ['-c', program, 'sh', ...names.map(() => value)], {
      encoding: 'utf8',
    });
    expect(stdout).toBe([value, `x${value}`, `${value} y`, `${value} z`, `it's ${value}`, ''].join('|'));
  }
});
