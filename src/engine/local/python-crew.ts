import { mkdtempSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { FanfoldError, systemCode } from '../../errors.js';
import type { HostWorker, Report } from '../../host/protocol.js';
import type { Crew, CrewOptions } from './crew.js';
import { forkedHost, type ForkedHost, type Hello } from './forked-host.js';
import { readReport } from './hear-reports.js';
import { isDeath, startHost, type Death, type HostOptions, type HostProcess } from './host-process.js';
import { queue } from './queue.js';
import { makeTemporary, removeTemporary } from './temporary-folder.js';
import { startReaper } from './reaper.js';

const HOST_FOLDER = fileURLToPath(new URL('.', import.meta.url));

// Imported as a module, not run as a script, because of those Python keeps the compiled form, also where it is told not to
// for modules of the user's. The folder is only on the path for this.
const PROGRAM = `
import sys
folder, writes = sys.argv.pop(), sys.dont_write_bytecode
sys.path.insert(0, folder)
sys.dont_write_bytecode = False
import fanfold_host
sys.dont_write_bytecode = writes
sys.path.remove(folder)
if sys.path[:1] == ['']: del sys.path[0]
fanfold_host.main()
`;

/** The program of a host that computes with Python functions; unbuffered, so that what it prints is not lost. */
export function pythonHost(interpreter: string): HostOptions['program'] {
  return [interpreter, '-u', '-c', PROGRAM, HOST_FOLDER];
}

/**
 * A crew of forks, after the fork server of Python's `multiprocessing`: one interpreter imports the model, and every
 * process is a fork of it, so that a heavy import is paid once. Each fork takes its commands from a Unix socket. A server
 * that dies is started anew when the next fork is wanted; the forks that it made go on.
 */
export function startPythonCrew({
  count,
  env,
  folder,
  program,
}: CrewOptions & Pick<HostOptions, 'program'>): Crew {
  const reaper = startReaper();
  const forks = new Map<number, ForkedHost>();
  const waiting: HostProcess[] = [];
  const inbox = queue<Report | Death>();
  makeTemporary(folder, reaper);
  const socketFolder = shortFolder(folder);
  if (socketFolder !== folder) reaper.remove(socketFolder);
  const socket = join(socketFolder, SOCKET);
  const listener = listen(socket, (hello, connection) => {
    const host = forks.get(hello.id);
    // One that was given up: at the end of its commands it ends itself.
    if (host === undefined) connection.destroy();
    else host.connect(hello, connection);
  });
  // A file system without sockets: as if nothing could be loaded, before anything is computed.
  listener.on('error', ({ message }) => {
    const lastWords = `Its processes need a Unix socket in a temporary folder: ${message}. Set TMPDIR to another, or use --start-method spawn.`;
    inbox.push({ exitCode: null, signal: null, lastWords });
  });

  let nextId = 0;
  let worker: HostWorker | undefined;
  const load = (wanted: HostWorker): void => {
    worker = wanted;
    if (!isServing) server = serve();
    else if (!server.hasLoaded) server.send({ type: 'load', worker });
  };
  let isServing = false;
  let isClosed = false;
  let sorted = Promise.resolve();
  const serve = (): HostProcess => {
    const host = startHost({
      program,
      env: forkingEnvironment(env),
      reaper,
      isServer: true,
      onEnd: () => undefined,
    });
    isServing = true;
    if (worker !== undefined) host.send({ type: 'load', worker });
    sorted = sort(host);
    return host;
  };
  const fork = (): HostProcess => {
    if (!isServing) server = serve();
    const id = nextId++;
    const host = forkedHost({ id, reaper, startedMs: performance.now(), server });
    forks.set(id, host);
    void host.ended.then(() => forks.delete(id));
    server.send({ type: 'fork', id, socket });
    return host;
  };
  const sort = async (host: HostProcess): Promise<void> => {
    for (;;) {
      const report = await host.next();
      if (isDeath(report)) {
        isServing = false;
        for (const child of forks.values()) child.orphan(report);
        inbox.push(report);
        return;
      }
      if (report.type === 'forked') forks.get(report.id)?.begin(report.pid);
      else if (report.type === 'ended') {
        const { id, exitCode, signal, usage = {} } = report;
        forks.get(id)?.end({ exitCode, signal, lastWords: '', usage });
      } else {
        inbox.push(report);
        // What a second server says of the model is for those that wait for it.
        for (const child of forks.values()) child.hear(report);
      }
      // Forked while the run directory is made ready, so that the first points needn't wait for it.
      if (report.type === 'checked' && report.problems.length === 0)
        while (waiting.length < count) waiting.push(fork());
    }
  };
  let server = serve();
  const cleanUp = (): void => {
    listener.close();
    // Removed here, and by who made it: two at once would trip over each other.
    for (const path of new Set([folder, socketFolder])) removeTemporary(path, reaper);
    reaper.close();
  };
  return {
    size: count,
    load: (wanted) => {
      load(wanted);
      return { ...server, hasLoaded: true, next: inbox.next };
    },
    take: (wanted) => {
      // Nobody has looked at a worker whose run seemed to be complete.
      if (worker === undefined) load(wanted);
      return waiting.shift() ?? fork();
    },
    end: async () => {
      await Promise.all(Array.from(forks.values(), (host) => host.exit()));
      await server.exit();
      await sorted;
      cleanUp();
    },
    get isClosed() {
      return isClosed;
    },
    close: () => {
      isClosed = true;
      for (const host of forks.values()) host.kill();
      server.kill();
      cleanUp();
    },
  };
}

// --- internal ---

const SOCKET = 'forks';
/** The address of a Unix socket has 104 bytes on macOS and 108 on Linux, its end included. */
const LONGEST_ADDRESS = 103;

/** A folder whose path leaves room for the name of a socket: the given one, or a new one in /tmp. */
function shortFolder(folder: string): string {
  if (Buffer.byteLength(join(folder, SOCKET)) <= LONGEST_ADDRESS) return folder;
  try {
    return mkdtempSync('/tmp/fanfold-');
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    throw new FanfoldError(
      'FANFOLD_IO',
      `Expected a folder for temporary files whose path has less than ${String(LONGEST_ADDRESS)} bytes, for it holds a Unix socket, got ${folder}, and /tmp can't be written. Set TMPDIR, or use --start-method spawn.`,
    );
  }
}

/** macOS ends a fork that uses its system's libraries, unless it is told that this was meant. */
function forkingEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { OBJC_DISABLE_INITIALIZE_FORK_SAFETY: 'YES', ...env };
}

const MOST_HELLO_CHARACTERS = 1000;

/** Takes the connections of forks; the first line of each says whose it is. */
function listen(path: string, onFork: (hello: Hello, connection: Socket) => void): Server {
  const listener = createServer((connection) => {
    let text = '';
    const read = (bytes: Buffer): void => {
      text += bytes.toString('latin1');
      const end = text.indexOf('\n');
      if (end < 0 && text.length < MOST_HELLO_CHARACTERS) return;
      connection.off('data', read);
      const hello = readReport(text.slice(0, Math.max(end, 0)));
      if (hello?.type !== 'hello') {
        // No fork of ours.
        connection.destroy();
        return;
      }
      connection.unshift(Buffer.from(text.slice(end + 1), 'latin1'));
      onFork(hello, connection);
    };
    // A fork that dies at once closes its end; how it ended is told by the server.
    connection.on('error', () => undefined);
    connection.on('data', read);
  });
  listener.listen(path);
  return listener;
}
