import { inspect } from 'node:util';
import { describeDeath, type Death } from '../engine/local/host-process.js';
import { FanfoldError } from '../errors.js';
import type { CallReport } from '../host/protocol.js';

/** Which call an error is about. */
export interface CallPlace {
  readonly pid: number;
  /** Position among the items of a map, counted from 0. */
  readonly index?: number | undefined;
  /** The item itself, or the list of arguments of a `starmap`. */
  readonly item?: unknown;
}

/** A call that gave no value: its function threw (`FANFOLD_RAISED`), or its process ended (`FANFOLD_CRASHED`). */
export class CallError extends FanfoldError {
  override readonly name = 'CallError';
  /** The process that made the call. */
  readonly pid: number;
  readonly index: number | undefined;
  readonly item: unknown;
  /** Where the function threw, as its own language says it. */
  readonly workerStack: string | undefined;
  /** How the process ended, where it did. */
  readonly exitStatus: number | null | undefined;
  readonly signal: NodeJS.Signals | null | undefined;
  /** The end of what the process wrote, where it ended. */
  readonly output: string | undefined;

  /** The function threw. */
  static raised(place: CallPlace, { error, stack }: Extract<CallReport, { type: 'raised' }>): CallError {
    const message = `${whereOf(place)}${error}`;
    const raised = new CallError('FANFOLD_RAISED', message, place, { stack });
    // What was thrown there, and where, is of use; where this report of it was made, is not.
    if (stack?.startsWith(error) === true) raised.stack = `${whereOf(place)}${stack}`;
    else if (stack !== undefined) raised.stack = `${message}\n${stack}`;
    return raised;
  }

  /** The process ended. */
  static crashed(place: CallPlace, death: Death): CallError {
    const message = `${whereOf(place)}no result came. ${describeDeath(death)}`;
    return new CallError('FANFOLD_CRASHED', message, place, { death });
  }

  private constructor(
    code: 'FANFOLD_RAISED' | 'FANFOLD_CRASHED',
    message: string,
    { pid, index, item }: CallPlace,
    { stack, death }: { stack?: string | undefined; death?: Death },
  ) {
    super(code, message, { exitCode: 1 });
    this.pid = pid;
    this.index = index;
    this.item = item;
    this.workerStack = stack;
    this.exitStatus = death?.exitCode;
    this.signal = death?.signal;
    this.output = death?.lastWords;
  }
}

// --- internal ---

const LONGEST_ITEM = 200;

function whereOf({ index, item }: CallPlace): string {
  if (index === undefined) return '';
  const shown = inspect(item, { depth: 2, breakLength: Infinity, maxArrayLength: 10, maxStringLength: 100 });
  const text = shown.length > LONGEST_ITEM ? `${shown.slice(0, LONGEST_ITEM)}…` : shown;
  return `Item ${String(index)} (${text}): `;
}
