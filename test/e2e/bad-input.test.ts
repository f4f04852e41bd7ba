import { describe, expect, test } from '@jest/globals';
import fs from 'fs-extra';
import { join } from 'node:path';
import { fanfold, read, temporaryFolder } from './command.js';

/** Files that the commands below name. */
const FILES: Record<string, string> = {
  'ok.mjs': 'export default ({ x }) => x;\n',
  'syntax.ts': 'export default ({ x }: { x: number }) => {\n  return x +;\n};\n',
  'import.mjs': "import { thing } from './nowhere.js';\nexport default () => thing;\n",
  'named.mjs': 'export const energy = () => 1;\n',
  'value.mjs': 'export const schema = undefined;\nexport default 42;\n',
  'columns.mjs': "export const columns = { y: 'float' };\nexport default () => 1;\n",
  'throws.mjs': 'throw new Error("no key");\nexport default () => 1;\n',
  'model.jl': 'energy(x) = x\n',
  'empty.csv': '',
  'header.csv': 'x,y\n',
  'ragged.csv': 'x,y\n1,2\n3\n',
  'ragged.jsonl': '{"x":1,"y":2}\n{"x":3}\n',
  'bad.jsonl': '{"x":1}\nnot json\n',
  'points.xlsx': 'x',
  'gaps.csv': 'x,y\n1,2\n3,\n',
  file: 'a file',
  'newer/sweep.json': '{"version": 99}',
  'corrupt/sweep.json': '{"version": 1, "spec": {',
  'other/sweep.json': '{"version": 1}',
  'stale/task_index=0.txt': '0   0\n',
};

const RANGE = ['--range', '0:4'];

