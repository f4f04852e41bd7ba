import { spawn, type ChildProcess } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { FanfoldError } from '../../errors.js';
import { DRAIN_MS, LAST_WORDS_CHARACTERS } from '../../host/last-words.js';
import type { Command, Report } from '../../host/protocol.js';
import { describeSignal } from '../../run/verdict.js';
import { killGroup } from '../../process-group.js';
import { hearReports } from './hear-reports.js';
import { withMark } from '../../host-mark.js';
import { processTree, type ProcessTree } from './process-tree.js';
import { queue } from './queue.js';
import type { Reaper } from './reaper.js';
import { endedChildrenSeconds, type Usage } from '../../host/usage.js';

/** How a process ended. */
export interface Death {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The end of what it wrote on its standard error, such as V8's last words. */
  readonly lastWords: string;
  readonly usage?: Usage;
  /** What it did that it was ended for, where that is so. */
  readonly fault?: string;
}

/** Takes what a process writes. */
export type OutputSink = (bytes: Buffer, stream: 'stdout' | 'stderr') => void;

/** A running host, as its coordinator holds it. */
export interface HostProcess {
  /** 0 for one that is yet to be forked. */
  readonly pid: number;
  /** What everything under it bears in its environment. */
  readonly mark: string;
  /** It and everything under it; undefined before it has a number. */
  readonly tree: ProcessTree | undefined;
  /** Resolves once `pid` is known, or never will be. */
  readonly started: Promise<unknown>;
  /** By performance.now. */
  readonly startedMs: number;
  /** True once it was told to load a worker. */
  readonly hasLoaded: boolean;
  /**
   * Says where what it writes past its own log goes, such as a native library's output, and what it wrote before it was
   * asked to do anything; its end is in `lastWords` anyway.
   */
  readonly divert: (sink: OutputSink) => void;
  /** Sends commands, all in one writing. */
  send(...commands: readonly Command[]): void;
  /** The next report, in order; a Death once there are no more. */
  next(): Promise<Report | Death>;
  /** Asks it to end, and waits for that. */
  exit(): Promise<void>;
  /** Whether this process stays alive for it. It does at first. */
  hold(isHeld: boolean): void;
  /** Ends it and everything under it: at once, or by another signal than SIGKILL. */
  readonly kill: (signal?: NodeJS.Signals) => void;
}

export interface HostOptions {
  /** The program and its arguments. */
  readonly program: readonly [string, ...string[]];
  readonly env: NodeJS.ProcessEnv;
  readonly reaper: Reaper;
  /** It forks other hosts, which don't end with it. */
  readonly isServer?: boolean;
  readonly onEnd: () => void;
}

/** The host of everything but Python functions. */
export const NODE_HOST = [process.execPath, fileURLToPath(new URL('host.cjs', import.meta.url))] as const;

/** Of the last words, as many are shown: a crash's traceback in Python has our own frames after the worker's. */
const MOST_WORDS = 2000;
/** A library that hangs while its process exits, as some do that drive graphics cards, must not hold up the fold. */
const EXIT_MS = 2000;

let hostsStarted = 0;

/** Starts a host in a process group of its own, so that its children end with it. */
export function startHost({ program, env, reaper, isServer = false, onEnd }: HostOptions): HostProcess {
  const mark = `${reaper.token}.${String(hostsStarted++)}`;
  const [file, ...args] = program;
  const child = spawn(file, args, {
    env: withMark(env, mark),
    detached: process.platform !== 'win32',
    // 3 carries reports, 4 commands; standard input is the worker's, and empty.
    stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
    windowsHide: true,
  });
  child.on('error', ignore);
  // What ended before is not this one's.
  endedChildrenSeconds();
  const { pid } = child;
  if (pid === undefined) throw notStarted();
  const tree = isServer ? undefined : processTree(pid, mark);
  reaper.watch(pid);
  const early: Parameters<OutputSink>[] = [];
  let output: OutputSink = (...written) => void early.push(written);
  const lastWords = listen(child, (bytes, stream) => {
    output(bytes, stream);
  });
  const inbox = queue<Report | Death>();
  let fault: string | undefined;
  hearReports(child.stdio[3] as Readable, inbox.push, (words) => {
    fault = words;
    killGroup(pid, 'SIGKILL');
  });
  let isEnded = false;
  const ended = whenEnded(child).then(async (end) => {
    isEnded = true;
    endTree(pid, tree, end);
    reaper.forget(pid);
    await whenClosed([child.stdout, child.stderr]);
    // A daemon that the worker left may hold the other end for ever.
    for (const stream of child.stdio) stream?.destroy();
    onEnd();
    inbox.push({ ...end, lastWords: lastWords(), ...(fault === undefined ? {} : { fault }) });
  });
  const commands = child.stdio[4] as Writable;
  // Its end is reported by `next`; a command that it could not read any more is of no use.
  commands.on('error', ignore);
  let hasLoaded = false;
  const send = (...sent: readonly Command[]): void => {
    hasLoaded ||= sent.some(({ type }) => type === 'load');
    commands.write(sent.map((command) => `${JSON.stringify(command)}\n`).join(''));
  };
  const host: HostProcess = {
    pid,
    mark,
    tree,
    started: Promise.resolve(),
    startedMs: performance.now(),
    get hasLoaded() {
      return hasLoaded;
    },
    divert: (sink) => {
      output = sink;
      for (const written of early.splice(0)) sink(...written);
    },
    send,
    next: inbox.next,
    exit: () => endInTime(host, ended),
    hold: (isHeld) => {
      for (const handle of [child, ...child.stdio] as ({ ref(): void; unref(): void } | null)[]) {
        if (isHeld) handle?.ref();
        else handle?.unref();
      }
    },
    kill: (signal = 'SIGKILL') => {
      if (isEnded) return;
      if (signal === 'SIGKILL' && tree !== undefined) tree.kill();
      else killGroup(pid, signal);
    },
  };
  return host;
}

