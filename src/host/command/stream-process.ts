import { spawn } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';
import { endOf, type ProcessEnd } from './command-error.js';
import type { WriteLog } from './output-file.js';

/** A program that stays alive: it is asked lines and answers lines. */
export interface StreamProcess {
  readonly hasEnded: () => boolean;
  /** Sends text, and waits until there are `count` lines of answers, or there will be no more. */
  ask(text: string, count: number): Promise<void>;
  /** Waits for output that nobody asked for; not long, and not at all where it has ended. */
  linger(ms: number): Promise<void>;
  /** Its next whole lines, `count` at most. */
  take(count: number): string[];
  /** What it has printed and nobody has taken, a torn line too. */
  unread(): string;
  /** How it ended. */
  end(): ProcessEnd;
  /** The end of what it wrote on its standard error. */
  lastWords(): string;
  kill(): void;
  /** Closes its standard input and lets it end by itself, for a moment. */
  close(): Promise<void>;
}

const LAST_WORDS_CHARACTERS = 4096;
/** A line longer than any result: the program prints without end. */
const MOST_CHARACTERS = 64 << 20;
/** A program that has ended is read to the end of its output; a child of its own may hold that open. */
const DRAIN_MS = 500;
const END_MS = 1500;

/**
 * Starts a program in this process's group, so that it ends with it.
 * @param words its absolute path and its arguments
 */
export function startStream(words: readonly string[], folder: string, writeLog: WriteLog): StreamProcess {
  const [program = '', ...args] = words;
  const child = spawn(program, args, { cwd: folder, stdio: ['pipe', 'pipe', 'pipe'], windowsHide: true });
  const output = { lines: [] as string[], rest: '', stderr: '' };
  let ended: ProcessEnd | undefined;
  let wake: () => void = () => undefined;

  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (text: string) => {
    const lines = (output.rest + text).split('\n');
    output.rest = lines.pop() ?? '';
    for (const line of lines) output.lines.push(line);
    if (output.rest.length > MOST_CHARACTERS) child.kill('SIGKILL');
    wake();
  });
  child.stderr.on('data', (bytes: Buffer) => {
    output.stderr = (output.stderr + bytes.toString('utf8')).slice(-LAST_WORDS_CHARACTERS);
    writeLog(bytes);
  });
  // Its end tells why it reads no more.
  child.stdin.on('error', () => undefined);
  const whenEnded = new Promise<void>((resolve) => {
    const finish = (end: ProcessEnd): void => {
      ended ??= end;
      child.stdin.destroy();
      wake();
      resolve();
    };
    child.once('error', (error) => {
      output.stderr += error.message;
      finish({ status: 127, signal: null });
    });
    child.once('exit', (status, signal) => {
      const end = endOf(status, signal);
      const timer = setTimeout(finish, DRAIN_MS, end);
      child.once('close', () => {
        clearTimeout(timer);
        finish(end);
      });
    });
  });
  return {
    hasEnded: () => ended !== undefined,
    ask: (text, count) =>
      new Promise((resolve) => {
        wake = () => {
          if (output.lines.length >= count || ended !== undefined) resolve();
        };
        child.stdin.write(text);
        wake();
      }),
    linger: (ms) => (ended === undefined ? Promise.race([whenEnded, wait(ms)]) : Promise.resolve()),
    take: (count) => output.lines.splice(0, count),
    unread: () => output.lines.map((line) => `${line}\n`).join('') + output.rest,
    end: () => ended ?? { status: null, signal: null },
    lastWords: () => output.stderr,
    kill: () => child.kill('SIGKILL'),
    close: async () => {
      child.stdin.end();
      const timer = setTimeout(() => child.kill('SIGKILL'), END_MS);
      await whenEnded;
      clearTimeout(timer);
    },
  };
}
