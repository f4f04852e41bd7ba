import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { readLines } from '../lines.js';
import { own, temporaryPlace } from '../own-error.js';
import { endedChildrenSeconds, usageOf } from '../usage.js';
import { endOf, type MeasuredEnd, type ProcessEnd } from './command-error.js';
import { watchPeakMemory } from './peak-memory.js';

/** One process to start. */
export interface Launch {
  /** The program's absolute path, then its arguments. */
  readonly words: readonly string[];
  /** Environment variables of its own; undefined takes one away. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether it reads `Files.stdin`; otherwise its standard input is empty. */
  readonly hasInput: boolean;
  /** Whether exit status 137 and death by SIGKILL are told apart. A shell can't do that, so it takes twice as long. */
  readonly isExact: boolean;
}

/** Paths of the files that stand for a process's standard streams; what it prints is appended. */
export interface Files {
  readonly stdin: string;
  readonly stdout: string;
  readonly stderr: string;
}

/** The shell died, so that how its command ends can't be known. */
export class LostError extends Error {
  readonly end: ProcessEnd;

  constructor(end: ProcessEnd) {
    super(`The shell that starts commands ended by ${end.signal ?? `exit status ${String(end.status)}`}.`);
    this.end = end;
  }
}

/** Starts one process after another. */
export interface Launcher {
  /**
   * Runs a process to its end.
   * @throws Error of the system where it can't be started, or an OwnError where its files can't be opened
   */
  run(launch: Launch): Promise<MeasuredEnd>;
  close(): void;
}

/**
 * A launcher of commands with the given standard streams.
 *
 * Node copies its own tables for every process it starts, which takes twice as long as a small program does. So a shell
 * starts them; it is sent words line by line, and only ever reads them as data: nothing of them is evaluated.
 * @param folder where the commands run
 * @param program the shell
 */
export function launcher(files: Files, folder: string, program = ['/bin/sh']): Launcher {
  let shell: Shell | undefined;
  return {
    run: (launch) => {
      if (process.platform === 'win32' || launch.isExact || !fitsShell(launch))
        return runDirectly(launch, files, folder);
      if (shell === undefined || shell.hasEnded()) shell = startShell(files, folder, program);
      return shell.run(launch);
    },
    close: () => shell?.close(),
  };
}

// --- internal ---

/** A long request is read byte by byte, so it is no gain; one with a newline, or an odd name, can't be sent. */
const MOST_REQUEST_CHARACTERS = 4096;

// A constant program. Its variables have long names, for a variable that the user exports is exported with ours' value.
// The traps keep it alive while a signal to all processes of a job lets the command end; a command doesn't inherit them.
const PROGRAM = `
trap : HUP INT TERM
fanfold_stdout=$1
fanfold_stderr=$2
fanfold_stdin=$3
while IFS= read -r fanfold_count; do
  set --
  while [ "$fanfold_count" -gt 0 ]; do
    IFS= read -r fanfold_line || exit
    set -- "$@" "$fanfold_line"
    fanfold_count=$((fanfold_count - 1))
  done
  IFS= read -r fanfold_count || exit
  while [ "$fanfold_count" -gt 0 ]; do
    IFS= read -r fanfold_line || exit
    case $fanfold_line in
      *=*) export "$fanfold_line" ;;
      *) unset "$fanfold_line" ;;
    esac
    fanfold_count=$((fanfold_count - 1))
  done
  IFS= read -r fanfold_in || exit
  if [ "$fanfold_in" ]; then fanfold_in=$fanfold_stdin; else fanfold_in=/dev/null; fi
  "$@" <"$fanfold_in" >>"$fanfold_stdout" 2>>"$fanfold_stderr"
  fanfold_line=$?
  times
  echo "$fanfold_line"
done
`;

interface Shell {
  run(launch: Launch): Promise<MeasuredEnd>;
  hasEnded(): boolean;
  close(): void;
}

