import { describe, test } from '@jest/globals';
import fc from 'fast-check';
import {
  parseCount,
  parseDelay,
  parseDuration,
  parseIndex,
  parseSeed,
  refusePlaceholders,
  splitCommand,
  splitNamed,
} from '../../src/cli/arguments.js';
import { commandSpec, parseColumns } from '../../src/engine/command-reference.js';
import { commandWords } from '../../src/host/command/command-words.js';
import { groupNames, parseResultRule } from '../../src/host/command/result-rule.js';
import { parseShellLine } from '../../src/host/command/shell-line.js';
import { groupAxes } from '../../src/space/grid.js';
import { space } from '../../src/space/space.js';
import { parseFixed, parseRange, parseValues } from '../../src/space/values-syntax.js';
import { parseMaxFailures, parseMemory, parseOnError, parseRetries } from '../../src/sweep/limit-syntax.js';
import { feed, mutated } from './fuzz.js';

const NAMES = [
  'linspace(',
  'logspace(',
  'geomspace(',
  'arange(',
  '0:',
  ':1',
  '1,2',
  '"a"',
  '0.1',
  '1e-7',
  '-',
];
const RANGES = ['0:17', '0:1:0.1', '5:0:-1', '-3:3', '0:1e15:1', '0:9223372036854775807', '1:2:1e-300'];
const VALUES = [
  ...RANGES,
  ...['linspace(0,1,11)', 'logspace(-3,3,7)', 'geomspace(1,1000,4)', 'linspace(-1e308,1e308,5)'],
  ...[
    '1,2,5',
    '0.5,1',
    'up,down',
    'true,false',
    '"a,b",c',
    '"\\u00e9",x',
    '"1"',
    'nan,inf',
    '9007199254740993',
  ],
];

describe('a mistake in', () => {
  test('the values of a parameter', () => {
    feed(
      mutated(VALUES, NAMES),
      (text) => {
        const { size, at } = parseValues(text, '--param x');
        // A space is lazy, however large.
        return [at(0), at(size - 1), at(Math.floor(size / 2))];
      },
      { runs: 12_000 },
    );
  });

  test('a range', () => {
    feed(mutated(RANGES, NAMES), (text) => parseRange(text, '--range').at(0), { runs: 5000 });
  });

  test('a fixed value', () => {
    feed(mutated(VALUES, NAMES), (text) => parseFixed(text).at(0), { runs: 4000 });
  });

  test('a grid and what walks together', () => {
    const name = fc.constantFrom('a', 'A', 'b', 'é', 'constructor', '__proto__', '', 'a b', '\0', '1');
    const axis = fc.tuple(name, mutated(['0:3', '1,2,3', 'linspace(0,1,3)'], NAMES));
    const zip = mutated(['a,b', 'a,A,b'], ['a', 'b', ',', ' ']);
    feed(
      fc.tuple(fc.array(axis, { maxLength: 4 }), fc.array(zip, { maxLength: 2 })),
      ([axes, zips]) => {
        const read = axes.map(([title, text]) => ({ name: title, values: parseValues(text, '--param') }));
        const walks = zips.map((text) => text.split(',').map((part) => part.trim()));
        const found = space(groupAxes(read, walks));
        return [found.point(0), found.point(found.size - 1)];
      },
      { runs: 4000 },
    );
  });

  test('numbers, durations, sizes and shares', () => {
    const readers: readonly ((text: string) => unknown)[] = [
      parseCount('--tasks'),
      parseIndex('--point'),
      parseDuration('--timeout'),
      parseDelay('--retry-delay'),
      parseSeed,
      (text) => parseMemory('--max-memory', text),
      (text) => parseMaxFailures('--max-failures', text),
      (text) => parseRetries('--retries', text),
      (text) => parseOnError('--on-error', text),
      (text) => splitNamed('--param', text),
    ];
    const valid = [
      '4',
      '30s',
      '500ms',
      '1.5h',
      '2G',
      '1.5GiB',
      '80%',
      '5%',
      '0',
      '18446744073709551615',
      'nan',
      'U=1',
    ];
    feed(
      fc.tuple(fc.constantFrom(...readers), mutated(valid, ['s', 'ms', 'min', 'G', 'iB', '%', '.', 'e'])),
      ([read, text]) => read(text),
      { runs: 10_000 },
    );
  });

  test('the columns and the rule of a result', () => {
    const columns = mutated(['energy,error', 'e:float64,n:int64', 'a:bool'], [':float64', ':', ',', ':x']);
    const rules = [
      'line',
      'last-line',
      'json',
      'exit',
      'file:out.txt',
      'file:a/b',
      'regex:E = (\\S+)',
      'regex:(?<e>.*)',
    ];
    const rule = mutated(rules, ['regex:', 'file:', '(?<', '../', '(', ')+', '[', '\\', '*', '{2,1}', '/']);
    feed(columns, parseColumns, { runs: 3000 });
    feed(
      rule,
      (text) => {
        const found = parseResultRule(text);
        return found.kind === 'regex' ? groupNames(found.pattern) : found;
      },
      { runs: 5000 },
    );
  });

  test('a command and its placeholders', () => {
    const lines = [
      ...[
        './ising {T} --seed {seed}',
        'echo {{T}} {T}',
        "awk '{print $1}'",
        '{"T":{T}}',
        '{{{T}}}',
        'a{T}b{U}',
      ],
      ...[
        'x={x}; echo $((x + 1))',
        'cat <<END\n$x\nEND\necho {T}',
        'echo "in {T}" \'in {T}\' `echo {T}` $(echo {T})',
      ],
    ];
    const pieces = [
      '{T}',
      '{',
      '}',
      '$((',
      '))',
      '${',
      '$(',
      '`',
      '<<E',
      '<<-"E"',
      '\nE\n',
      '#',
      '((',
      '$[',
      ']',
    ];
    feed(
      mutated(lines, pieces),
      (line) => {
        const { program, names } = parseShellLine(line);
        for (const shell of [true, false]) {
          const words = commandWords(commandSpec({ command: [line], shell }), '/bin/sh');
          words.line((name) => name);
          words.words((name) => name);
        }
        return [program, names];
      },
      { runs: 8000 },
    );
    const word = fc.constantFrom('--', 'run', '{T}', '{', '{é}', '-n', 'resume', '', '\0', '--param', 'x=1');
    feed(
      fc.array(word, { maxLength: 8 }),
      (words) => {
        const { own } = splitCommand(['node', 'fanfold', ...words]);
        refusePlaceholders(own);
      },
      { runs: 2000 },
    );
  });
});
