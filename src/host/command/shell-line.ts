import { parseTemplate } from './placeholders.js';

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
 */
export function parseShellLine(line: string): ShellLine {
  const names: string[] = [];
  let program = '';
  let quote: Quote = '';
  for (const piece of parseTemplate(line)) {
    if (typeof piece === 'string') {
      program += piece;
      quote = quoteAfter(piece, quote);
    } else {
      names.push(piece.name);
      program += reference(names.length, quote);
    }
  }
  return { program, names };
}

// --- internal ---

type Quote = '' | '"' | "'";

/** The quotes that are open behind a piece of a line. */
function quoteAfter(text: string, before: Quote): Quote {
  let quote = before;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '\\' && quote !== "'") at++;
    else if (quote === '' && (character === '"' || character === "'")) quote = character;
    else if (character === quote) quote = '';
  }
  return quote;
}

function reference(position: number, quote: Quote): string {
  const value = `\${${String(position)}}`;
  if (quote === '"') return value;
  return quote === "'" ? `'"${value}"'` : `"${value}"`;
}