function startShell(files: Files, folder: string, [program = '', ...args]: readonly string[]): Shell {
  const child = spawn(program, [...args, '-c', PROGRAM, 'sh', files.stdout, files.stderr, files.stdin], {
    cwd: folder,
    env: process.env,
    // What it says itself, such as "Killed", belongs to the log of the task.
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  return talkTo(child);
}

function talkTo(child: ChildProcessByStdio<Writable, Readable, null>): Shell {
  let waiting: { resolve: (status: number) => void; reject: (error: Error) => void } | undefined;
  let isOver = false;
  /** Of all commands so far. */
  let seconds = 0;
  const sent = new Map<string, string | undefined>();
  const end = (error: Error): void => {
    isOver = true;
    waiting?.reject(error);
    waiting = undefined;
  };
  readLines(child.stdout, (line) => {
    // Before each status stand two lines of times: the shell's own, and those of its commands.
    if (line.includes('m')) {
      seconds = readTimes(line);
      return;
    }
    waiting?.resolve(Number(line));
    waiting = undefined;
  });
  child.once('error', end);
  child.once('exit', (status, signal) => {
    end(new LostError({ status, signal }));
  });
  // Its end is told by the exit.
  child.stdin.on('error', () => undefined);
  return {
    run: async (launch) => {
      const peak = watchPeakMemory(child.pid ?? 0, { isItself: false });
      const secondsBefore = seconds;
      try {
        const status = await new Promise<number>((resolve, reject) => {
          waiting = { resolve, reject };
          child.stdin.write(requestText(launch, sent));
        });
        return { ...endOf(status, null), usage: usageOf(peak.bytes(), seconds - secondsBefore) };
      } finally {
        peak.close();
      }
    },
    hasEnded: () => isOver,
    close: () => {
      child.stdin.end();
    },
  };
}

/** Reads a line that the shell's `times` prints, such as `1m2.345s 0m0.010s`, of the user and of the system. */
export function readTimes(line: string): number {
  return [...line.matchAll(/(\d+)m([\d.,]+)s/g)].reduce(
    (sum, [, minutes, seconds = '']) => sum + 60 * Number(minutes) + Number(seconds.replace(',', '.')),
    0,
  );
}

/** @param sent the variables that the shell has, which need not be sent again: it reads byte by byte */
function requestText({ words, env, hasInput }: Launch, sent: Map<string, string | undefined>): string {
  const assignments: string[] = [];
  for (const [name, value] of Object.entries(env)) {
    if (sent.has(name) && sent.get(name) === value) continue;
    sent.set(name, value);
    assignments.push(value === undefined ? name : `${name}=${value}`);
  }
  return [
    String(words.length),
    ...words,
    String(assignments.length),
    ...assignments,
    hasInput ? 'input' : '',
    '',
  ].join('\n');
}

function fitsShell({ words, env }: Launch): boolean {
  const names = Object.keys(env);
  if (!names.every((name) => /^[A-Za-z_]\w*$/.test(name))) return false;
  const texts = [...words, ...Object.values(env)].filter((text) => text !== undefined);
  const length = texts.reduce((sum, text) => sum + text.length, 0);
  return length < MOST_REQUEST_CHARACTERS && !texts.some((text) => /[\n\0]/.test(text));
}

async function runDirectly(
  { words, env, hasInput, isExact }: Launch,
  files: Files,
  folder: string,
): Promise<MeasuredEnd> {
  const [program = '', ...args] = words;
  const streams = own(
    () =>
      [
        hasInput ? openSync(files.stdin, 'r') : 'ignore',
        openSync(files.stdout, 'a'),
        openSync(files.stderr, 'a'),
      ] as const,
    temporaryPlace(dirname(files.stdout)),
  );
  try {
    endedChildrenSeconds();
    const child = spawn(program, args, {
      cwd: folder,
      env: { ...process.env, ...env },
      stdio: [...streams],
      windowsHide: true,
    });
    const peak = watchPeakMemory(child.pid ?? 0, { isItself: true });
    const end = await new Promise<ProcessEnd>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (status, signal) => {
        resolve(isExact ? { status, signal } : endOf(status, signal));
      });
    }).finally(peak.close);
    return { ...end, usage: usageOf(peak.bytes(), endedChildrenSeconds()) };
  } finally {
    for (const stream of streams) if (stream !== 'ignore') closeSync(stream);
  }
}
