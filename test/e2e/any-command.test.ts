import { describe, expect, test } from '@jest/globals';
import fs from 'fs-extra';
import { join } from 'node:path';
import { quoteForShell } from '../../src/format/shell.js';
import { testWith } from '../tools.js';
import { failures, events, fanfold, read, start, temporaryFolder, until } from './command.js';

const QUIET = ['-q', '--out', 'out'];

/** Writes an executable shell script. */
function script(folder: string, name: string, code: string): string {
  const path = join(folder, name);
  fs.outputFileSync(path, `#!/bin/sh\n${code}\n`, { mode: 0o755 });
  return path;
}

/** Runs `fanfold … -- command` in a folder and gives its result file. */
async function resultOf(folder: string, args: readonly string[]): Promise<string> {
  const { exitCode, stderr } = await fanfold([...QUIET, ...args], { cwd: folder });
  expect([exitCode, stderr]).toEqual([0, '']);
  return read(folder, 'out', 'result.txt');
}

describe('a command', () => {
  testWith(
    'posix',
    'that fails at a value of several lines, or of very many characters, says why in one',
    async () => {
      const folder = temporaryFolder();
      const points = [{ s: 'a\nb' }, { s: 'q'.repeat(100_000) }];
      fs.writeFileSync(join(folder, 'p.jsonl'), points.map((point) => `${JSON.stringify(point)}\n`).join(''));
      const args = ['--points', 'p.jsonl', '--result', 'json', '--out', 'out', '--', 'printf', '%s', '{s}'];
      const { exitCode, stderr } = await fanfold(args, { cwd: folder });
      expect(exitCode).toBe(1);
      const lines = stderr.split('\n').filter((line) => line.startsWith('  point '));
      expect(lines).toHaveLength(2);
      expect(lines[0]).toContain("printf %s 'a'$'\\n''b'");
      for (const line of lines) {
        expect(line).toContain('JSON');
        expect(line.length).toBeLessThan(2500);
      }
    },
  );

  test('is run for each point, its words in the result as they were printed', async () => {
    const folder = temporaryFolder();
    const result = await resultOf(folder, [
      '--param',
      'T=0.5,1',
      '--param',
      'n=1,2',
      '--seed',
      '5',
      '--',
      'echo',
      '{T}/{n}',
      '{index}',
      '3.0',
      '1e5',
      '(1,2)',
      'True',
      '--seed',
      '{seed}',
    ]);
    expect(result.split('\n')[1]).toMatch(
      /^0\.5 {3}2 {3}0\.5\/2 {3}1 {3}3\.0 {3}100000\.0 {3}\(1\+2j\) {3}True {3}--seed {3}\d+ {3}$/,
    );
    expect(result.split('\n')).toHaveLength(5);
  });

  test('may be given to run by its name or without it, its own options left alone', async () => {
    const folder = temporaryFolder();
    for (const args of [['run', '-f'], ['-f']]) {
      const { stdout } = await fanfold(
        [...args, '-q', '--param', 'T=1:3', '--', 'echo', '--tasks', '{T}', '--', '-n'],
        { cwd: folder },
      );
      expect(stdout).toMatch(/^runs\/echo-[0-9a-f]{8}\/result.txt\n$/);
      expect(read(folder, stdout.trim())).toBe(
        '1   --tasks   1   --   -n   \n2   --tasks   2   --   -n   \n',
      );
    }
  });

  test('gets hostile values as they are, as arguments, in the environment and from a shell', async () => {
    const folder = temporaryFolder();
    const values = [
      "it's",
      '$(touch hacked)',
      '`touch hacked`',
      '"; touch hacked; "',
      'a  b',
      '-n',
      '\\',
      'é\n$x',
      '*',
    ];
    fs.writeFileSync(
      join(folder, 'points.jsonl'),
      values.map((s) => JSON.stringify({ s })).join('\n') + '\n',
    );
    script(
      folder,
      'show',
      'exec node -e \'console.log(JSON.stringify([process.env.FANFOLD_PARAM_s, ...process.argv.slice(1)]))\' -- "$@"',
    );
    const expected = (words: (value: string) => string[]): string[] =>
      values.map((value) => JSON.stringify(words(value)));
    const run = async (args: readonly string[]): Promise<string[]> => {
      await resultOf(folder, ['-f', '--points', 'points.jsonl', '--result', 'regex:.*', ...args]);
      const lines = fs
        .readFileSync(join(folder, 'out', 'result.txt'), 'utf8')
        .trim()
        .split('\n');
      return lines.map((line) => JSON.parse(/ {3}(".*")$/.exec(line)?.[1] ?? '""') as string);
    };
    expect(await run(['--', './show', '{s}', 'a{s}b'])).toEqual(expected((s) => [s, s, `a${s}b`]));
    expect(await run(['--shell', '--', `./show {s} x{s} "in {s}" 'in {s}' | cat`])).toEqual(
      expected((s) => [s, s, `x${s}`, `in ${s}`, `in ${s}`]),
    );
    expect(fs.existsSync(join(folder, 'hacked'))).toBe(false);
  });

  test('may not have a value where the shell reads no word', async () => {
    const folder = temporaryFolder();
    for (const line of ['echo $(({T} + 1))', 'cat <<END\n{T}\nEND']) {
      const { exitCode, stderr } = await fanfold(['--param', 'T=1:3', '--shell', '--', line], {
        cwd: folder,
      });
      expect([exitCode, stderr]).toEqual([2, expect.stringContaining('Assign it first, as in: T={T};')]);
    }
    expect(fs.readdirSync(folder)).toEqual([]);
    const line = 'T={T}; echo $((T + 1))';
    expect(await resultOf(folder, ['--param', 'T=1:3', '--shell', '--', line])).toBe('1   2\n2   3\n');
  });

  test('gets its point on standard input, and in the environment', async () => {
    const folder = temporaryFolder();
    const args = ['--param', 'T=0.5,1', '--set', 'name=a b'];
    expect(await resultOf(folder, [...args, '--stdin', '--result', 'regex:.*', '--', 'cat'])).toContain(
      String.raw`"{\"T\":0.5,\"name\":\"a b\",\"index\":0,\"task_index\":0,\"seed\":16242730742183356629}"`,
    );
    const line = 'echo $FANFOLD_PARAM_T $FANFOLD_INDEX $FANFOLD_TASK_INDEX $FANFOLD_SEED $FANFOLD_PARAM_name';
    expect(await resultOf(folder, ['-f', ...args, '--shell', '--', line])).toMatch(
      /^0\.5 {3}0\.5 {3}0 {3}0 {3}16242730742183356629 {3}a {3}b {3}\n1\.0 {3}1\.0 {3}1 {3}1 {3}\d+ {3}a {3}b {3}\n$/,
    );
  });

  test('has its result by every rule, in every format', async () => {
    const folder = temporaryFolder();
    const T = ['--param', 'T=1,2', '-f'];
    expect(await resultOf(folder, [...T, '--result', 'exit', '--', 'sh', '-c', 'exit {T}'])).toBe(
      '1   1\n2   2\n',
    );
    expect(
      await resultOf(folder, [
        '-f',
        '--param',
        's=0,129,130,137,255',
        '--result',
        'exit',
        '--',
        'sh',
        '-c',
        'exit {s}',
      ]),
    ).toBe('0   0\n129   129\n130   130\n137   137\n255   255\n');
    // Only the first status that may mean a signal costs its point a second run.
    const marks = join(folder, 'marks');
    const marked = ['-f', '--param', 's=3,137,137,130', '--jobs', '1', '--result', 'exit', '--'];
    await resultOf(folder, [...marked, 'sh', '-c', 'echo {s} >>"$0"; exit {s}', marks]);
    expect(read(marks)).toBe('3\n137\n137\n137\n130\n');
    const killed = [
      '-f',
      ...QUIET,
      '--range',
      '0:1',
      '--result',
      'exit',
      '--',
      'sh',
      '-c',
      'kill -s KILL $$',
    ];
    expect((await fanfold(killed, { cwd: folder })).exitCode).toBe(1);
    expect(failures(join(folder, 'out'))[0]?.error).toContain('was ended by SIGKILL');
    expect(
      await resultOf(folder, [...T, '--result', 'json', '--', 'echo', '{"a":{T},"b":[{T}]}']).catch(String),
    ).toContain('Expected');
    expect(await resultOf(folder, [...T, '--result', 'json', '--', 'echo', '{"a":{T},"b":"x"}'])).toBe(
      '1   1   x\n2   2   x\n',
    );
    const numbers = '[3, 3.0, 1e5, 9007199254740993, NaN, -Infinity]';
    expect(await resultOf(folder, [...T, '--result', 'json', '--', 'echo', numbers])).toContain(
      '1   3   3.0   100000.0   9007199254740993   nan   -inf   \n',
    );
    const columns = ['--columns', 'energy:float64,n', '--header'];
    expect(
      await resultOf(folder, [...T, ...columns, '--result', 'last-line', '--', 'printf', 'x\\n{T} 7\\n']),
    ).toBe('# T energy n\n1   1.0   7\n2   2.0   7\n');
    expect(await resultOf(folder, [...T, '--result', 'regex:E=(\\S+)', '--', 'echo', 'at E={T}.50'])).toBe(
      '1   1.5\n2   2.5\n',
    );
  });

  test('has a result of its own, though a process that an earlier point left prints meanwhile', async () => {
    const folder = temporaryFolder();
    // What the first point leaves prints while the second is at work, which waits for that.
    const code =
      'wait_for() { until test -e $1; do sleep 0.01; done; }; echo {x}; if test {x} = 1; then (wait_for began; echo 99; touch printed) & else touch began; wait_for printed; fi';
    const args = ['--jobs', '1', '--param', 'x=1:3', '--result', 'last-line', '--shell', '--', code];
    expect(await resultOf(folder, args)).toBe('1   1\n2   2\n');
  });

  test('has a folder of its own, which is there only as long as it is of use', async () => {
    const folder = temporaryFolder();
    const args = ['--param', 'T=1:4', '--result', 'file:sub/r.txt', '--'];
    const command = [
      'sh',
      '-c',
      'test {T} != 2 || test -e mended || exit 5; mkdir {out}/sub; echo {T} >{out}/sub/r.txt; test -z "$(ls {out} | grep old)" && touch {out}/old',
    ];
    const failed = await fanfold([...QUIET, ...args, ...command], { cwd: folder });
    expect(failed.exitCode).toBe(1);
    const scratch = join(folder, 'out', 'scratch');
    expect(fs.readdirSync(scratch)).toEqual(['point=1']);
    expect(failures(join(folder, 'out'))[0]?.error).toContain(
      `Its files are in ${fs.realpathSync(scratch)}/point=1`,
    );
    fs.writeFileSync(join(scratch, 'point=1', 'old'), '');
    fs.writeFileSync(join(folder, 'mended'), '');
    expect((await fanfold(['retry', 'out', '-q'], { cwd: folder })).exitCode).toBe(0);
    expect(read(folder, 'out', 'result.txt')).toBe('1   1\n2   2\n3   3\n');
    expect(fs.existsSync(scratch)).toBe(false);

    await resultOf(folder, ['-f', '--keep-scratch', ...args, ...command]);
    const { worker } = JSON.parse(read(folder, 'out', 'sweep.json')) as { worker: { keepScratch?: boolean } };
    expect(worker.keepScratch).toBe(true);
    expect(fs.readdirSync(scratch).sort()).toEqual(['point=0', 'point=1', 'point=2']);
    expect(read(scratch, 'point=2', 'sub', 'r.txt')).toBe('3\n');
    await resultOf(folder, ['-f', ...args, ...command]);
    expect(fs.existsSync(scratch)).toBe(false);
  });

  test('that fails tells its command line, how it ended and the end of its stderr', async () => {
    const folder = temporaryFolder();
    const code =
      'echo before; echo "line $1" >&2; case $1 in 1) exit 3;; 2) kill -s SEGV $$;; 3) echo after;; esac';
    const { exitCode, stderr } = await fanfold(
      ['--out', 'out', '--param', 'T=1:5', '--', script(folder, 'a b', code), '{T}'],
      { cwd: folder },
    );
    const line = `CommandError: '${join(folder, 'a b')}'`;
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`${line} 1 ended with exit status 3. Its stderr ends: line 1`);
    const errors = failures(join(folder, 'out')).sort((a, b) => a.index - b.index);
    // The fourth prints one word, which is a result.
    // An end by a signal is tried once more.
    expect(errors.map(({ index }) => index)).toEqual([0, 1, 1, 2]);
    expect(errors[0]?.error).toBe(`${line} 1 ended with exit status 3. The end of its stderr: line 1`);
    expect(errors[1]?.error).toContain(
      `${line} 2 was ended by SIGSEGV, an invalid memory access. The end of its stderr: line 2`,
    );
    expect(errors[3]?.error).toContain(
      `${line} 3 ended with exit status 0, but gave no result. Expected one line of values in its stdout, got 2 lines`,
    );
    expect(errors[3]?.error).toContain('The end of its stderr: line 3');
    expect(errors.every(({ stack }) => stack === undefined)).toBe(true);
    expect(read(folder, 'out', 'logs', 'task_index=0.log')).toContain('line 1\nbefore\n');
  });

  test('whose number of columns changes fails the points that differ', async () => {
    const folder = temporaryFolder();
    const { exitCode } = await fanfold(
      [
        ...QUIET,
        '--tasks',
        '1',
        '--param',
        'T=1:4',
        '--shell',
        '--',
        'echo at {T} >&2; test {T} = 2 && echo 1 2 3 || echo 1 2',
      ],
      { cwd: folder },
    );
    expect(exitCode).toBe(1);
    expect(failures(join(folder, 'out'))).toEqual([
      expect.objectContaining({
        index: 1,
        error:
          'CommandError: echo at 2 >&2; test 2 = 2 && echo 1 2 3 || echo 1 2 ended with exit status 0, but gave no result. Expected the same columns as the points before (an array of 2), got an array of 3. The end of its stderr: at 2',
      }),
    ]);
    expect(failures(join(folder, 'out'))[0]?.stack).toBe(undefined);
  });

  test('whose result has the name of a parameter fails, and its folder is kept', async () => {
    const folder = temporaryFolder();
    const code = 'touch {out}/trace; echo "{\\"T\\":1}"';
    const { exitCode } = await fanfold(
      [...QUIET, '--param', 'T=1,2', '--result', 'json', '--shell', '--', code],
      { cwd: folder },
    );
    expect(exitCode).toBe(1);
    expect(failures(join(folder, 'out')).map(({ stack }) => stack)).toEqual([undefined, undefined]);
    expect(failures(join(folder, 'out'))[0]?.error).toMatch(
      /^CommandError: touch .* ended with exit status 0, but gave no result\. Expected .* got "T", which is a parameter.* Its files are in \/.*\/point=\d$/,
    );
    expect(fs.readdirSync(join(folder, 'out', 'scratch')).sort()).toEqual(['point=0', 'point=1']);
  });

  test('goes on after its coordinator was killed, with the same bytes, and computes nothing twice', async () => {
    const folder = temporaryFolder();
    script(folder, 'slow', 'echo $1 >>calls; test $1 -lt 15 || test -e go || sleep 60; echo $1.5');
    const args = ['--tasks', '2', '--jobs', '2', '--param', 'T=0:20', '--', './slow', '{T}'];
    const run = start([...QUIET, ...args], { cwd: folder });
    const calls = (): string[] =>
      fs.existsSync(join(folder, 'calls')) ? read(folder, 'calls').trim().split('\n') : [];
    const hasLines = (name: string, count: number): boolean =>
      fs.existsSync(join(folder, 'out', name)) && read(folder, 'out', name).split('\n').length > count;
    await until(
      'all but the slow points',
      () => hasLines('task_index=0.txt', 10) && hasLines('task_index=1.txt.part', 5),
    );
    run.kill('SIGKILL');
    await run;
    const before = calls();
    fs.writeFileSync(join(folder, 'go'), '');
    // Resumed from elsewhere: the command runs where it was begun.
    const { exitCode } = await fanfold(['resume', join(folder, 'out'), '-q'], { cwd: temporaryFolder() });
    expect(exitCode).toBe(0);
    expect((await fanfold(['-q', '--out', 'whole', ...args], { cwd: folder })).exitCode).toBe(0);
    expect(read(folder, 'out', 'result.txt')).toBe(read(folder, 'whole', 'result.txt'));
    const resumed = calls().slice(before.length, calls().length - 20);
    expect(resumed.map(Number).sort((a, b) => a - b)).toEqual([15, 16, 17, 18, 19]);
  });

  test('whose script was changed is refused, naming it', async () => {
    const folder = temporaryFolder();
    script(folder, 'model.sh', 'test $1 = 1 || exit 9; echo $1');
    const args = [...QUIET, '--param', 'T=1:3', '--', 'sh', 'model.sh', '{T}'];
    expect((await fanfold(args, { cwd: folder })).exitCode).toBe(1);
    script(folder, 'model.sh', 'echo $1');
    const { exitCode, stderr } = await fanfold(['retry', 'out'], { cwd: folder });
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('it was changed since: model.sh')]);
    expect((await fanfold(['retry', 'out', '-q', '--allow-changed-worker'], { cwd: folder })).exitCode).toBe(
      0,
    );
    expect(read(folder, 'out', 'result.txt')).toBe('1   1\n2   2\n');
  });

  test('is shown by a dry run, in a line that a shell would take', async () => {
    const folder = temporaryFolder();
    const { stdout } = await fanfold(
      ['--param', 's=a b,$x', '--dry-run', '--', 'echo', '{s}', '{index}', '{task_index}'],
      { cwd: folder },
    );
    expect(stdout).toContain(`echo ${quoteForShell('a b')} 0 0`);
    expect(stdout).toContain(`echo '$x' 1 1`);
    expect(fs.readdirSync(folder)).toEqual([]);
  });

  test('starts neither a bundler nor git, and has no copy of a module', async () => {
    const folder = temporaryFolder();
    await resultOf(folder, ['--range', '0:4', '--result', 'exit', '--', 'true']);
    expect(fs.existsSync(join(folder, 'out', 'worker.mjs'))).toBe(false);
    const manifest = fs.readJsonSync(join(folder, 'out', 'sweep.json')) as {
      spec: { worker: unknown };
      worker: { path: string; files: object };
    };
    expect(manifest.spec.worker).toEqual({
      command: ['true'],
      stream: false,
      shell: false,
      stdin: false,
      result: 'exit',
    });
    expect(manifest.worker.path).toMatch(/^\/.*\/true$/);
    expect(Object.keys(manifest.worker.files)).toEqual([manifest.worker.path]);
    expect(events(join(folder, 'out'), 'end').length).toBeGreaterThan(0);
    const { stdout } = await fanfold(['status', 'out'], { cwd: folder });
    expect(stdout).toContain('worker true');
  });
});

testWith('posix', 'a script that is changed while the run goes on is named at its end', async () => {
  const folder = temporaryFolder();
  const script = join(folder, 'w.sh');
  fs.writeFileSync(script, '#!/bin/sh\n[ "$1" = 1 ] && echo "# changed" >>"$0"\necho "$1"\n', {
    mode: 0o755,
  });
  const out = join(folder, 'run');
  const { exitCode, stderr } = await fanfold(['--range', '0:3', '--out', out, '--', script, '{x}']);
  expect([exitCode, stderr]).toEqual([0, expect.stringMatching(/Changed while the run went on: .*w\.sh/)]);
});
