import { isAbsolute, relative } from 'node:path';
import { commandLine, quoteForShell } from '../format/shell.js';
import type { SweepSpec } from '../run/spec.js';

/** The command that does something with a run, as it can be pasted into a shell in the current folder. */
export function commandFor(
  action: 'resume' | 'retry' | 'status' | 'attach' | 'stop' | 'fold' | 'verify',
  directory: string,
): string {
  return `fanfold ${action} ${quoteForShell(shortPath(directory))}`;
}

/** A worker in one line: `double.ts:default`, or the command with its placeholders. */
export function describeWorker({ worker }: SweepSpec): string {
  if ('file' in worker) return `${worker.file}:${worker.export}`;
  return worker.shell ? (worker.command[0] ?? '') : commandLine(worker.command);
}

/** A path relative to the current folder where it lies inside. */
export function shortPath(path: string): string {
  const short = relative(process.cwd(), path);
  return short === '' || short.startsWith('..') || isAbsolute(short) ? path : short;
}