const CASES: [string, string[], string[]][] = [
  [
    'an unknown option',
    ['--taks', '4', ...RANGE],
    ["Unknown option '--taks'", '--tasks', 'run --help [FANFOLD_USAGE]'],
  ],
  [
    'an option without its value',
    ['resume', '--jobs'],
    ["Option '--jobs <n>' argument missing", 'resume --help'],
  ],
  [
    'a subcommand without its argument',
    ['status'],
    ["Missing required argument 'dir'", 'status --help', 'FANFOLD_USAGE'],
  ],
  [
    'too many arguments',
    ['verify', 'a', 'b'],
    ["Too many arguments for 'verify'", 'verify --help', 'FANFOLD_USAGE'],
  ],
  [
    'no tasks',
    [...RANGE, '--tasks', '0'],
    ['Expected --tasks to be a positive integer, got "0"', '--tasks 1'],
  ],
  ['a negative number of tasks', [...RANGE, '--tasks', '-1'], ['positive integer, got "-1"']],
  ['a fraction of tasks', [...RANGE, '--tasks', '2.5'], ['positive integer, got "2.5"']],
  ['tasks in letters', [...RANGE, '--tasks', 'abc'], ['positive integer, got "abc"']],
  ['more tasks than files in a folder', [...RANGE, '--tasks', '1000000000000'], ['1,000,000 at most']],
  ['a range in a list', ['--param', 'x=0:5,7'], ['the range "0:5" in a list']],
  ['NumPy’s own call', ['--param', 'r=np.linspace(2.5,4,3)'], ['"np.linspace(2.5"', 'linspace(a,b,n)']],
  ['a list in brackets', ['--param', 'r=[1,2]'], ['"[1"', 'without brackets']],
  ['a misspelt subcommand', ['statu', 'runs/x'], ['"statu" and "runs/x"', 'status']],
  ['no job slots', [...RANGE, '--jobs', '0'], ['--jobs to be a positive integer']],
  ['an empty range', ['--range', '0:0'], ['0:0', 'at least one value', 'its start is its stop']],
  ['a range that leads away', ['--range', '5:1'], ['5:1', 'its step leads away from its stop']],
  ['a step of 0', ['--range', '0:1:0'], ['step', 'other than 0']],
  ['a range in letters', ['--range', 'a:b'], ['start:stop[:step]', '"a:b"', '"a" is not a finite number']],
  ['a range to nan', ['--range', '0:nan'], ['"0:nan"', '"nan" is not a finite number']],
  ['one number as a range', ['--range', '5'], ['start:stop[:step]', '"5"']],
  ['an axis twice', ['--param', 'U=1,2', '--param', 'U=3'], ['"U" twice']],
  ['--range beside --param x', [...RANGE, '--param', 'x=1'], ['"x" twice']],
  ['an axis that is also fixed', [...RANGE, '--set', 'x=1'], ['"x" twice']],
  [
    'a zip of unequal lengths',
    ['--param', 'U=1,2', '--param', 'V=1,2,3', '--zip', 'U,V'],
    ['the same number of values', '2 for "U"', '3 for "V"'],
  ],
  ['a zip of a stranger', ['--param', 'U=1,2', '--zip', 'U,W'], ['"W"', 'The sweep has: U']],
  ['a parameter without a value', ['--param', 'U'], ['NAME=VALUE', '"U"']],
  ['a name that is no identifier', ['--param', '2U=1'], ['parameter name', '"2U"']],
  ['a name that is a prototype', ['--param', '__proto__=1'], ['parameter name', '"__proto__"']],
  ['an unknown rule', ['--param', 'U=sinspace(0,1,2)'], ['linspace(a,b,n)', 'sinspace']],
  ['a linspace of no values', ['--param', 'U=linspace(0,1,0)'], ['positive integer, got 0']],
  ['a geomspace through 0', ['--param', 'U=geomspace(0,1,3)'], ['of one sign']],
  ['no parameters', ['ok.mjs'], ['Expected parameters, got none', '--range 0:17']],
  ['a seed that is too large', [...RANGE, '--seed', '18446744073709551616'], ['--seed', '2^64']],
  ['an unknown slicing', [...RANGE, '--slicing', 'fair'], ['guan, balanced']],
  [
    'an unknown format',
    [...RANGE, '--format', 'xml'],
    ['Allowed choices are txt, csv, jsonl', 'FANFOLD_USAGE'],
  ],
  ['--serial with several jobs', [...RANGE, '--serial', '--jobs', '4'], ['--serial', '--jobs 4']],
  ['--compare with one job slot', [...RANGE, '--compare', '--jobs', '1'], ['--jobs 2']],
  ['a worker that is missing', ['nowhere.ts', ...RANGE], ['"nowhere.ts"', 'no such file']],
  ['a worker that is a folder', ['newer', ...RANGE], ['"newer"']],
  [
    'a worker in another language',
    ['model.jl:energy', ...RANGE],
    ['JavaScript or TypeScript', 'model.jl', '-- ./program'],
  ],
  [
    'a worker with a syntax error',
    ['syntax.ts', ...RANGE],
    ['syntax.ts:2:', 'Unexpected ";"', 'return x +;'],
  ],
  ['a worker whose import is missing', ['import.mjs', ...RANGE], ['import.mjs:1:', './nowhere.js']],
  [
    'a worker without that export',
    ['named.mjs:force', ...RANGE],
    ['a function "force"', 'it exports: energy'],
  ],
  [
    'a worker without a default export',
    ['named.mjs', ...RANGE],
    ['a default function', 'it exports: energy'],
  ],
  ['a worker that is no function', ['value.mjs', ...RANGE], ['to be a function', 'a number']],
  ['columns of an unknown type', ['columns.mjs', ...RANGE], ['float64', '"float"']],
  ['two workers', ['ok.mjs', '--worker', 'named.mjs', ...RANGE], ['one worker']],
  ['a points file that is missing', ['ok.mjs', '--points', 'no.csv'], ['"no.csv"', 'no such file']],
  ['an empty points file', ['ok.mjs', '--points', 'empty.csv'], ['at least one point', 'empty.csv']],
  ['a points file of names alone', ['ok.mjs', '--points', 'header.csv'], ['at least one point']],
  ['a ragged points file', ['ok.mjs', '--points', 'ragged.csv'], ['ragged.csv', 'line 3']],
  ['a ragged jsonl file', ['ok.mjs', '--points', 'ragged.jsonl'], ['the keys x, y', 'line 2']],
  [
    'a points file that is no jsonl',
    ['ok.mjs', '--points', 'bad.jsonl'],
    ['one JSON object a line', 'line 2'],
  ],
  ['a points file of another kind', ['ok.mjs', '--points', 'points.xlsx'], ['.csv, .tsv or .jsonl']],
  ['an empty --out', [...RANGE, '--out', ''], ['--out to name a directory']],
  ['a worker that throws when it loads', ['throws.mjs', ...RANGE], ['Error: no key', 'throws.mjs:1']],
  ['an --out that is a file', [...RANGE, '--out', 'file'], ['directory', 'file']],
  ['an --out below a file', [...RANGE, '--out', 'file/below'], ['directory', 'file']],
  ['an --out that is not writable', [...RANGE, '--out', '/proc/fanfold'], ['/proc/fanfold']],
  ['an --out with a newer manifest', [...RANGE, '--out', 'newer'], ['version 99', 'newer fanfold']],
  ['an --out with a corrupt manifest', [...RANGE, '--out', 'corrupt'], ['damaged']],
  ['an --out with an incomplete manifest', [...RANGE, '--out', 'other'], ['damaged']],
  ['an --out with stale files', [...RANGE, '--out', 'stale'], ['task_index=0.txt', 'without a sweep.json']],
  [
    'a placeholder that nothing gives',
    ['--param', 'T=1,2', '--', 'echo', '{T} {U}'],
    ['got {U}', '{T}, {index}, {task_index}, {seed}, {out}', '{{U}}'],
  ],
  ['a placeholder in a shell’s line', ['--param', 'T=1', '--shell', '--', 'echo {U}'], ['got {U}']],
  ['a parameter named as what fanfold gives', ['--param', 'seed=1,2', '--', 'echo'], ['got "seed"']],
  ['a command not found', [...RANGE, '--', 'nowhere-at-all'], ['"nowhere-at-all"', 'PATH']],
  ['a command of this folder without ./', [...RANGE, '--', 'model.jl'], ['PATH', './model.jl']],
  ['a command that is no file', [...RANGE, '--', './nowhere'], ['"./nowhere"', 'no such file']],
  ['a command that is a folder', [...RANGE, '--', './newer'], ['got a folder']],
  [
    'a command that is not executable',
    [...RANGE, '--', './model.jl'],
    ['model.jl is not executable', 'chmod +x'],
  ],
  [
    'a program that a parameter names',
    ['--param', 'T=1', '--', './{T}'],
    ['the same for every point', './{T}'],
  ],
  ['no command after --', [...RANGE, '--'], ['Expected a command after --']],
  ['a worker and a command', ['ok.mjs', ...RANGE, '--', 'true'], ['either a worker or a command']],
  [
    '--result without a command',
    ['ok.mjs', ...RANGE, '--result', 'exit'],
    ['--result with a command', '-- ./ising'],
  ],
  ['--keep-scratch without a command', [...RANGE, '--keep-scratch'], ['--keep-scratch with a command']],
  ['an unknown result', [...RANGE, '--result', 'stdout', '--', 'true'], ['last-line', 'got "stdout"']],
  [
    'a regular expression that is none',
    [...RANGE, '--result', 'regex:(', '--', 'true'],
    ['regular expression'],
  ],
  [
    'a result outside the scratch folder',
    [...RANGE, '--result', 'file:../x', '--', 'true'],
    ['without ".."'],
  ],
  ['columns without a name', [...RANGE, '--columns', 'a,,b', '--', 'true'], ['--columns', 'without a name']],
  ['a column twice', [...RANGE, '--columns', 'a,a', '--', 'true'], ['"a" twice']],
  ['a column of an unknown type', [...RANGE, '--columns', 'a:float', '--', 'true'], ['float64', '"float"']],
  [
    'a column with a parameter’s name',
    [...RANGE, '--columns', 'x', '--', 'true'],
    ['"x", which is a parameter'],
  ],
  [
    'columns other than the groups',
    [...RANGE, '--columns', 'a', '--result', 'regex:(?<b>.)', '--', 'true'],
    ['groups (b), got a'],
  ],
  [
    'a shell’s line in words',
    [...RANGE, '--shell', '--', 'echo', '1'],
    ['one line for the shell', 'got 2 words'],
  ],
  [
    '--stream with a result',
    [...RANGE, '--stream', '--result', 'exit', '--', 'true'],
    ['--stream without --result'],
  ],
  ['--stream with --stdin', [...RANGE, '--stream', '--stdin', '--', 'true'], ['--stream without --stdin']],
  ['--stream with --shell', [...RANGE, '--stream', '--shell', '--', 'true'], ['--stream without --shell']],
  ['--stream with a placeholder', [...RANGE, '--stream', '--', 'cat', '{x}'], ['placeholder {x}', 'stdin']],
  [
    'a placeholder that a points file leaves empty',
    ['--points', 'gaps.csv', '--', 'echo', '{y}'],
    ['{y} for every point', 'point 1'],
  ],
  ['status of no run', ['status', '.'], ['no sweep.json']],
  ['resume of no run', ['resume', 'nowhere'], ['no sweep.json']],
  ['fold of a corrupt run', ['fold', 'corrupt'], ['damaged']],
];

