import type { Socket } from 'node:net';
import { readLines } from '../../host/lines.js';
import type { Command, Report } from '../../host/protocol.js';
import { DRAIN_MS, EXIT_MS, killGroup, queue, type Death, type HostProcess } from './host-process.js';
import type { Reaper } from './reaper.js';

/** A host that another one forked: what is known of it comes by its socket and from its parent. */
export interface ForkedHost extends HostProcess {
  /** It has been forked. */
  begin(pid: number): void;
  /** It has connected. */
  connect(connection: Socket): void;
  /** Its parent tells how it ended. */
  end(death: Death): void;
  readonly ended: Promise<void>;
}

export function forkedHost({ reaper, startedMs }: { reaper: Reaper; startedMs: number }): ForkedHost {
  const inbox = queue<Report | Death>();
  const early: string[] = [];
  let pid = 0;
  let connection: Socket | undefined;
  let closed: Promise<unknown> = Promise.resolve();
  let isKilled = false;
  let isEnded = false;
  let markEnded = (): void => undefined;
  const ended = new Promise<void>((resolve) => {
    markEnded = resolve;
  });
  const send = (...commands: readonly Command[]): void => {
    const lines = commands.map((command) => `${JSON.stringify(command)}\n`).join('');
    if (connection === undefined) early.push(lines);
    else connection.write(lines);
  };
  const host: ForkedHost = {
    get pid() {
      return pid;
    },
    startedMs,
    hasLoaded: true,
    output: () => undefined,
    send,
    // Its parent holds the process.
    hold: () => undefined,
    next: inbox.next,
    ended,
    begin: (number) => {
      pid = number;
      if (isKilled) killGroup(pid);
      else reaper.watch(pid);
    },
    connect: (socket) => {
      connection = socket;
      closed = new Promise((resolve) => socket.once('close', resolve));
      readLines(socket, (line) => {
        inbox.push(JSON.parse(line) as Report);
      });
      for (const line of early.splice(0)) socket.write(line);
    },
    end: (death) => {
      if (isEnded) return;
      isEnded = true;
      if (pid !== 0) {
        killGroup(pid);
        reaper.forget(pid);
      }
      // Its last reports are read first; a child of its own may hold the socket for ever.
      const drained = new Promise((resolve) => setTimeout(resolve, DRAIN_MS).unref());
      void Promise.race([closed, drained]).then(() => {
        connection?.destroy();
        inbox.push(death);
        markEnded();
      });
    },
    exit: () => {
      send({ type: 'exit' });
      const timer = setTimeout(() => {
        host.kill();
      }, EXIT_MS);
      return ended.finally(() => {
        clearTimeout(timer);
      });
    },
    kill: (signal) => {
      isKilled = true;
      if (!isEnded && pid !== 0) killGroup(pid, signal);
    },
  };
  return host;
}
