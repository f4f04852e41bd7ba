import { execa, type Options, type ResultPromise } from 'execa';
import fs from 'fs-extra';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from '@jest/globals';
import type { Certificate } from '../../src/run/certificate.js';

/** The built command. */
export const COMMAND = join(process.cwd(), 'dist', 'cli.cjs');
export const WORKERS = join(process.cwd(), 'workers');
export const GOLDEN = join(process.cwd(), 'test', 'golden');

const folders: string[] = [];
const running = new Set<ResultPromise>();

afterAll(async () => {
  // A test that failed may have left its command waiting for something.
  for (const command of running) command.kill('SIGKILL');
  await Promise.all(folders.map((folder) => fs.remove(folder)));
});

/** A new temporary folder, removed after the tests of the file. */
export function temporaryFolder(prefix = 'fanfold-test-'): string {
  const folder = fs.mkdtempSync(join(tmpdir(), prefix));
  folders.push(folder);
  return folder;
}

/** Starts the command the way a user does. */
export function start(args: readonly string[], options: Options = {}): ResultPromise {
  const command = execa(process.execPath, [COMMAND, ...args], {
    reject: false,
    stripFinalNewline: false,
    ...options,
    env: { CI: 'true', ...options.env },
  }) as ResultPromise;
  running.add(command);
  void command.finally(() => running.delete(command));
  return command;
}

export interface Ended {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command to its end. */
export async function fanfold(args: readonly string[], options: Options = {}): Promise<Ended> {
  const { exitCode, stdout, stderr } = await start(args, options);
  return { exitCode, stdout: String(stdout), stderr: String(stderr) };
}

/** Fails with what a command said where it did not end with that code. */
export function expectExit(
  { exitCode, stderr }: Partial<Record<'exitCode' | 'stderr', unknown>>,
  wanted: number,
): void {
  if (exitCode !== wanted)
    throw new Error(`Expected exit code ${String(wanted)}, got ${String(exitCode)}: ${String(stderr)}`);
}

/** Writes a worker into a folder and gives its path. */
export function writeWorker(folder: string, name: string, code: string): string {
  const path = join(folder, name);
  fs.outputFileSync(path, code);
  return path;
}

export function read(...parts: string[]): string {
  return fs.readFileSync(join(...parts), 'utf8');
}

interface EventRecord {
  readonly event: string;
  readonly task: number;
  readonly pid: number;
  readonly time: number;
  readonly seconds: number;
  readonly points: number;
}

/** The records of `events.jsonl` of one kind. */
export function events(directory: string, kind: string): EventRecord[] {
  return read(directory, 'events.jsonl')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as EventRecord)
    .filter(({ event }) => event === kind);
}

/** Waits until a condition holds, and says what was waited for where it never does. */
interface Failure {
  readonly index: number;
  readonly attempt: number;
  readonly time: number;
  readonly certificate?: Certificate;
  readonly error: string;
  readonly stack?: string;
}

/** The lines of a run's failures.jsonl. */
export function failures(directory: string): Failure[] {
  const lines = read(directory, 'failures.jsonl').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as Failure);
}

/** Whole lines in all task files of a run, under way or finished. */
export function doneLines(directory: string): number {
  if (!fs.existsSync(directory)) return 0;
  return fs
    .readdirSync(directory)
    .filter((name) => /^task_index=\d+\.txt(?:\.part)?$/.test(name))
    .reduce((sum, name) => sum + readOrNothing(join(directory, name)).split('\n').length - 1, 0);
}

export async function until(what: string, holds: () => boolean, timeoutMs = 20_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`Waited ${String(timeoutMs)} ms in vain for ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Waits until a condition holds while a command runs, and says how it ended where it did before that. */
export async function untilIn(
  run: ReturnType<typeof start>,
  what: string,
  holds: () => boolean,
): Promise<void> {
  let end: Ended | undefined;
  void run.then(
    ({ exitCode, stdout, stderr }) => (end = { exitCode, stdout: String(stdout), stderr: String(stderr) }),
    () => undefined,
  );
  await until(
    what,
    () => {
      if (holds()) return true;
      if (end === undefined) return false;
      throw new Error(
        `The command ended with ${String(end.exitCode)} before ${what}, and said: ${end.stderr}`,
      );
    },
    60_000,
  );
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A zombie has ended, whatever its parent has yet to read of it.
    const status = fs.existsSync(`/proc/${String(pid)}/stat`)
      ? fs.readFileSync(`/proc/${String(pid)}/stat`, 'utf8')
      : '';
    return !/\) Z /.test(status);
  } catch {
    return false;
  }
}

/** A part may be renamed between the listing and the reading. */
function readOrNothing(path: string): string {
  try {
    return read(path);
  } catch {
    return '';
  }
}
