import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Report } from '../../host/protocol.js';
import type { Crew, CrewOptions } from './crew.js';
import { forkedHost, type ForkedHost } from './forked-host.js';
import { isDeath, queue, startHost, type Death, type HostOptions, type HostProcess } from './host-process.js';
import { startReaper } from './reaper.js';

const HOST_PROGRAM = fileURLToPath(new URL('host.py', import.meta.url));

/** The program of a host that computes with Python functions; unbuffered, so that what it prints is not lost. */
export function pythonHost(interpreter: string): HostOptions['program'] {
  return [interpreter, '-u', HOST_PROGRAM];
}

/**
 * A crew of forks, after the fork server of Python's `multiprocessing`: one interpreter imports the model, and every
 * process is a fork of it, so that a heavy import is paid once. Each fork takes its commands from a Unix socket.
 */
export function startPythonCrew({
  count,
  env,
  folder,
  program,
}: CrewOptions & Pick<HostOptions, 'program'> & { folder: string }): Crew {
  const reaper = startReaper();
  const forks = new Map<number, ForkedHost>();
  const waiting: HostProcess[] = [];
  const socket = join(folder, 'forks');
  const listener = listen(socket, (id, connection) => forks.get(id)?.connect(connection));
  const server = startHost({ program, env: forkingEnvironment(env), reaper, onEnd: () => undefined });
  const inbox = queue<Report | Death>();

  let nextId = 0;
  let serverDeath: Death | undefined;
  const fork = (): HostProcess => {
    const id = nextId++;
    const host = forkedHost({ reaper, startedMs: Date.now() });
    forks.set(id, host);
    void host.ended.then(() => forks.delete(id));
    if (serverDeath === undefined) server.send({ type: 'fork', id, socket });
    else host.end(serverDeath);
    return host;
  };
  const sort = async (): Promise<void> => {
    for (;;) {
      const report = await server.next();
      if (isDeath(report)) {
        // Its forks are nobody's children now: how they end can't be told any more.
        serverDeath = report;
        for (const host of forks.values()) host.end(report);
        inbox.push(report);
        return;
      }
      if (report.type === 'forked') forks.get(report.id)?.begin(report.pid);
      else if (report.type === 'ended') forks.get(report.id)?.end({ ...report, lastWords: '' });
      else inbox.push(report);
      // Forked while the run directory is made ready, so that the first points needn't wait for it.
      if (report.type === 'checked' && report.problems.length === 0)
        while (waiting.length < count) waiting.push(fork());
    }
  };
  const sorted = sort();
  const close = (): void => {
    for (const host of forks.values()) host.kill();
    server.kill();
    listener.close();
    reaper.close();
  };
  return {
    size: count,
    load: (worker) => {
      server.send({ type: 'load', worker });
      return { ...server, hasLoaded: true, next: inbox.next };
    },
    take: () => waiting.shift() ?? fork(),
    end: async () => {
      await Promise.all(Array.from(forks.values(), (host) => host.exit()));
      await server.exit();
      await sorted;
      listener.close();
      reaper.close();
    },
    close,
  };
}

// --- internal ---

/** macOS ends a fork that uses its system's libraries, unless it is told that this was meant. */
function forkingEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { OBJC_DISABLE_INITIALIZE_FORK_SAFETY: 'YES', ...env };
}

/** Takes the connections of forks; the first line of each says whose it is. */
function listen(path: string, onFork: (id: number, connection: Socket) => void): Server {
  const listener = createServer((connection) => {
    let text = '';
    const read = (bytes: Buffer): void => {
      text += bytes.toString('latin1');
      const end = text.indexOf('\n');
      if (end < 0) return;
      connection.off('data', read);
      const hello = JSON.parse(text.slice(0, end)) as Extract<Report, { type: 'hello' }>;
      connection.unshift(Buffer.from(text.slice(end + 1), 'latin1'));
      onFork(hello.id, connection);
    };
    // A fork that dies at once closes its end; how it ended is told by the server.
    connection.on('error', () => undefined);
    connection.on('data', read);
  });
  listener.listen(path);
  return listener;
}
