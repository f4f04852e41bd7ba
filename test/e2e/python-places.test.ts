import { describe, expect } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import fs from 'fs-extra';
import { join } from 'node:path';
import { testWith } from '../tools.js';
import { expectExit, fanfold, read, temporaryFolder, writeWorker } from './command.js';

const WHERE = 'import sys\ndef f(x):\n    return sys.prefix\n';

describe('places of a Python worker', () => {
  testWith('python3', 'may have blanks, quotes and letters of any script in their names', async () => {
    const folder = join(temporaryFolder(), `a 'b' "c" é 中 $(d) %s`);
    const worker = writeWorker(
      folder,
      'mo del’é.py',
      'import beside\ndef f(x):\n    return x * beside.FACTOR\n',
    );
    writeWorker(folder, 'beside.py', 'FACTOR = 3\n');
    const temporary = join(folder, 't m p');
    fs.mkdirSync(temporary);
    const out = join(folder, 'run ü');
    for (const method of ['fork', 'spawn']) {
      const args = [`${worker}:f`, '--range', '0:3', '--start-method', method, '--force', '--out', out];
      const { exitCode, stderr } = await fanfold(args, { env: { TMPDIR: temporary } });
      expect([exitCode, stderr]).toEqual([0, expect.any(String)]);
      expect(read(out, 'result.txt')).toBe('0   0\n1   3\n2   6\n');
    }
    expect(fs.readdirSync(temporary)).toEqual([]);
  });

  testWith(
    'python3',
    'may be a package whose other modules are beside its folder, and are known as well',
    async () => {
      const folder = temporaryFolder();
      for (const name of ['app/__init__.py', 'app/models/__init__.py']) writeWorker(folder, name, '');
      writeWorker(folder, 'app/common.py', 'K = 1\n');
      const worker = writeWorker(
        folder,
        'app/models/m.py',
        'import json\nfrom app.common import K\ndef f(x):\n    return x + K\n',
      );
      const out = join(folder, 'run');
      const env = { PYTHONPATH: folder };
      expectExit(await fanfold([`${worker}:f`, '--range', '0:6', '--tasks', '3', '--out', out], { env }), 0);
      const { worker: recorded } = JSON.parse(read(out, 'sweep.json')) as { worker: { files: object } };
      expect(Object.keys(recorded.files).sort()).toEqual(['../__init__.py', '../common.py', 'm.py']);
      fs.removeSync(join(out, 'task_index=1.txt'));
      fs.removeSync(join(out, 'result.txt'));
      writeWorker(folder, 'app/common.py', 'K = 100\n');
      const { exitCode, stderr } = await fanfold(['resume', out], { env });
      expect([exitCode, stderr]).toEqual([2, expect.stringContaining('changed since: ../common.py')]);
    },
  );

  testWith('python3', 'may be longer than the address of a socket', async () => {
    const folder = temporaryFolder();
    const temporary = join(folder, 't'.repeat(150));
    fs.mkdirSync(temporary);
    const worker = writeWorker(folder, 'model.py', 'def f(x):\n    return x\n');
    const out = join(folder, 'run');
    const { exitCode } = await fanfold([`${worker}:f`, '--range', '0:3', '--out', out], {
      env: { TMPDIR: temporary },
    });
    expect(exitCode).toBe(0);
    expect(read(out, 'result.txt')).toBe('0   0\n1   1\n2   2\n');
  });
});

describe('the interpreter of a Python worker', () => {
  testWith(
    'python3',
    'is that of the active virtual environment, or the one that --python names',
    async () => {
      const folder = temporaryFolder();
      const environment = join(folder, 'venv');
      execFileSync('python3', ['-m', 'venv', '--without-pip', environment]);
      const worker = writeWorker(folder, 'model.py', WHERE);
      const prefix = async (args: readonly string[], env: Record<string, string> = {}): Promise<string> => {
        const out = join(folder, 'run');
        const { exitCode, stderr } = await fanfold(
          [`${worker}:f`, '--range', '0:1', '--force', '--out', out, ...args],
          { env },
        );
        if (exitCode !== 0) throw new Error(stderr);
        return read(out, 'result.txt').trimEnd().split('   ')[1] ?? '';
      };
      const own = execFileSync('python3', ['-c', 'import sys; print(sys.prefix)'], {
        encoding: 'utf8',
      }).trim();
      expect(await prefix([], { VIRTUAL_ENV: environment })).toBe(environment);
      expect(await prefix([], { VIRTUAL_ENV: '', CONDA_PREFIX: '' })).toBe(own);
      expect(await prefix(['--python', join(environment, 'bin', 'python')])).toBe(environment);
      expect(await prefix(['--python', 'python3'], { VIRTUAL_ENV: environment })).toBe(own);
      const manifest = JSON.parse(read(folder, 'run', 'sweep.json')) as { versions: { python: string } };
      expect(manifest.versions.python).toMatch(/^3\.\d+\.\d+$/);
    },
  );
});

