import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, describe, expect } from '@jest/globals';
import { arange } from '../../../src/space/arange.js';
import { livingProcesses } from '../../processes.js';
import { testWith } from '../../tools.js';
import {
  modelOf,
  newFolder,
  newRun,
  spaceOf,
  startHost,
  taskOf,
  until,
  wireOf,
  type Message,
  type PythonHost,
  type Wire,
} from './host.js';

const servers: Server[] = [];
const sockets: Socket[] = [];

afterAll(() => {
  for (const socket of sockets) socket.destroy();
  for (const server of servers) server.close();
});

interface Child extends Wire {
  readonly pid: number;
  readonly socket: Socket;
}

interface Nursery {
  readonly host: PythonHost;
  /** Has a child forked, and waits until it says hello and the server says so. */
  readonly fork: (id: number) => Promise<Child>;
}

function nursery(model: Message): Nursery {
  const host = startHost();
  host.send(model);
  return {
    host,
    fork: async (id) => {
      const path = join(newFolder(), 'socket');
      const connected = new Promise<Socket>((resolve) => {
        servers.push(createServer(resolve).listen(path));
      });
      await until('the socket', () => servers.at(-1)?.listening === true);
      host.send({ type: 'fork', id, socket: path });
      const forked = await host.next('forked');
      const socket = await connected;
      sockets.push(socket);
      const wire = wireOf(socket, socket);
      expect(await wire.next('hello')).toEqual({ type: 'hello', id, pid: forked['pid'] });
      expect(forked).toMatchObject({ id });
      return { ...wire, pid: Number(forked['pid']), socket };
    },
  };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

/** As `isAlive`, but a process that has ended and waits to be reaped does not count. */
function isRunning(pid: number): boolean {
  return livingProcesses().some((process) => process.pid === pid);
}

const DOUBLE = 'def f(x):\n    return 2 * x\n';
const FOREVER = 'import time\ndef f(x):\n    while True:\n        time.sleep(1)\n';

describe('a forked host', () => {
  testWith('python3', 'has the model, computes a task and ends', async () => {
    const source = `import os\nLOADER = os.getpid()\ndef f(x):\n    return LOADER != os.getpid()\n`;
    const { host, fork } = nursery(modelOf(source));
    const run = newRun({ space: spaceOf({ x: arange(3) }) });
    const child = await fork(7);
    child.send(run.run, taskOf({ stop: 3 }));
    await child.next('done');
    expect(run.read('task_index=0.txt')).toBe('0   True\n1   True\n2   True\n');
    expect(run.records('events.jsonl')[0]).toMatchObject({ pid: child.pid });
    child.send({ type: 'exit' });
    expect(await host.next('ended')).toMatchObject({ type: 'ended', id: 7, exitCode: 0, signal: null });
    host.send({ type: 'exit' });
    expect((await host.ended).exitCode).toBe(0);
  });

  testWith('python3', 'computes beside others', async () => {
    const { host, fork } = nursery(modelOf(DOUBLE));
    const run = newRun({ space: spaceOf({ x: arange(40) }) });
    const children = [await fork(0), await fork(1), await fork(2)];
    for (const [index, child] of children.entries()) {
      child.send(run.run, taskOf({ index, start: 10 * index, stop: 10 * index + 10 }));
    }
    await Promise.all(children.map((child) => child.next('done')));
    for (const [index, child] of children.entries()) {
      expect(run.read(`task_index=${String(index)}.txt`).split('\n')[9]).toBe(
        `${String(10 * index + 9)}   ${String(20 * index + 18)}`,
      );
      child.send({ type: 'exit' });
    }
    const ended = [await host.next('ended'), await host.next('ended'), await host.next('ended')];
    expect(ended.map(({ id }) => id).sort()).toEqual([0, 1, 2]);
  });

  testWith('python3', 'leads a process group, and its end by a signal is reported', async () => {
    const { host, fork } = nursery(modelOf(FOREVER));
    const run = newRun({ space: spaceOf({ x: [1] }) });
    const child = await fork(3);
    child.send(run.run, taskOf({ stop: 1 }));
    await until('the start', () => run.records('events.jsonl').length > 0);
    process.kill(-child.pid, 'SIGKILL');
    expect(await host.next('ended')).toMatchObject({
      type: 'ended',
      id: 3,
      exitCode: null,
      signal: 'SIGKILL',
    });
    expect(isAlive(child.pid)).toBe(false);
  });

  testWith('python3', 'is reported with the exit code that the model gave it', async () => {
    const { host, fork } = nursery(modelOf('import os\ndef f(x):\n    os._exit(5)\n'));
    const child = await fork(4);
    child.send(newRun({ space: spaceOf({ x: [1] }) }).run, taskOf({ stop: 1 }));
    expect(await host.next('ended')).toMatchObject({ type: 'ended', id: 4, exitCode: 5, signal: null });
  });

  testWith('python3', 'ends when its socket closes', async () => {
    const { host, fork } = nursery(modelOf(DOUBLE));
    const idle = await fork(1);
    idle.socket.destroy();
    expect(await host.next('ended')).toMatchObject({ id: 1, exitCode: 1 });
    const busy = await fork(2);
    busy.send(newRun({ space: spaceOf({ x: arange(1e9) }) }).run, taskOf({ stop: 1e9 }));
    await busy.next('layout');
    busy.socket.destroy();
    expect(await host.next('ended')).toMatchObject({ id: 2, exitCode: 1 });
  });

  testWith('python3', 'is killed with all that it started when the coordinator dies', async () => {
    const source = `
import os, subprocess, time
def f(x):
    program = subprocess.Popen(['sleep', '1000'])
    with open(PID, 'w') as file:
        file.write('%d\\n' % program.pid)
    while True:
        time.sleep(1)
`;
    const file = join(newFolder(), 'pid');
    const { host, fork } = nursery(modelOf(`PID = ${JSON.stringify(file)}\n${source}`));
    const run = newRun({ space: spaceOf({ x: [1] }) });
    const child = await fork(1);
    const other = await fork(2);
    child.send(run.run, taskOf({ stop: 1 }));
    await until('the program', () => existsSync(file) && readFileSync(file, 'utf8').endsWith('\n'));
    const pids = [child.pid, other.pid, Number(readFileSync(file, 'utf8'))];
    expect(pids.map(isAlive)).toEqual([true, true, true]);
    host.hangUp();
    expect((await host.ended).exitCode).toBe(1);
    // Whoever inherits them reaps them, which may take a moment.
    await until('their end', () => !pids.some(isRunning));
  });

  testWith(
    'python3',
    'does not run what the model left to do at the end of the loading process',
    async () => {
      const source = `import atexit\natexit.register(print, 'at the end', flush=True)\n${DOUBLE}`;
      const { host, fork } = nursery(modelOf(source));
      const child = await fork(1);
      child.send({ type: 'exit' });
      await host.next('ended');
      expect(host.output()).toBe('');
      host.send({ type: 'exit' });
      expect((await host.ended).output).toBe('at the end\n');
    },
  );

  testWith('python3', 'leaves the processes of the model to the model', async () => {
    const source = `
import subprocess
def f(x):
    return [subprocess.run(['sh', '-c', 'exit %d' % x]).returncode for _ in range(3)]
`;
    const { host, fork } = nursery(modelOf(source));
    const run = newRun({ space: spaceOf({ x: arange(3) }) });
    const child = await fork(1);
    child.send(run.run, taskOf({ index: 1, stop: 3 }));
    // The server itself, with its own watch of children, does as well.
    host.send(run.run, taskOf({ index: 2, stop: 3 }));
    await Promise.all([child.next('done'), host.next('done')]);
    const expected = '0   0   0   0   \n1   1   1   1   \n2   2   2   2   \n';
    expect([1, 2].map((task) => run.read(`task_index=${String(task)}.txt`))).toEqual([expected, expected]);
  });
});
