import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { messageOf, systemCode } from '../../errors.js';
import { pointFolder } from '../../run/paths.js';
import type { CommandSpec } from '../../run/spec.js';
import type { Point } from '../../space/space.js';
import { own, OwnError, temporaryPlace } from '../own-error.js';
import type { WorkerCommand } from '../protocol.js';
import type { LoadedWorker } from '../worker-module.js';
import { CommandError, endedError, type MeasuredEnd } from './command-error.js';
import { readResult } from './command-result.js';
import { commandWords } from './command-words.js';
import { launcher, LostError, type Launcher } from './launcher.js';
import { outputFile, type OutputFile, type WriteLog } from './output-file.js';
import { checkPassable, explainStart, fitsEnvironment } from './passable.js';
import { pointText, type PointFacts, type PointText } from './point-text.js';
import { parseResultRule, type ResultRule } from './result-rule.js';
import { printedBeginning, printedEnd } from './printed.js';
import { mayBeCut, requireRoom } from './room.js';

/** A worker that starts a process for each point. */
export function commandWorker(worker: WorkerCommand, writeLog: WriteLog): LoadedWorker {
  const { spec, program, parameters } = worker;
  const command = commandWords(spec, program);
  const texts = pointText(parameters);
  const rule = parseResultRule(spec.result);
  const hasFolder = rule.kind === 'file' || command.names.includes('out');
  let streams: Streams | undefined;
  let finished: Finished | undefined;
  let isExact = false;
  return {
    run: async (point, context) => {
      const folder = hasFolder ? pointFolder(worker.scratch, context.index) : undefined;
      const valueOf = texts.valueOf(point, context, folder);
      const line = printedBeginning(command.line(valueOf));
      const start = async (opened: Streams): Promise<MeasuredEnd> => {
        if (folder !== undefined) makeEmpty(folder);
        const given = spec.stdin ? `${texts.json(point, context)}\n` : '';
        own(() => {
          if (spec.stdin) writeFileSync(opened.stdin, given);
          opened.stdout.empty();
          opened.stderr.empty();
        }, opened.place);
        const env = environment(worker, texts, point, context);
        const words = command.words(valueOf);
        checkPassable(words, env);
        return opened.launcher.run({
          words,
          env: folder === undefined ? env : { ...env, FANFOLD_OUT: folder },
          hasInput: spec.stdin,
          isExact,
        });
      };
      try {
        streams ??= own(() => openStreams(worker, hasResultInStdout(rule)), temporaryPlace(worker.temporary));
        let end = await start(streams);
        if (rule.kind === 'exit' && end.signal !== null && !isExact) {
          // A status from 129 on, or a signal: from here on they are told apart, and this point is begun again.
          isExact = true;
          end = await start(streams);
        }
        finished = { rule, streams, line, end, folder };
      } catch (error) {
        if (error instanceof OwnError) throw error;
        const message = `${line} was not started or lost: ${messageOf(explainStart(error, command.words(valueOf)))}`;
        throw new CommandError(message, error instanceof LostError ? { death: error.end } : {});
      }
      return resultOf(finished, spec, writeLog);
    },
    accepted: () => {
      const folder = finished?.folder;
      if (folder !== undefined && !worker.keepScratch) removeFolder(folder);
    },
    refused: (error) => (finished === undefined ? error : failure(finished, error)),
    close: () => {
      streams?.close();
      return Promise.resolve();
    },
  };
}

// --- internal ---

/** What the processes of this host print into, one after another, and what starts them. */
interface Streams {
  readonly stdin: string;
  readonly stdout: OutputFile;
  readonly stderr: OutputFile;
  readonly launcher: Launcher;
  readonly folder: string;
  /** The folder for a person. */
  readonly place: string;
  close(): void;
}

function hasResultInStdout({ kind }: ResultRule): boolean {
  return kind !== 'exit' && kind !== 'file';
}

function openStreams({ temporary, folder }: WorkerCommand, isResult: boolean): Streams {
  const path = (name: string): string => join(temporary, `${String(process.pid)}.${name}`);
  const [stdout, stderr] = [outputFile(path('stdout'), isResult), outputFile(path('stderr'), false)];
  const stdin = path('stdin');
  const launch = launcher({ stdin, stdout: stdout.path, stderr: stderr.path }, folder);
  return {
    stdin,
    stdout,
    stderr,
    launcher: launch,
    folder: temporary,
    place: temporaryPlace(temporary),
    close: () => {
      launch.close();
    },
  };
}