describe('bad input is refused with a clear error and exit code 2, nothing started and nothing written:', () => {
  test.each(CASES)('%s', async (_, args, words) => {
    const cwd = temporaryFolder();
    for (const [name, text] of Object.entries(FILES)) fs.outputFileSync(join(cwd, name), text);
    const before = tree(cwd);
    const { exitCode, stdout, stderr } = await fanfold(args, { cwd });
    expect([exitCode, stdout]).toEqual([2, '']);
    for (const word of words) expect(stderr).toContain(word);
    // The place in the user's own file is welcome, a stack of fanfold's is not.
    expect(stderr).not.toMatch(/^\s+at .*(?:dist|src)\/.*:\d+/m);
    expect(tree(cwd)).toEqual(before);
  });
});

test('help and version go to stdout with exit code 0', async () => {
  const help = await fanfold(['--help']);
  expect([help.exitCode, help.stderr]).toEqual([0, '']);
  for (const word of ['run', 'resume', 'retry', 'status', 'fold', 'Examples'])
    expect(help.stdout).toContain(word);
  expect((await fanfold(['run', '--help'])).stdout).toContain('--param <name=spec>');
  const { version } = JSON.parse(read(process.cwd(), 'package.json')) as { version: string };
  expect((await fanfold(['--version'])).stdout.trim()).toBe(version);
});

function tree(folder: string): Record<string, string> {
  const names = fs.readdirSync(folder, { recursive: true }).map(String).sort();
  return Object.fromEntries(
    names.map((name) => [name, fs.statSync(join(folder, name)).isFile() ? read(folder, name) : '']),
  );
}
