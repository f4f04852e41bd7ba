import type { Socket } from 'node:net';
import { DRAIN_MS } from '../../host/last-words.js';
import type { Command, Report } from '../../host/protocol.js';
import { deferred } from '../../deferred.js';
import { endInTime, endTree, type Death, type HostProcess } from './host-process.js';
import { killGroup } from '../../process-group.js';
import { hearReports } from './hear-reports.js';
import { processTree, type ProcessTree } from './process-tree.js';
import { queue } from './queue.js';
import type { Reaper } from './reaper.js';

/** What a fork says first. */
export type Hello = Extract<Report, { type: 'hello' }>;

/** A host that another one, the server, forked: what is known of it comes by its socket and from its parent. */
export interface ForkedHost extends HostProcess {
  /** It has been forked. */
  begin(pid: number): void;
  /** It has connected. */
  connect(hello: Hello, connection: Socket): void;
  /** Its server said something while it may not be there yet. */
  hear(report: Report): void;
  /** Its parent tells how it ended. */
  end(death: Death): void;
  /** Its parent has died: one that has connected goes on. */
  orphan(death: Death): void;
  readonly ended: Promise<void>;
}

export interface ForkOptions {
  readonly id: number;
  readonly reaper: Reaper;
  readonly startedMs: number;
  /** What it prints past its own log comes by its server's pipes. */
  readonly server: HostProcess;
}

export function forkedHost({ id, reaper, startedMs, server }: ForkOptions): ForkedHost {
  // As the fork itself makes it.
  const mark = `${server.mark}.${String(id)}`;
  let tree: ProcessTree | undefined;
  const inbox = queue<Report | Death>();
  const early: string[] = [];
  let pid = 0;
  let connection: Socket | undefined;
  let closed: Promise<unknown> = Promise.resolve();
  let fault: string | undefined;
  let isKilled = false;
  let isEnded = false;
  const started = deferred<undefined>();
  const ended = deferred<undefined>();
  const send = (...commands: readonly Command[]): void => {
    const lines = commands.map((command) => `${JSON.stringify(command)}\n`).join('');
    if (connection === undefined) early.push(lines);
    else connection.write(lines);
  };
  const host: ForkedHost = {
    get pid() {
      return pid;
    },
    mark,
    get tree() {
      return tree;
    },
    started: started.promise,
    startedMs,
    hasLoaded: true,
    divert: server.divert,
    send,
    // Its parent holds the process.
    hold: () => undefined,
    next: inbox.next,
    ended: ended.promise,
    begin: (number) => {
      if (pid !== 0) return;
      pid = number;
      tree = processTree(pid, mark);
      if (isKilled) tree.kill();
      else reaper.watch(pid);
      started.resolve(undefined);
    },
    connect: (hello, socket) => {
      host.begin(hello.pid);
      connection = socket;
      closed = new Promise((resolve) => socket.once('close', resolve));
      inbox.push(hello);
      hearReports(socket, inbox.push, (words) => {
        fault = words;
        killGroup(pid);
      });
      for (const line of early.splice(0)) socket.write(line);
    },
    hear: (report) => {
      if (connection === undefined) inbox.push(report);
    },
    end: (death) => {
      if (isEnded) return;
      isEnded = true;
      started.resolve(undefined);
      if (pid !== 0) {
        endTree(pid, tree, death);
        reaper.forget(pid);
      }
      // Its last reports are read first; a child of its own may hold the socket for ever.
      const drained = new Promise((resolve) => setTimeout(resolve, DRAIN_MS).unref());
      void Promise.race([closed, drained]).then(() => {
        connection?.destroy();
        inbox.push(fault === undefined ? death : { ...death, fault });
        ended.resolve(undefined);
      });
    },
    orphan: (death) => {
      if (connection === undefined) host.end(death);
      // That it ends is seen by its socket; how, nobody is told.
      else
        void closed.then(() => {
          host.end({ exitCode: null, signal: null, lastWords: '' });
        });
    },
    exit: () => endInTime(host, ended.promise),
    kill: (signal) => {
      isKilled = true;
      if (isEnded || tree === undefined) return;
      if (signal === undefined || signal === 'SIGKILL') tree.kill();
      else killGroup(pid, signal);
    },
  };
  return host;
}