describe('a Python model that was changed', () => {
  const MODEL =
    'import beside\ndef f(x):\n    if x == 2:\n        raise ValueError("two")\n    return x * beside.FACTOR\n';

  testWith(
    'python3',
    'is refused on resume, naming the file, also where it is a module that it imports',
    async () => {
      const folder = temporaryFolder();
      const out = join(folder, 'run');
      const worker = writeWorker(folder, 'model.py', MODEL);
      writeWorker(folder, 'beside.py', 'FACTOR = 3\n');
      const args = [`${worker}:f`, '--range', '0:4', '--tasks', '2', '--out', out];
      expect((await fanfold(args)).exitCode).toBe(1);

      writeWorker(folder, 'beside.py', 'FACTOR = 4\n');
      const refused = await fanfold(args);
      expect(refused.exitCode).toBe(2);
      expect(refused.stderr).toContain('changed since: beside.py.');
      writeWorker(folder, 'beside.py', 'FACTOR = 3\n');
      writeWorker(folder, 'model.py', MODEL.replace('x == 2', 'False'));
      expect((await fanfold(['resume', out])).stderr).toContain('changed since: model.py.');

      expect((await fanfold(['retry', out, '--allow-changed-worker'])).exitCode).toBe(0);
      expect(read(out, 'result.txt')).toBe('0   0\n1   3\n2   6\n3   9\n');
      // A complete run needs no process to see it.
      writeWorker(folder, 'model.py', MODEL);
      expect((await fanfold(args)).stderr).toContain('changed since: model.py.');
    },
  );

  testWith('python3', 'in a file that only its function imports is refused too', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'run');
    const code =
      'import os\ndef f(x):\n    import late\n    if x == 2 and not os.environ.get("MENDED"):\n        raise ValueError("no")\n    return x * late.K\n';
    const worker = `${writeWorker(folder, 'model.py', code)}:f`;
    for (const method of ['fork', 'spawn']) {
      writeWorker(folder, 'late.py', 'K = 1\n');
      const args = ['--range', '0:4', '--tasks', '2', '--start-method', method, '--force', '--out', out];
      expect((await fanfold([worker, ...args])).exitCode).toBe(1);
      writeWorker(folder, 'late.py', 'K = 500\n');
      const refused = await fanfold(['retry', out], { env: { MENDED: '1' } });
      expect([refused.exitCode, refused.stderr]).toEqual([
        2,
        expect.stringContaining('changed since: late.py.'),
      ]);
      writeWorker(folder, 'late.py', 'K = 1\n');
      expect((await fanfold(['retry', out], { env: { MENDED: '1' } })).exitCode).toBe(0);
      expect(read(out, 'result.txt')).toBe('0   0\n1   1\n2   2\n3   3\n');
    }
  });

  testWith('python3', 'while a run goes on that imports it anew is refused then', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'run');
    const code =
      'import os\ndef f(x):\n    with open(__file__, "a") as file:\n        file.write("# changed\\n")\n    return x\n';
    const worker = writeWorker(folder, 'model.py', code);
    const args = ['--range', '0:4', '--tasks', '4', '--jobs', '1', '--fresh', '--out', out];
    const { exitCode, stderr } = await fanfold([`${worker}:f`, ...args, '--start-method', 'spawn']);
    expect([exitCode, stderr]).toEqual([
      1,
      expect.stringContaining('changed while the run went on: model.py.'),
    ]);
    expect(fs.existsSync(join(out, 'result.txt'))).toBe(false);
  });
});
