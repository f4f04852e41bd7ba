import type { Controls } from '../engine/engine.js';
import { tell } from '../report/tell.js';

const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/** A run that a signal ended before it began. */
export class StoppedError extends Error {
  override readonly name = 'StoppedError';

  constructor(
    message: string,
    readonly exitCode: number,
  ) {
    super(message);
  }
}

const STOPPING =
  'Stopping: the points in hand are finished and kept. Again to end at once, which loses those points only.';

/** What is said at a second signal that ends points in hand. */
export const ENDING = 'Stopping at once: the points in hand are lost, what is done is kept.';

type StopSignal = keyof typeof EXIT_CODES;

/** The signals that end a run cleanly. */
export const STOP_SIGNALS = Object.keys(EXIT_CODES) as StopSignal[];

/** The exit code of a run that a signal ended; undefined for anything else. */
export function exitCodeOfSignal(name: string | undefined): number | undefined {
  return STOP_SIGNALS.includes(name as StopSignal) ? EXIT_CODES[name as StopSignal] : undefined;
}

/**
 * Turns signals into a stop: the first lets the points in hand finish, the second ends every process at once.
 * @param notice what the user is told at the first one
 * @param options.ending what the user is told at the second one
 * @param options.mayRepeat SIGINT may come several times for one stop, so that it ends nothing at once
 * @returns the controls for a run, and the exit code once a signal has come
 */
export function listenForSignals(
  notice = STOPPING,
  { ending, mayRepeat = false }: { ending?: string; mayRepeat?: boolean } = {},
): {
  controls: Controls;
  exitCode: () => number | undefined;
  close: () => void;
} {
  const stop = new AbortController();
  const kill = new AbortController();
  let first: StopSignal | undefined;
  const onSignal = (signal: StopSignal): void => {
    if (first === undefined) {
      first = signal;
      stop.abort(signal);
      // Once it is so. A terminal shows ^C where its cursor is.
      tell(`\n${notice}`);
    } else if (signal !== 'SIGHUP' && !(mayRepeat && signal === 'SIGINT')) {
      // Of a closed terminal a shell tells, and the system too.
      const isFirst = !kill.signal.aborted;
      kill.abort();
      if (ending !== undefined && isFirst) tell(`\n${ending}`);
    }
  };
  for (const signal of STOP_SIGNALS) process.on(signal, onSignal);
  return {
    controls: { stop: stop.signal, kill: kill.signal },
    exitCode: () => (first === undefined ? undefined : EXIT_CODES[first]),
    close: () => {
      // One more signal must not change how a command ends that has been told to stop.
      if (first !== undefined) return;
      for (const signal of STOP_SIGNALS) process.off(signal, onSignal);
    },
  };
}
