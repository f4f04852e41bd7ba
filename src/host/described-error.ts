import { inspect } from 'node:util';

/** What a worker threw, as it is recorded and reported. */
export interface DescribedError {
  readonly error: string;
  readonly stack?: string;
}

/** Enough to understand it; a message can be as long as the data it is about. */
const MOST_CHARACTERS = 8192;

export function describeError(error: unknown): DescribedError {
  if (!(error instanceof Error))
    return { error: `The worker threw ${inspect(error).slice(0, MOST_CHARACTERS)}.` };
  const message = `${error.name}: ${error.message}`.slice(0, MOST_CHARACTERS);
  return {
    error: message,
    ...(error.stack === undefined ? {} : { stack: error.stack.slice(0, MOST_CHARACTERS) }),
  };
}
