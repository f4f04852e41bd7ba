import { messageOf } from '../../errors.js';
import { performance } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import type { Point } from '../../space/space.js';
import type { WorkerContext } from '../context.js';
import type { WorkerCommand } from '../protocol.js';
import type { LoadedWorker, Recalled } from '../worker-module.js';
import { batchSize, type BatchSize } from './batch-size.js';
import { CommandError, endedError } from './command-error.js';
import { commandWords } from './command-words.js';
import type { WriteLog } from './output-file.js';
import { pointText } from './point-text.js';
import { printedBeginning } from './printed.js';
import { readAnswer, StreamAnswerError, type StreamAnswer } from './stream-answer.js';
import { startStream, type StreamProcess } from './stream-process.js';
import { trust, type Trust } from './trust.js';

/** A worker that is one program for all points: it reads a JSON line for each, and answers one. */
export function streamWorker(worker: WorkerCommand, writeLog: WriteLog): LoadedWorker {
  const { spec, program, folder, parameters } = worker;
  const texts = pointText(parameters);
  const command = commandWords(spec, program);
  const size = batchSize();
  const dialogue: Dialogue = {
    worker,
    writeLog,
    size,
    trust: trust(),
    line: command.line(() => ''),
    start: () =>
      startStream(
        command.words(() => ''),
        folder,
        writeLog,
      ),
    process: undefined,
    answered: 0,
    isSaid: false,
    suspects: 0,
  };
  const ask = (points: readonly (readonly [Point, WorkerContext])[]): Promise<Outcome[]> => {
    const questions = points.map(([point, context]) => ({
      index: context.index,
      text: `${texts.json(point, context)}\n`,
    }));
    return askAll(dialogue, questions);
  };
  return {
    run: async (point, context) => {
      const [outcome] = await ask([[point, context]]);
      if (outcome?.status === 'fulfilled') return outcome.value;
      throw outcome?.reason;
    },
    ahead: { count: size.current, compute: ask },
    refused: ({ message }) =>
      new CommandError(`${dialogue.line} answered: ${message}`, { usage: dialogue.process?.end().usage }),
    recall: { isDue: dialogue.trust.isLost, take: () => takeBack(dialogue) },
    close: () => dialogue.process?.close() ?? Promise.resolve(),
  };
}

// --- internal ---

type Outcome = PromiseSettledResult<unknown>;

interface Question {
  readonly index: number;
  /** A line with its newline. */
  readonly text: string;
}

interface Dialogue {
  readonly worker: WorkerCommand;
  readonly writeLog: WriteLog;
  readonly size: BatchSize;
  /** Which answers may be another point's. */
  readonly trust: Trust;
  /** The command for a person. */
  readonly line: string;
  readonly start: () => StreamProcess;
  /** The program that is running now. */
  process: StreamProcess | undefined;
  /** How many questions it has answered. */
  answered: number;
  /** It was told that answers without their index are asked for one by one. */
  isSaid: boolean;
  /** How many of the next points are of a batch in which something went wrong. */
  suspects: number;
}

/**
 * Programs that print too much are found out by this wait after an answer, or at the latest by the wait at a task's end;
 * those that echo the index need none.
 */
const LINGER_MS = 1;
/** While it is looked for which point spoilt a batch. */
const SUSPICIOUS_LINGER_MS = 5;
const SILENT_MS = 10_000;
const STALLED_MS = 2000;

/**
 * Asks all questions together; where anything goes wrong the first one alone, in a new program, and the others when they come
 * again, so that only the guilty point fails.
 */
async function askAll(dialogue: Dialogue, questions: readonly Question[]): Promise<Outcome[]> {
  const [first] = questions;
  if (first === undefined) return [];
  if (questions.length > 1) {
    const answers = await askBatch(dialogue, questions);
    if (answers !== undefined) return answers;
    dialogue.suspects = questions.length;
    dialogue.size.reset(questions.length);
  }
  const outcome = await askOne(dialogue, first);
  dialogue.suspects = outcome.status === 'rejected' ? 0 : Math.max(0, dialogue.suspects - 1);
  return [outcome];
}