function environment(
  { parameters, spec }: WorkerCommand,
  texts: PointText,
  point: Point,
  facts: PointFacts,
): Record<string, string | undefined> {
  const variables = parameters.map(({ name }): [string, string | undefined] => [
    `FANFOLD_PARAM_${name}`,
    texts.value(point, name),
  ]);
  return {
    // What stands on its standard input need not fail for want of a variable.
    ...Object.fromEntries(
      variables.map(([name, value]) => [
        name,
        spec.stdin && !fitsEnvironment(name, value) ? undefined : value,
      ]),
    ),
    FANFOLD_INDEX: String(facts.index),
    FANFOLD_TASK_INDEX: String(facts.task_index),
    FANFOLD_SEED: String(facts.seed),
  };
}

/** What a point's folder held after an earlier attempt is not this one's. */
function makeEmpty(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  own(() => mkdirSync(folder, { recursive: true }));
}

function removeFolder(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch (error) {
    // The point has its result, whatever the command left there: files of another user, say.
    if (systemCode(error) === undefined) throw error;
  }
}

/** A process that has ended. */
interface Finished {
  readonly rule: ResultRule;
  readonly streams: Streams;
  readonly line: string;
  readonly end: MeasuredEnd;
  readonly folder: string | undefined;
}

/**
 * The result of a process that has ended; what it printed beside that goes into the log.
 * @throws OwnError where it may have come to grief because the disk is full
 */
function resultOf(finished: Finished, { columns }: CommandSpec, writeLog: WriteLog): unknown {
  const { rule, end, folder, line, streams } = finished;
  const { stdout, stderr, place } = streams;
  const inStdout = hasResultInStdout(rule);
  const log = (output: OutputFile): void => {
    own(() => {
      output.copy(writeLog);
    }, place);
  };
  if (!inStdout) log(stdout);
  log(stderr);
  try {
    const { status } = end;
    if (status === null || (status !== 0 && rule.kind !== 'exit'))
      throw endedError(line, end, own(stderr.end, place));
    const result = readResult(rule, columns, {
      status,
      stdout: () => own(stdout.text, place),
      stdoutEnd: () => own(stdout.lastLines, place),
      file: (name) => readFile(join(folder ?? '', name), name),
    });
    mistrust(finished, status);
    return result;
  } catch (error) {
    if (inStdout) log(stdout);
    throw failure(finished, error);
  }
}

/** A full disk can also make a wrong result that looks like a right one. */
function mistrust({ rule, streams, folder }: Finished, status: number): void {
  if (rule.kind === 'exit') {
    if (status !== 0) requireRoom(streams.folder, streams.place);
  } else if (rule.kind === 'file') {
    const path = join(folder ?? '', rule.name);
    if (mayBeCut(path)) requireRoom(dirname(path));
  } else if (own(() => mayBeCut(streams.stdout.path), streams.place)) {
    requireRoom(streams.folder, streams.place);
  }
}

/**
 * Why a process has no result: the whole story of it.
 * @throws OwnError where that may be a full disk
 */
function failure(finished: Finished, error: unknown): Error {
  if (error instanceof OwnError) return error;
  const { streams, line, end, folder } = finished;
  requireRoom(streams.folder, streams.place);
  if (folder !== undefined) requireRoom(folder);
  const place = folder === undefined ? '' : ` Its files are in ${folder}`;
  if (error instanceof CommandError) return new CommandError(`${error.message}${place}`, error);
  const words = printedEnd(own(streams.stderr.end, streams.place));
  return new CommandError(
    `${line} ended with exit status ${String(end.status)}, but gave no result. ${messageOf(error)}${words === '' ? '' : ` The end of its stderr: ${words}`}${place}`,
    { death: { status: end.status, signal: end.signal }, usage: end.usage },
  );
}

function readFile(path: string, name: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    throw new Error(
      `Expected it to write the file ${name} into {out} (FANFOLD_OUT), got none: ${systemCode(error) ?? ''}.`,
      {
        cause: error,
      },
    );
  }
}
