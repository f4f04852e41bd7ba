import { isAbsolute, relative } from 'node:path';

/** The command that does something with a run, as it can be pasted into a shell in the current folder. */
export function commandFor(action: 'resume' | 'retry' | 'status' | 'fold', directory: string): string {
  return `fanfold ${action} ${quoteForShell(shortPath(directory))}`;
}

/** A path relative to the current folder where it lies inside. */
export function shortPath(path: string): string {
  const short = relative(process.cwd(), path);
  return short === '' || short.startsWith('..') || isAbsolute(short) ? path : short;
}

// --- internal ---

/** For a person to paste; nothing here is ever given to a shell by this program. */
function quoteForShell(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
