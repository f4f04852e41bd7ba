import { spawn } from 'node:child_process';
import { DRAIN_MS, LAST_WORDS_CHARACTERS } from '../last-words.js';
import { readLines } from '../lines.js';
import { endedChildrenSeconds, livingSeconds, usageOf } from '../usage.js';
import { endOf, type MeasuredEnd, type ProcessEnd } from './command-error.js';
import type { WriteLog } from './output-file.js';
import { watchPeakMemory } from './peak-memory.js';

/** A program that stays alive: it is asked lines and answers lines. */
export interface StreamProcess {
  readonly hasEnded: () => boolean;
  /** Sends text, and waits until there are `count` lines of answers, or there will be no more. */
  ask(text: string, count: number): Promise<void>;
  /** Waits for output that nobody asked for, until there is some; not at all where it has ended. */
  linger(ms: number): Promise<void>;
  /** Its next whole lines, `count` at most. */
  take(count: number): string[];
  /** What it has printed and nobody has taken, a torn line too. */
  unread(): string;
  /** True where it closed its standard output and lived on, so that it had to be ended. */
  readonly wasMute: () => boolean;
  /** How it ended, and what it took until then or now. */
  end(): MeasuredEnd;
  /** The end of what it wrote on its standard error. */
  lastWords(): string;
  kill(): void;
  /** Closes its standard input and lets it end by itself, for a moment. */
  close(): Promise<void>;
}

/** A line longer than any result: the program prints without end. */
const MOST_CHARACTERS = 64 << 20;
/** A program that ends closes its output a moment before. */
const MUTE_MS = 500;
const END_MS = 1500;

/**
 * Starts a program in this process's group, so that it ends with it.
 * @param words its absolute path and its arguments
 */
export function startStream(words: readonly string[], folder: string, writeLog: WriteLog): StreamProcess {
  const [program = '', ...args] = words;
  endedChildrenSeconds();
  const child = spawn(program, args, { cwd: folder, stdio: ['pipe', 'pipe', 'pipe'], windowsHide: true });
  const lines: string[] = [];
  const peak = watchPeakMemory(child.pid ?? 0, { isItself: true });
  let seconds: number | undefined;
  let lastWords = '';
  let ended: ProcessEnd | undefined;
  let isMute = false;
  let wake: () => void = () => undefined;

  const torn = readLines(child.stdout, (line) => {
    lines.push(line);
  });
  child.stdout.on('data', () => {
    if (torn.length() > MOST_CHARACTERS) child.kill('SIGKILL');
    wake();
  });
  let muteTimer: NodeJS.Timeout | undefined;
  child.stdout.once('end', () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    muteTimer = setTimeout(() => {
      isMute = true;
      child.kill('SIGKILL');
    }, MUTE_MS);
  });
  child.stderr.on('data', (bytes: Buffer) => {
    lastWords = (lastWords + bytes.toString('utf8')).slice(-LAST_WORDS_CHARACTERS);
    writeLog(bytes);
  });
  // Its end tells why it reads no more.
  child.stdin.on('error', () => undefined);
  const whenEnded = new Promise<void>((resolve) => {
    const finish = (end: ProcessEnd): void => {
      ended ??= end;
      peak.close();
      child.stdin.destroy();
      wake();
      resolve();
    };
    child.once('error', (error) => {
      lastWords += error.message;
      finish({ status: 127, signal: null });
    });
    child.once('exit', (status, signal) => {
      clearTimeout(muteTimer);
      seconds = endedChildrenSeconds();
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
          if (lines.length >= count || ended !== undefined) resolve();
        };
        child.stdin.write(text);
        wake();
      }),
    linger: (ms) =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, ms);
        wake = () => {
          if (lines.length === 0 && torn.length() === 0 && ended === undefined) return;
          clearTimeout(timer);
          resolve();
        };
        wake();
      }),
    take: (count) => lines.splice(0, count),
    unread: () => lines.map((line) => `${line}\n`).join('') + torn.text(),
    wasMute: () => isMute,
    end: () => ({
      ...(ended ?? { status: null, signal: null }),
      usage: usageOf(peak.bytes(), ended === undefined ? livingSeconds(child.pid ?? 0) : seconds),
    }),
    lastWords: () => lastWords,
    kill: () => child.kill('SIGKILL'),
    close: async () => {
      child.stdin.end();
      const timer = setTimeout(() => child.kill('SIGKILL'), END_MS);
      await whenEnded;
      clearTimeout(timer);
    },
  };
}
