import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { afterAll } from '@jest/globals';
import type { DeclaredColumns, Layout } from '../../../src/format/layout.js';
import { readLines } from '../../../src/host/lines.js';
import { readRecords } from '../../../src/run/journal.js';
import { defineSpace, type SpaceDefinition } from '../../../src/space/definition.js';
import { grid, type ValuesInput } from '../../../src/space/grid.js';

const HOST = join(process.cwd(), 'src', 'host', 'python', 'host.py');
/** Another interpreter can be tried by this variable. */
export const PYTHON = process.env['FANFOLD_TEST_PYTHON'] ?? 'python3';

export type Message = Readonly<Record<string, unknown>> & { readonly type: string };

/** What sends commands to a host and takes its reports. */
export interface Wire {
  send(...commands: Message[]): void;
  /** Resolves when what was sent is in the host's pipe. */
  delivered(): Promise<void>;
  /** The next report of a type; fails where the host ends before, or breaks down. */
  next(type: string): Promise<Message>;
}

export interface PythonHost extends Wire {
  readonly process: ChildProcess;
  /** How it ended, and all that it wrote on standard output and error by then. */
  readonly ended: Promise<{ exitCode: number | null; signal: string | null; output: string }>;
  output(): string;
  /** Closes the pipe of commands, as the death of the coordinator does. */
  hangUp(): void;
}

const processes: ChildProcess[] = [];
const endings: Promise<unknown>[] = [];
const folders: string[] = [];

afterAll(async () => {
  for (const child of processes) child.kill('SIGKILL');
  await Promise.all(endings);
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'fanfold-python-'));
  folders.push(folder);
  return folder;
}

/** Starts a host as a coordinator does. */
export function startHost(env: NodeJS.ProcessEnv = {}): PythonHost {
  const child = spawn(PYTHON, ['-u', HOST], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  processes.push(child);
  const commands = child.stdio[4] as Writable;
  // A host that ends closes it; what is sent after that has nowhere to go.
  commands.on('error', () => undefined);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const ended = new Promise<Awaited<PythonHost['ended']>>((resolve) => {
    child.on('close', (exitCode, signal) => {
      resolve({ exitCode, signal, output });
    });
  });
  // Not `ended`: a forked child may hold the pipes for longer.
  endings.push(new Promise((resolve) => child.on('exit', resolve)));
  const wire = wireOf(child.stdio[3] as Readable, commands);
  return { ...wire, process: child, ended, output: () => output, hangUp: () => commands.destroy() };
}

/** Reports from one stream, commands into another. */
export function wireOf(reports: Readable, commands: Writable): Wire {
  const waiting: Message[] = [];
  const waiters: (() => void)[] = [];
  let isOver = false;
  const wake = (): void => {
    for (const waiter of waiters.splice(0)) waiter();
  };
  readLines(reports, (line) => {
    waiting.push(JSON.parse(line) as Message);
    wake();
  });
  const end = (): void => {
    isOver = true;
    wake();
  };
  reports.on('close', end).on('end', end).on('error', end);
  const next = async (type: string): Promise<Message> => {
    for (;;) {
      const position = waiting.findIndex((report) => report.type === type);
      if (position >= 0) return waiting.splice(position, 1)[0] as Message;
      const bad = waiting.find((report) => ['broken', 'refused', 'raised'].includes(report.type));
      if (bad !== undefined || isOver) {
        throw new Error(
          `Expected a report "${type}", got ${bad === undefined ? 'the end' : JSON.stringify(bad)}.`,
        );
      }
      await new Promise<void>((resolve) => {
        waiters.push(resolve);
      });
    }
  };
  return {
    send: (...sent) => {
      for (const command of sent) commands.write(`${JSON.stringify(command)}\n`);
    },
    delivered: () =>
      new Promise((resolve) => {
        commands.write('', () => {
          resolve();
        });
      }),
    next,
  };
}

/** Writes a model into a folder of its own, and gives the command that loads it. */
export function modelOf(source: string, name = 'f', file = 'model_of_test.py'): Message {
  const path = join(newFolder(), file);
  writeFileSync(path, source);
  return { type: 'load', worker: { kind: 'python', file: path, export: name } };
}

export interface JobOptions {
  readonly space: SpaceDefinition;
  readonly format?: 'txt' | 'csv' | 'jsonl';
  readonly fixed?: Readonly<Record<string, ValuesInput>>;
  readonly seed?: string;
  readonly columns?: DeclaredColumns;
}

/** A run directory without a manifest: a host reads none. */
export interface TestRun {
  readonly directory: string;
  readonly run: Message;
  read(name: string): string;
  has(name: string): boolean;
  records(name: string): Record<string, unknown>[];
}

export function spaceOf(
  parameters: Readonly<Record<string, ValuesInput>>,
  zip: string[][] = [],
): SpaceDefinition {
  return defineSpace(grid(parameters, { zip }));
}

export function newRun(options: JobOptions): TestRun {
  const directory = newFolder();
  mkdirSync(join(directory, 'logs'));
  const fixed = defineSpace(grid(options.fixed ?? {})).groups.flat();
  const spec = {
    worker: { file: 'model_of_test.py', export: 'f' },
    space: options.space,
    fixed,
    seed: options.seed ?? '0',
    slicing: 'balanced',
    tasks: 1,
    format: options.format ?? 'txt',
  };
  const columns = options.columns === undefined ? {} : { columns: options.columns };
  return {
    directory,
    run: { type: 'run', job: { directory, spec, wholeNumbers: 'int64', ...columns } },
    read: (name) => readFileSync(join(directory, name), 'utf8'),
    has: (name) => existsSync(join(directory, name)),
    records: (name) => readRecords(join(directory, name)).records as Record<string, unknown>[],
  };
}

export interface TaskOptions {
  readonly index?: number;
  readonly start?: number;
  readonly stop: number;
  readonly layout?: Layout;
  readonly isCareful?: boolean;
  readonly retryFailed?: boolean;
  readonly attempts?: Readonly<Record<number, number>>;
  readonly doomed?: readonly number[];
}

export function taskOf(options: TaskOptions): Message {
  const task = {
    index: 0,
    start: 0,
    isCareful: false,
    retryFailed: false,
    attempts: {},
    doomed: [],
    ...options,
  };
  return { type: 'task', task };
}

/** Computes one task in a host of its own, and lets that end. */
export async function computeTask(model: Message, run: TestRun, task: TaskOptions): Promise<void> {
  const host = startHost();
  host.send(model, run.run, taskOf(task));
  await host.next('done');
  host.send({ type: 'exit' });
  const { exitCode, output } = await host.ended;
  if (exitCode !== 0) throw new Error(`Expected the host to exit with 0, got ${String(exitCode)}: ${output}`);
}

/** Waits until something is so. */
export async function until(what: string, isSo: () => boolean): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!isSo()) {
    if (Date.now() > deadline) throw new Error(`Waited in vain for ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
