import type { Column } from '../../format/layout.js';
import { nameColumns } from './command-result.js';
import { parseResult } from './json-result.js';
import { printedBeginning } from './printed.js';

/** A line of a program that stays alive, read. */
export interface StreamAnswer {
  /** The result of the point, or why it has none. */
  readonly outcome: PromiseSettledResult<unknown>;
  /** It says which point it is of, so that it can't be taken for another's. */
  readonly hasIndex: boolean;
}

/** A line that is no answer to the question; the program can't be trusted any more. */
export class StreamAnswerError extends Error {
  override readonly name = 'StreamAnswerError';
  /** What the program printed without being asked, where that shows that it answers more than it is asked. */
  readonly unasked: string | undefined;

  constructor(message: string, unasked?: string) {
    super(message);
    this.unasked = unasked;
  }
}

/**
 * Reads an answer: a number, an array or an object. An object's `index` is held against the point's; an object of `error`
 * alone fails the point.
 * @throws StreamAnswerError where it is not JSON or of another point
 */
export function readAnswer(
  line: string,
  index: number,
  columns: readonly Column[] | undefined,
): StreamAnswer {
  const value = parse(line);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { outcome: settle(() => nameColumns(value, columns)), hasIndex: false };
  const { index: found, ...result } = value as Record<string, unknown>;
  if (found !== undefined && (typeof found !== 'bigint' || Number(found) !== index)) {
    throw new StreamAnswerError(
      `answered for the point ${describeIndex(found)} when it was asked for ${String(index)}`,
      printedBeginning(line),
    );
  }
  const hasIndex = found !== undefined;
  const { error } = result;
  if (typeof error === 'string' && Object.keys(result).length === 1)
    return { outcome: { status: 'rejected', reason: new Error(error) }, hasIndex };
  return { outcome: settle(() => nameColumns(result, columns)), hasIndex };
}

// --- internal ---

function describeIndex(found: unknown): string {
  return printedBeginning(typeof found === 'bigint' ? String(found) : JSON.stringify(found));
}

function parse(line: string): unknown {
  try {
    return parseResult(line);
  } catch {
    throw new StreamAnswerError(`answered what is not JSON: ${printedBeginning(line) || 'an empty line'}`);
  }
}

function settle(compute: () => unknown): PromiseSettledResult<unknown> {
  try {
    return { status: 'fulfilled', value: compute() };
  } catch (reason) {
    return { status: 'rejected', reason };
  }
}
