import { Option, type Command, type OptionValues } from '@commander-js/extra-typings';
import type { GivenLimits, Limits } from '../run/limits.js';
import { ON_ERROR, parseMaxFailures, parseMemory, parseRetries } from '../sweep/limit-syntax.js';
import { parseDelay, parseDuration } from './arguments.js';

/** The limits as the command line names them; durations in milliseconds. */
export interface LimitOptions {
  readonly timeout?: number | undefined;
  readonly retries?: number | undefined;
  readonly retryDelay?: number | undefined;
  readonly maxMemory?: number | undefined;
  readonly maxFailures?: Limits['maxFailures'];
  readonly onError?: Limits['onError'] | undefined;
  /** Of this session alone; no other limit is. */
  readonly timeLimit?: number | undefined;
  readonly fsLatency?: number | undefined;
}

/** Adds the options that limit points and processes, which run, resume and retry have alike. */
export function addLimits<Args extends unknown[], Options extends OptionValues, Globals extends OptionValues>(
  command: Command<Args, Options, Globals>,
): Command<Args, Options & Pick<LimitOptions, keyof LimitOptions>, Globals> {
  const added = command
    .option(
      '--timeout <duration>',
      'the longest that a point may take, such as 30s; it is then recorded as failed',
      parseDuration('--timeout'),
    )
    .option('--retries <n>', 'how often a point is tried again that ended its process (default: 1)', (text) =>
      parseRetries('--retries', text),
    )
    .option(
      '--retry-delay <duration>',
      'the wait before that, doubling each time (default: 500ms)',
      parseDelay('--retry-delay'),
    )
    .option(
      '--max-memory <size>',
      'the most that a process and all under it may hold, such as 2G or 50%',
      (text) => parseMemory('--max-memory', text),
    )
    .option(
      '--max-failures <n>',
      'stop the run once more points have failed, or a share such as 5%',
      (text) => parseMaxFailures('--max-failures', text),
    )
    .addOption(
      new Option('--on-error <act>', 'once a point has failed (default: continue)').choices(ON_ERROR),
    )
    .option(
      '--time-limit <duration>',
      'stop the run cleanly after that time, such as 1h, with exit code 75; resume, or retry again, goes on',
      parseDuration('--time-limit'),
    )
    .addOption(fsLatency());
  return added as unknown as Command<Args, Options & Pick<LimitOptions, keyof LimitOptions>, Globals>;
}

/** How long files are waited for that must be there. */
export function fsLatency(): Option<
  '--fs-latency <duration>',
  undefined,
  undefined,
  undefined,
  false,
  number
> {
  return new Option(
    '--fs-latency <duration>',
    'how long a network file system may take to show a file (default: 60s there, else 0s)',
  ).argParser(parseDelay('--fs-latency'));
}

export function limitsGiven(options: LimitOptions): GivenLimits {
  return {
    timeoutMs: options.timeout,
    retries: options.retries,
    retryDelayMs: options.retryDelay,
    maxMemoryBytes: options.maxMemory,
    maxFailures: options.maxFailures,
    onError: options.onError,
  };
}

/** The limits that are given and are not those with which a run was begun, as the command line names them. */
export function changedLimits(begun: Limits, options: LimitOptions): string[] {
  const given = limitsGiven(options);
  const isChanged = (name: keyof GivenLimits): boolean =>
    given[name] !== undefined && JSON.stringify(given[name]) !== JSON.stringify(begun[name]);
  return (Object.keys(FLAGS) as (keyof GivenLimits)[]).filter(isChanged).map((name) => FLAGS[name]);
}

// --- internal ---

const FLAGS: Readonly<Record<keyof GivenLimits, string>> = {
  timeoutMs: '--timeout',
  retries: '--retries',
  retryDelayMs: '--retry-delay',
  maxMemoryBytes: '--max-memory',
  maxFailures: '--max-failures',
  onError: '--on-error',
};
