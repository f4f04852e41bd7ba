import { expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { FanfoldError } from '../../../src/errors.js';
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
  ['echo "$(cat {T})"', 'echo "$(cat "${1}")"'],
  ['echo "$(cat "{T}") {T}"', 'echo "$(cat "${1}") ${2}"'],
  ['echo "`cat {T}`"', 'echo "`cat "${1}"`"'],
  ["echo a # it's\necho {T}", 'echo a # it\'s\necho "${1}"'],
  ["echo a#'{T}'", "echo a#''\"${1}\"''"],
  ["echo {T}#'{T}'", 'echo "${1}"#\'\'"${2}"\'\''],
  ['(cd x; cat {T})', '(cd x; cat "${1}")'],
  ['echo $((1 << 2)) {T}', 'echo $((1 << 2)) "${1}"'],
  ['echo $(( (1 + 2) * 3 )) {T}', 'echo $(( (1 + 2) * 3 )) "${1}"'],
  [
    'echo "${HOME}/{T}" ${HOME#/} {T}'.replaceAll('{HOME}', '{{HOME}}'),
    'echo "${HOME}/${1}" ${HOME#/} "${2}"',
  ],
  ['cat <<END {T}\n$x\nEND\necho {T}', 'cat <<END "${1}"\n$x\nEND\necho "${2}"'],
  ["cat <<-'E F'\nit's\n\tE F\necho {T}", "cat <<-'E F'\nit's\n\tE F\necho \"${1}\""],
  ['cat <<A <<B\nB\nA\nA\nB\necho {T}', 'cat <<A <<B\nB\nA\nA\nB\necho "${1}"'],
  ['cat <<A # it is\nx\nA\necho {T}', 'cat <<A # it is\nx\nA\necho "${1}"'],
  ['cat <<<{T}\necho {T}', 'cat <<<"${1}"\necho "${2}"'],
])('the line %j becomes the program %j', (line, program) => {
  expect(parseShellLine(line).program).toBe(program);
});

test.each([
  ['echo $(({T} + 1))', '$((…))'],
  ['echo "$(( 2 * {T} ))"', '$((…))'],
  ['echo $(( $(echo {T}) ))', '$((…))'],
  ['echo $(( (1) + ({T}) ))', '$((…))'],
  ['(( {T} > 1 )) && echo 1', '((…))'],
  ['echo $[{T}]', '$[…]'],
  ['echo ${x:{T}:1}', '${…}'],
  ['cat <<END\n{T}\nEND', 'a here-document'],
  ["cat <<'END' | sort\nx\n'{T}'\nEND", 'a here-document'],
  ['cat <<-END\n\tx\n END\n{T}\n\tEND', 'a here-document'],
])('the line %j is refused for its %s', (line, trap) => {
  expect(() => parseShellLine(line)).toThrow(FanfoldError);
  expect(() => parseShellLine(line)).toThrow(
    `got {T} inside ${trap}. Assign it first, as in: T={T}; and use $T there.`,
  );
});

test('a value is one word in any quotes, and never code', () => {
  const { program, names } = parseShellLine(
    `printf '%s|' {a} x{a} "{a} y" '{a} z' "it's {a}" "$(printf %s. {a})" "\`printf %s. "{a}"\`"`,
  );
  expect(names).toEqual(['a', 'a', 'a', 'a', 'a', 'a', 'a']);
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
    expect(stdout).toBe(
      [value, `x${value}`, `${value} y`, `${value} z`, `it's ${value}`, `${value}.`, `${value}.`, ''].join(
        '|',
      ),
    );
  }
});
