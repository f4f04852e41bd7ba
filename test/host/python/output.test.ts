import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from '@jest/globals';
import { arange } from '../../../src/space/arange.js';
import { testWith } from '../../tools.js';
import { computeTask, modelOf, newRun, spaceOf, startHost, taskOf } from './host.js';

const LOG = 'logs/task_index=0.log';

describe('what a model prints in the Python host', () => {
  testWith('python3', 'goes into the log of the task, by whatever way it is printed', async () => {
    const run = newRun({ space: spaceOf({ x: arange(2) }) });
    const host = startHost();
    const source = `
import os, subprocess, sys
print('at import')

def f(x, context):
    print('printed', x, end='')
    print(' é')
    print('to error', x, file=sys.stderr)
    sys.stdout.flush()
    os.write(1, b'written %d\\n' % x)
    subprocess.run(['sh', '-c', 'echo "a program"; echo "its error" >&2'])
    context.log('logged', x, None)
    return x
`;
    host.send(modelOf(source), run.run, taskOf({ stop: 2 }));
    await host.next('done');
    host.send({ type: 'exit' });
    const { output } = await host.ended;
    const of = (x: number): string =>
      `printed ${String(x)} é\nto error ${String(x)}\nwritten ${String(x)}\na program\nits error\nlogged ${String(x)} None\n`;
    expect(run.read(LOG)).toBe(of(0) + of(1));
    expect(output).toBe('at import\n');
  });

  testWith('python3', 'is added to the log of an earlier process', async () => {
    const run = newRun({ space: spaceOf({ x: arange(2) }) });
    const model = modelOf("def f(x):\n    print('x is', x)\n    return x\n");
    await computeTask(model, run, { stop: 1 });
    await computeTask(model, run, { start: 1, stop: 2 });
    expect(run.read(LOG)).toBe('x is 0\nx is 1\n');
  });

  testWith('python3', 'leaves no log where it is nothing', async () => {
    const run = newRun({ space: spaceOf({ x: arange(2) }) });
    await computeTask(modelOf('def f(x):\n    return x\n'), run, { stop: 1 });
    expect(run.has('logs')).toBe(true);
    expect(run.has(LOG)).toBe(false);
  });

  testWith('python3', 'is there while the task runs, also where the process dies', async () => {
    const run = newRun({ space: spaceOf({ x: arange(2) }) });
    const host = startHost();
    host.send(
      modelOf("import os\ndef f(x):\n    print('last words')\n    os._exit(3)\n"),
      run.run,
      taskOf({ stop: 1 }),
    );
    expect((await host.ended).exitCode).toBe(3);
    expect(run.read(LOG)).toBe('last words\n');
  });

  testWith('python3', 'fails no point where the log cannot be made', async () => {
    const run = newRun({ space: spaceOf({ x: arange(2) }) });
    rmSync(join(run.directory, 'logs'), { recursive: true });
    await computeTask(modelOf("def f(x):\n    print('x' * 100_000)\n    return x\n"), run, { stop: 2 });
    expect(run.read('task_index=0.txt')).toBe('0   0\n1   1\n');
  });

  testWith('python3', 'fails no point where the log cannot be written', async () => {
    const run = newRun({ space: spaceOf({ x: arange(2) }) });
    mkdirSync(join(run.directory, 'logs'), { recursive: true });
    symlinkSync('/dev/full', join(run.directory, LOG));
    const source =
      "import sys\ndef f(x):\n    print('x' * 100_000)\n    print('e', file=sys.stderr)\n    sys.stdout.flush()\n    return x\n";
    await computeTask(modelOf(source), run, { stop: 2 });
    expect(run.read('task_index=0.txt')).toBe('0   0\n1   1\n');
  });

  testWith('python3', 'has no character that fails, in any locale', async () => {
    const run = newRun({ space: spaceOf({ x: arange(1) }) });
    const host = startHost({
      LC_ALL: 'C',
      PYTHONIOENCODING: 'ascii',
      PYTHONUTF8: '0',
      PYTHONCOERCECLOCALE: '0',
    });
    host.send(modelOf("def f(x):\n    print('é \\ud800')\n    return x\n"), run.run, taskOf({ stop: 1 }));
    await host.next('done');
    expect(run.read(LOG)).toBe('é \\ud800\n');
    expect(run.read('task_index=0.txt')).toBe('0   0\n');
  });

  testWith('python3', 'fails no task where the model closes its streams', async () => {
    const run = newRun({ space: spaceOf({ x: arange(2) }) });
    const source = 'import sys\ndef f(x):\n    sys.stdout.close()\n    sys.stderr = None\n    return x\n';
    await computeTask(modelOf(source), run, { stop: 2 });
    expect(run.read('task_index=0.txt')).toBe('0   0\n1   1\n');
  });
});