/**
 * Ends what a host that has ended has left. After one that ended in good order, or was not alone in its tree, only its group is
 * looked at, for that takes no time; the rest ends with the run.
 */
export function endTree(
  pid: number,
  tree: ProcessTree | undefined,
  { exitCode }: Pick<Death, 'exitCode'>,
): void {
  if (exitCode === 0 || tree === undefined) killGroup(pid);
  else tree.kill();
}

/** Asks a host to end, and waits for that; one that does not is killed. */
export async function endInTime(host: HostProcess, ended: Promise<unknown>): Promise<void> {
  host.send({ type: 'exit' });
  const timer = setTimeout(() => {
    host.kill();
  }, EXIT_MS);
  try {
    await ended;
  } finally {
    clearTimeout(timer);
  }
}

export function isDeath(report: Report | Death): report is Death {
  return !('type' in report);
}

/** A death in words: `killed by SIGKILL, often the out-of-memory killer`. */
export function describeDeath({ exitCode, signal, lastWords, fault }: Death): string {
  if (fault !== undefined) return fault;
  const words = lastWords.trim();
  return `Its process ended${causeOf(exitCode, signal)}.${words === '' ? '' : ` It wrote: ${words.slice(-MOST_WORDS)}`}`;
}

// --- internal ---

function causeOf(exitCode: number | null, signal: NodeJS.Signals | null): string {
  if (signal !== null) return ` by ${describeSignal(signal)}`;
  if (exitCode !== null) return ` by exit status ${String(exitCode)}`;
  return ', how is not known: the process that had forked it ended before';
}

function listen(child: ChildProcess, onOutput: OutputSink): () => string {
  let tail = '';
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.on('data', (bytes: Buffer) => {
      tail = (tail + bytes.toString('utf8')).slice(-LAST_WORDS_CHARACTERS);
      onOutput(bytes, name);
    });
  }
  return () => tail;
}

/** The process has ended and its reports are read. Death by a signal leaves `exitCode` null. */
function whenEnded(child: ChildProcess): Promise<Omit<Death, 'lastWords'>> {
  return new Promise((resolve) => {
    child.once('exit', (exitCode, signal) => {
      const processorSeconds = endedChildrenSeconds();
      const usage = processorSeconds === undefined ? {} : { processorSeconds };
      void whenClosed([child.stdio[3] as Readable]).then(() => {
        resolve({ exitCode, signal, usage });
      });
    });
  });
}

/** What a process had written before it ended is read. */
function whenClosed(streams: readonly (Readable | null)[]): Promise<void> {
  const open = streams.filter((stream) => stream !== null && !stream.readableEnded && !stream.destroyed);
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, open.length === 0 ? 0 : DRAIN_MS);
    void Promise.all(open.map((stream) => new Promise((close) => stream?.once('close', close)))).then(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function ignore(): void {
  // What matters of it is seen elsewhere.
}

function notStarted(): FanfoldError {
  return new FanfoldError(
    'FANFOLD_HOST',
    'A process could not be started, most likely for want of processes, memory or open files (see ulimit -a). Use fewer --jobs.',
    { exitCode: 1 },
  );
}