/** The answers to several questions asked together, or undefined where anything is wrong with any. */
async function askBatch(dialogue: Dialogue, questions: readonly Question[]): Promise<Outcome[] | undefined> {
  const program = running(dialogue);
  // What came unasked is the next question's to report.
  if (program.unread() !== '') return undefined;
  const started = performance.now();
  await unlessStalled(program.ask(questions.map(({ text }) => text).join(''), questions.length));
  const ms = performance.now() - started;
  const answers = await readAnswers(dialogue, program, questions, 0);
  if (answers instanceof StreamAnswerError || answers.length < questions.length || !answers.every(isOwn)) {
    discard(dialogue);
    return undefined;
  }
  dialogue.size.note(questions.length, ms);
  return answers.map(({ outcome }) => named(outcome, dialogue));
}

async function askOne(dialogue: Dialogue, question: Question): Promise<Outcome> {
  const program = running(dialogue);
  const outcome = await askProgram(dialogue, program, question);
  if (outcome.status === 'fulfilled') return outcome;
  const { reason } = outcome as { reason: unknown };
  if (!(reason instanceof CommandError)) return outcome;
  const { message, death, usage = program.end().usage } = reason;
  return { status: 'rejected', reason: new CommandError(message, { death, usage }) };
}

async function askProgram(dialogue: Dialogue, program: StreamProcess, question: Question): Promise<Outcome> {
  const { line, size } = dialogue;
  const early = printedBeginning(program.unread());
  if (program.unread() !== '') {
    dialogue.trust.lose(early);
    discard(dialogue);
    return rejected(`${line} answered out of turn: before it was asked for this point it printed: ${early}`);
  }
  const started = performance.now();
  await withHint(dialogue, program.ask(question.text, 1));
  const ms = performance.now() - started;
  const answers = await readAnswers(
    dialogue,
    program,
    [question],
    dialogue.suspects > 0 ? SUSPICIOUS_LINGER_MS : lingerMs(ms),
  );
  if (answers instanceof StreamAnswerError) {
    if (answers.unasked !== undefined) dialogue.trust.lose(answers.unasked);
    discard(dialogue);
    return rejected(`${line} ${answers.message}`);
  }
  const [answer] = answers;
  if (answer !== undefined) {
    if (isOwn(answer)) size.note(1, ms);
    else sayAlone(dialogue);
    if (answer.hasIndex) dialogue.trust.prove();
    else if (answer.outcome.status === 'fulfilled') dialogue.trust.add(question.index, ms);
    return named(answer.outcome, dialogue);
  }
  const hasLeft = dialogue.answered > 0 && program.end().status === 0 && program.unread() === '';
  discard(dialogue);
  // It had answered all and was on its way out when this question came.
  if (hasLeft) return askOne(dialogue, question);
  return { status: 'rejected', reason: unansweredError(line, program) };
}

/**
 * The answers that have come, or what is wrong with them. Where they don't say whose they are, a moment is given to output
 * that nobody asked for, which would be taken for the next point's answer.
 */
async function readAnswers(
  dialogue: Dialogue,
  program: StreamProcess,
  questions: readonly Question[],
  lingerForMs: number,
): Promise<StreamAnswer[] | StreamAnswerError> {
  const { columns } = dialogue.worker.spec;
  try {
    const answers = program
      .take(questions.length)
      .map((line, position) => readAnswer(line, questions[position]?.index ?? 0, columns));
    dialogue.answered += answers.length;
    if (answers.length === questions.length) {
      if (!answers.every(({ hasIndex }) => hasIndex)) await program.linger(lingerForMs);
      const unasked = printedBeginning(program.unread());
      if (program.unread() !== '')
        return new StreamAnswerError(`printed more than its answer: ${unasked}`, unasked);
    }
    return answers;
  } catch (error) {
    if (error instanceof StreamAnswerError) return error;
    throw error;
  }
}

