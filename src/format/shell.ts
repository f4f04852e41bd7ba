/** A word as it can be pasted into a POSIX shell; quoted only where it must be. */
export function quoteForShell(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A command line as it can be pasted into a POSIX shell. */
export function commandLine(words: readonly string[]): string {
  return words.map(quoteForShell).join(' ');
}
