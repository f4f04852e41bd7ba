import { closeSync, openSync, writeSync } from 'node:fs';
import { formatWithOptions } from 'node:util';

/** Where a worker's output goes: the log of the task in hand. */
export interface TaskLog {
  /** Sends what follows to a task's log; `undefined` ends that. */
  readonly use: (path: string | undefined) => void;
  readonly log: (...values: unknown[]) => void;
  /** Takes what a program printed as it is. */
  readonly write: (bytes: Uint8Array) => void;
}

/**
 * Redirects `process.stdout` and `process.stderr` of this process, and with them `console`, into the log of the task
 * in hand. The file is only made when something is printed.
 */
export function redirectOutput(): TaskLog {
  let path: string | undefined;
  let file: number | undefined;
  const write = (text: string | Uint8Array): boolean => {
    if (path === undefined) return false;
    try {
      file ??= openSync(path, 'a');
      if (typeof text === 'string') writeSync(file, text);
      else writeSync(file, text);
    } catch {
      // A log that can't be written, on a full disk say, must not fail a point whose result can.
    }
    return true;
  };
  redirect('stdout', write);
  redirect('stderr', write);
  return {
    use: (next) => {
      if (file !== undefined) closeSync(file);
      file = undefined;
      path = next;
    },
    write,
    log: (...values) => {
      write(`${formatWithOptions({}, ...values)}\n`);
    },
  };
}

// --- internal ---

/** Patches the stream when it is first used: making it costs milliseconds, and most workers print nothing. */
function redirect(name: 'stdout' | 'stderr', write: (text: string | Uint8Array) => boolean): void {
  const descriptor = Object.getOwnPropertyDescriptor(process, name);
  if (descriptor?.get === undefined) return;
  const original = descriptor.get.bind(process) as () => NodeJS.WriteStream;
  let stream: NodeJS.WriteStream | undefined;
  Object.defineProperty(process, name, {
    configurable: true,
    enumerable: true,
    get: () => (stream ??= patch(original(), write)),
  });
}

function patch(
  stream: NodeJS.WriteStream,
  write: (text: string | Uint8Array) => boolean,
): NodeJS.WriteStream {
  const direct = stream.write.bind(stream) as (...args: unknown[]) => boolean;
  stream.write = (text: string | Uint8Array, ...rest: unknown[]): boolean => {
    if (!write(text)) return direct(text, ...rest);
    const done = rest.find((argument) => typeof argument === 'function') as (() => void) | undefined;
    if (done !== undefined) process.nextTick(done);
    return true;
  };
  return stream;
}
