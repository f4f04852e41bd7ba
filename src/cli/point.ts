import { StringDecoder } from 'node:string_decoder';
import { describeCertificate } from '../report/certificate.js';
import { shortPath } from '../report/command-line.js';
import { printable } from '../report/printable.js';
import { tell } from '../report/tell.js';
import { usableProcessors } from '../engine/local/processors.js';
import type { StartMethod } from '../engine/worker-reference.js';
import { FanfoldError, usage } from '../errors.js';
import type { FailureRecord } from '../run/records.js';
import { runPoint } from '../sweep/single-point.js';
import { limitsGiven } from './limit-options.js';
import { listenForSignals, StoppedError } from './signals.js';

/** The options that go with `--point`: how the point is run, for what it is its run says. */
export interface SinglePointOptions {
  readonly point: number;
  readonly python?: string | undefined;
  readonly startMethod?: StartMethod | undefined;
  readonly timeout?: number | undefined;
  readonly retries?: number | undefined;
  readonly retryDelay?: number | undefined;
  readonly maxMemory?: number | undefined;
  readonly threads?: number | undefined;
  readonly quiet?: true | undefined;
}

const OWN: Record<keyof SinglePointOptions, true> = {
  point: true,
  python: true,
  startMethod: true,
  timeout: true,
  retries: true,
  retryDelay: true,
  maxMemory: true,
  threads: true,
  quiet: true,
};

/** `fanfold run DIR --point INDEX`: one point of a run again, in the foreground. Gives the exit code. */
export async function point(directory: string | undefined, options: SinglePointOptions): Promise<number> {
  refuseOthers(options);
  if (directory === undefined) {
    throw usage(
      'Expected the directory of a run with --point, got none. Use fanfold run DIR --point 4711, where DIR holds a sweep.json.',
    );
  }
  const signals = listenForSignals('Stopping at the end of the point. Again to end it at once.');
  try {
    const { index, task, line, failure, scratch } = await runPoint(directory, options.point, {
      how: {
        jobs: usableProcessors(),
        python: options.python,
        startMethod: options.startMethod,
        limits: limitsGiven(options),
      },
      threads: options.threads,
      controls: signals.controls,
      onOutput: outputTo(process.stderr),
      onChanged: (files) => {
        if (files.length === 0) return;
        tell(
          `The worker differs from the one that the run was begun with: ${files.join(', ')}. The point is computed with the worker as it is now.`,
        );
      },
    });
    if (scratch !== undefined) tell(`The point's folder {out} is kept: ${shortPath(scratch)}`);
    if (line !== undefined) {
      process.stdout.write(line);
      return 0;
    }
    if (failure !== undefined) {
      tell(`Point ${String(index)} of task ${String(task)} failed:\n${describeFailure(failure)}`);
      return 1;
    }
    throw new StoppedError('The point was stopped.', signals.exitCode() ?? 1);
  } finally {
    signals.close();
  }
}

// --- internal ---

/** What does a terminal no harm: to begin its line anew, and colours. */
const HARMLESS = /(\r|\u001b\[[\d;]*m)/;

/** Gives on what the worker prints, without what else to a terminal are commands. */
function outputTo(stream: NodeJS.WriteStream): (bytes: Buffer) => void {
  const decoder = new StringDecoder();
  const shown = (text: string): string =>
    text
      .split(HARMLESS)
      .map((part, index) => (index % 2 === 0 ? printable(part) : part))
      .join('');
  return (bytes) => void stream.write(stream.isTTY ? shown(decoder.write(bytes)) : bytes);
}

/** An option with another value than its default. */
function isGiven(name: string, value: unknown): boolean {
  const isDefault = (Array.isArray(value) && value.length === 0) || (name === 'format' && value === 'txt');
  return value !== undefined && !isDefault;
}

function refuseOthers(options: SinglePointOptions): void {
  const [other] =
    Object.entries(options).find(([name, value]) => !Object.hasOwn(OWN, name) && isGiven(name, value)) ?? [];
  if (other === undefined) return;
  const shown =
    other === 'command'
      ? 'a command'
      : `--${other.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  throw new FanfoldError(
    'FANFOLD_USAGE',
    `Expected --point with a run directory, whose sweep.json says all else, got ${shown} too. Leave it out.`,
  );
}

function describeFailure({ parameters, error, stack, certificate }: FailureRecord): string {
  const pairs = Object.entries(parameters).map(([name, value]) => `${name}=${String(value)}`);
  const isInStack = stack?.includes(error) === true;
  return [
    `parameters: ${pairs.join(' ') || 'none'}`,
    ...(isInStack ? [] : [error]),
    ...(stack === undefined ? [] : [stack]),
    ...(certificate === undefined ? [] : [describeCertificate(certificate, error)]),
  ].join('\n');
}