/** It says itself that it is this point's; or it is an error, which can't be a wrong result. */
function isOwn({ hasIndex, outcome }: StreamAnswer): boolean {
  return hasIndex || outcome.status === 'rejected';
}

/**
 * At the end of a task: what a program prints now it printed too much before, and so none of its answers without an index is
 * known to be of the point that it was taken for.
 */
async function takeBack(dialogue: Dialogue): Promise<Recalled | undefined> {
  const { trust, process, line } = dialogue;
  if (process !== undefined && !trust.isLost() && trust.isOpen()) {
    await process.linger(trust.watchMs());
    if (process.unread() !== '') {
      trust.lose(printedBeginning(process.unread()));
      discard(dialogue);
    }
  }
  const { indices, printed } = trust.end();
  if (indices.length === 0) return undefined;
  const error = new CommandError(
    `${line} gave more answers than it was asked for, so that it can't be known whose they are. It printed unasked: ${printed || 'an empty line'}. Let each answer have the "index" of its point.`,
  );
  return { indices, error };
}

function running(dialogue: Dialogue): StreamProcess {
  if (dialogue.process?.hasEnded() === true && dialogue.process.unread() === '') dialogue.process = undefined;
  if (dialogue.process === undefined) dialogue.answered = 0;
  dialogue.process ??= dialogue.start();
  return dialogue.process;
}

/** Ends a program that can't be trusted any more; the next question starts it anew. */
function discard(dialogue: Dialogue): void {
  dialogue.process?.kill();
  dialogue.process = undefined;
  dialogue.size.reset();
  dialogue.trust.prove();
}

/** Said once: it is the difference between thousands of points a second and hundreds. */
function sayAlone(dialogue: Dialogue): void {
  const { size, line, writeLog } = dialogue;
  size.reset();
  if (dialogue.isSaid) return;
  dialogue.isSaid = true;
  writeLog(
    Buffer.from(
      `fanfold: ${line} answers without the "index" of the point, so it is asked for one point at a time, with a pause after each. Points that take less than 5 ms are computed faster with it.\n`,
    ),
  );
}

/** A thousandth of a second, or a tenth of the time that a longer point took. */
function lingerMs(ms: number): number {
  return Math.min(SUSPICIOUS_LINGER_MS, Math.max(LINGER_MS, ms / 10));
}

/** A batch that takes much longer than it should holds a point that is slow or has no answer: that one must not hold up others. */
async function unlessStalled(asked: Promise<void>): Promise<void> {
  const stop = new AbortController();
  const stalled = wait(STALLED_MS, undefined, { signal: stop.signal }).catch(() => undefined);
  await Promise.race([asked, stalled]);
  stop.abort();
}

/** The commonest mistake of all: an answer that stands in the program's own buffer. */
async function withHint({ line, writeLog }: Dialogue, asked: Promise<void>): Promise<void> {
  const timer = setTimeout(() => {
    writeLog(
      Buffer.from(
        `fanfold: no answer from ${line} for ${String(SILENT_MS / 1000)} s. If it has printed one, it must flush its output after each line.\n`,
      ),
    );
  }, SILENT_MS);
  try {
    await asked;
  } finally {
    clearTimeout(timer);
  }
}

function unansweredError(line: string, program: StreamProcess): CommandError {
  const torn = program.unread();
  if (program.wasMute())
    return new CommandError(
      `${line} closed its stdout and lived on, so that it could not answer any more, and was ended.`,
    );
  const when =
    torn === '' ? ' before it answered' : ` in the middle of its answer, ${printedBeginning(torn)}`;
  return endedError(line, program.end(), program.lastWords(), when);
}

/** An answer that fails its point says whose it is. */
function named(outcome: Outcome, { line }: Dialogue): Outcome {
  if (outcome.status === 'fulfilled') return outcome;
  const { reason } = outcome as { reason: unknown };
  return rejected(`${line} answered: ${messageOf(reason)}`);
}

function rejected(message: string): Outcome {
  return { status: 'rejected', reason: new CommandError(message) };
}
