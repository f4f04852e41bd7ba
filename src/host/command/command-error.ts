import { constants } from 'node:os';
import { describeSignal } from '../../run/verdict.js';
import type { ProcessEnd } from '../failed-attempt.js';
import type { Usage } from '../usage.js';
import { printedEnd } from './printed.js';

export type { ProcessEnd } from '../failed-attempt.js';

/** How a process ended, and what it took. */
export interface MeasuredEnd extends ProcessEnd {
  readonly usage: Usage;
}

/** A command that gave no result; its message is the whole story, so it has no stack. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  /** How its process ended, where that is why it gave none. */
  readonly death: ProcessEnd | undefined;
  /** What its process took. */
  readonly usage: Usage | undefined;

  constructor(
    message: string,
    { death, usage }: { readonly death?: ProcessEnd | undefined; readonly usage?: Usage | undefined } = {},
  ) {
    super(message);
    this.death = death;
    this.usage = usage;
    delete this.stack;
  }
}

/** A shell reports death by signal n as the status 128 + n, and so do we, however the command was started. */
export function endOf(status: number | null, signal: string | null): ProcessEnd {
  if (status === null || status <= 128) return { status, signal };
  const named = Object.entries(constants.signals).find(([, number]) => number === status - 128);
  return named === undefined ? { status, signal } : { status: null, signal: named[0] };
}

/**
 * The error of a command that ended as it must not.
 * @param when words that say more of the moment, such as ` before it answered`
 */
export function endedError(line: string, end: MeasuredEnd, stderr: string, when = ''): CommandError {
  const how = end.signal === null ? `ended with ${describeEnd(end)}` : `was ended by ${describeEnd(end)}`;
  const words = printedEnd(stderr);
  return new CommandError(
    `${line} ${how}${when}. ${words === '' ? 'It wrote nothing on its stderr.' : `The end of its stderr: ${words}`}`,
    { death: { status: end.status, signal: end.signal }, usage: end.usage },
  );
}

// --- internal ---

/** `exit status 3`, or the name of a signal. */
function describeEnd({ status, signal }: ProcessEnd): string {
  return signal === null ? `exit status ${String(status)}` : describeSignal(signal);
}
