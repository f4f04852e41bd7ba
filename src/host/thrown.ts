import { inspect } from 'node:util';

/** What is read of an error. */
type Parts = Partial<Record<'name' | 'message' | 'stack' | 'death' | 'usage', unknown>>;

/**
 * What a worker threw, as far as it can be read: a user may throw anything, such as an error whose name is no text, or an object
 * that throws when it is looked at.
 * @returns the same, or an error in its place
 */
export function readable(thrown: unknown): unknown {
  try {
    if (!(thrown instanceof Error)) {
      inspect([thrown, (thrown as Parts | null | undefined)?.death]);
      return thrown;
    }
    const { name, message, stack, death, usage } = thrown as Parts;
    inspect([death, usage]);
    if (isText(name) && isText(message) && (stack === undefined || isText(stack))) return thrown;
    const error = new Error(textOf(message));
    error.name = textOf(name);
    if (isText(stack)) error.stack = stack;
    else delete error.stack;
    return error;
  } catch {
    const error = new Error('The worker threw something that can not be described.');
    delete error.stack;
    return error;
  }
}

// --- internal ---

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function textOf(value: unknown): string {
  return isText(value) ? value : inspect(value);
}
