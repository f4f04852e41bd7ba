import { FanfoldError } from '../../errors.js';
import { parseTemplate } from './placeholders.js';
import { shellContext } from './shell-context.js';

/** A shell's line, with the values of its placeholders beside it. */
export interface ShellLine {
  /** The program: each placeholder is a reference to a positional parameter. */
  readonly program: string;
  /** Whose values the parameters `$1`, `$2`, … are. */
  readonly names: readonly string[];
}

/**
 * Makes a program of a shell's line. A value never becomes part of it: whatever it holds it is one word, or, where the
 * user has quotes around the placeholder, a part of the quoted text.
 * @throws FanfoldError for a placeholder in arithmetic or in a here-document, where quotes don't make a word
 */
export function parseShellLine(line: string): ShellLine {
  const names: string[] = [];
  const context = shellContext();
  let program = '';
  for (const piece of parseTemplate(line)) {
    const trap = context.trap();
    if (typeof piece !== 'string' && trap !== undefined) throw refusal(piece.name, trap);
    const text = typeof piece === 'string' ? piece : reference(names.push(piece.name), context.quote());
    context.read(text);
    program += text;
  }
  return { program, names };
}

// --- internal ---

function reference(position: number, quote: '' | '"' | "'"): string {
  const value = `\${${String(position)}}`;
  if (quote === '"') return value;
  return quote === "'" ? `'"${value}"'` : `"${value}"`;
}

function refusal(name: string, trap: string): FanfoldError {
  return new FanfoldError(
    'FANFOLD_USAGE',
    `Expected the placeholders of --shell where the shell reads words, got {${name}} inside ${trap}. Assign it first, as in: ${name}={${name}}; and use $${name} there.`,
  );
}
