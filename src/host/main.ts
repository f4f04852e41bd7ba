import { messageOf, systemCode } from '../errors.js';
import { readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { writeAll } from '../run/atomic-file.js';
import { appendRecord } from '../run/journal.js';
import { runPaths } from '../run/paths.js';
import type { RunEvent } from '../run/records.js';
import { SupersededError } from '../run/slice-file.js';
import type { Axis } from '../space/axis.js';
import { needsPoints, spaceFrom } from '../space/definition.js';
import { parsePoints } from '../space/points-columns.js';
import type { Space } from '../space/space.js';
import { computer } from './compute.js';
import { readLines } from './lines.js';
import { refuseIfLost } from './holding.js';
import { OwnError } from './own-error.js';
import {
  decodePoint,
  type Command,
  type HostWorker,
  type Report,
  type RunJob,
  type TaskJob,
  type WorkerCommand,
} from './protocol.js';
import { problemsOf } from './schema.js';
import { redirectOutput } from './task-log.js';
import { computeTask, type TaskOptions, type Telling } from './task.js';
import { loadWorker, type LoadedWorker } from './worker-module.js';

// The program of a child process: loads the worker, computes tasks one after another, writes their files.

/** The pipe that carries reports to the coordinator. */
const REPORTS = 3;
/** The pipe that brings commands. Not standard input, which a worker or its children may read. */
const COMMANDS = 4;

interface Run {
  readonly job: RunJob;
  readonly space: Space;
  readonly fixed: readonly Axis[];
}

const { use: useLog, log, write: writeLog } = redirectOutput();
const stop = new AbortController();
let loaded: LoadedWorker | undefined;
let run: Run | undefined;

let pending: Promise<void> = Promise.resolve();
const commands = new Socket({ fd: COMMANDS, readable: true, writable: false });
readLines(commands, (line) => {
  const command = readCommand(line);
  // A stop must be seen while a task runs; everything else waits for its turn.
  if (command === undefined) breakDown(new Error('What came on the pipe of commands is none.'));
  else if (command.type === 'stop') stop.abort();
  else pending = pending.then(() => obey(command)).catch(breakDown);
});
// The coordinator is gone: its reaper ends this process too, but only where there is one.
commands.on('close', () => process.exit(1));

// A signal to all processes of a job, as schedulers send it, is the coordinator's to answer: it lets points finish.
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
for (const signal of SIGNALS) process.on(signal, leaveToCoordinator);

// --- internal ---

function readCommand(line: string): Command | undefined {
  try {
    const command: unknown = JSON.parse(line);
    return typeof command === 'object' && command !== null && 'type' in command
      ? (command as Command)
      : undefined;
  } catch {
    return undefined;
  }
}

async function obey(command: Exclude<Command, { type: 'stop' }>): Promise<void> {
  switch (command.type) {
    case 'load':
      loaded = await load(command.worker);
      break;
    case 'check': {
      const { schema } = required(loaded);
      report({
        type: 'checked',
        problems:
          schema === undefined ? [] : problemsOf(schema, command.names, command.points.map(decodePoint)),
      });
      break;
    }
    case 'run':
      run = openRun(command.job);
      break;
    case 'task':
      await runTask(command.task, required(run), required(loaded));
      break;
    case 'call': {
      const { makeCalls } = await import('./call.js');
      // Calls leave nothing that could be kept: here a signal means what it means to any process.
      for (const signal of SIGNALS) process.off(signal, leaveToCoordinator);
      report(await makeCalls(command, required(loaded).run as (...args: unknown[]) => unknown));
      break;
    }
    case 'fork':
      throw new Error('Only a Python host forks.');
    case 'exit':
      await loaded?.close?.();
      process.exit(0);
    default:
      throw new Error('A command of an unknown type was sent.');
  }
}

async function load(found: HostWorker): Promise<LoadedWorker | undefined> {
  try {
    if (found.kind === 'python') throw new Error('A Python worker was sent to a host of node.');
    const worker = found.kind === 'module' ? await loadWorker(found) : await loadCommand(found);
    const { columns } = worker;
    report({
      type: 'loaded',
      hasSchema: worker.schema !== undefined,
      ...(columns === undefined ? {} : { columns }),
    });
    return worker;
  } catch (error) {
    report({ type: 'refused', message: describeLoadError(error) });
    return undefined;
  }
}

/** Loaded only by a host that needs it, as all that starts processes. */
async function loadCommand(command: WorkerCommand): Promise<LoadedWorker> {
  if (command.spec.stream) {
    const { streamWorker } = await import('./command/stream-worker.js');
    return streamWorker(command, writeLog);
  }
  const { commandWorker } = await import('./command/command-worker.js');
  return commandWorker(command, writeLog);
}

function openRun(job: RunJob): Run {
  const { space: definition, fixed } = job.spec;
  const points = needsPoints(definition)
    ? parsePoints(readFileSync(runPaths(job.directory).points, 'utf8'))
    : undefined;
  return {
    job,
    space: spaceFrom(definition, points),
    fixed: spaceFrom({ groups: fixed.map((axis) => [axis]) }).axes,
  };
}

async function runTask(task: TaskJob, { job, space, fixed }: Run, worker: LoadedWorker): Promise<void> {
  const paths = runPaths(job.directory, job.spec.format, job.element);
  useLog(paths.log(task.index));
  const compute = computer({
    job,
    space,
    fixed,
    worker,
    columns: job.columns,
    taskIndex: task.index,
    signal: stop.signal,
    log,
    layout: task.layout,
    onLayout: (layout) => {
      refuseIfLost(job);
      const record: RunEvent = { event: 'layout', time: Date.now(), task: task.index, layout };
      appendRecord(paths.events, record);
      report({ type: 'layout', layout });
    },
  });
  const outcome = await computeOwn({
    job,
    task,
    computer: compute,
    signal: stop.signal,
    log: paths.log(task.index),
    tell,
  });
  useLog(undefined);
  report({ type: outcome });
}

/** Another process may take the task over: one of a coordinator that slept, say. */
async function computeOwn(options: TaskOptions): Promise<'done' | 'superseded'> {
  try {
    await computeTask(options);
    return 'done';
  } catch (error) {
    if (error instanceof SupersededError) return 'superseded';
    throw error;
  }
}

const tell: Telling = {
  begin: () => {
    report({ type: 'begin' });
  },
  point: (index) => {
    report({ type: 'point', index });
  },
  computed: () => {
    report({ type: 'computed' });
  },
  failed: (indices) => {
    report({ type: 'failed', indices });
  },
  pace: (isFast) => {
    report({ type: 'pace', isFast });
  },
  again: (index, afterMs) => {
    report({ type: 'again', index, afterMs });
  },
};

function report(message: Report): void {
  try {
    writeAll(REPORTS, Buffer.from(`${JSON.stringify(message)}\n`));
  } catch (error) {
    // The coordinator is gone, which is no failure of the point in hand.
    if (systemCode(error) === 'EPIPE') process.exit(1);
    throw error;
  }
}

function leaveToCoordinator(): void {
  // It decides.
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('The coordinator sent a task before a worker and a run.');
  return value;
}

/** The error's own words, and the first line of its stack that lies in the user's code. */
function describeLoadError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'WorkerError') return error.message;
  const place = error.stack?.split('\n').find((line) => /^\s+at /.test(line) && !line.includes('node:'));
  return `${error.name}: ${error.message}${place === undefined ? '' : `\n${place}`}`;
}

function breakDown(error: unknown): void {
  const message = messageOf(error);
  report({
    type: 'broken',
    message,
    ...(error instanceof OwnError && error.place !== undefined ? { place: error.place } : {}),
    ...(error instanceof Error && error.stack !== undefined ? { stack: error.stack } : {}),
  });
  process.exit(1);
}
