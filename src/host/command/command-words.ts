import { shortened } from '../../format/shortened.js';
import { commandLine, quoteForShell } from '../../format/shell.js';
import type { CommandSpec } from '../../run/spec.js';
import { fillTemplate, namesIn, parseTemplate, type ValueOf } from './placeholders.js';
import { parseShellLine } from './shell-line.js';

/** The words of a command, to be filled with the values of one point after another. */
export interface CommandWords {
  /** The names of its placeholders. */
  readonly names: readonly string[];
  /** What is started: the program's absolute path and its arguments. */
  words(valueOf: ValueOf): string[];
  /** The same for a person, as it can be pasted into a shell. */
  line(valueOf: ValueOf): string;
}

/** @param program the absolute path of the program, or of the shell that runs the line */
export function commandWords({ command, shell }: CommandSpec, program: string): CommandWords {
  const [first = '', ...rest] = command;
  if (shell) return shellWords(first, program);
  const templates = rest.map(parseTemplate);
  // The program's own name holds no placeholder, but may hold the text of one.
  const name = fillTemplate(parseTemplate(first), () => '');
  const fill = (valueOf: ValueOf): string[] => templates.map((template) => fillTemplate(template, valueOf));
  return {
    names: templates.flatMap(namesIn),
    words: (valueOf) => [program, ...fill(valueOf)],
    line: (valueOf) => inOneLine([name, ...fill(valueOf)]),
  };
}

// --- internal ---

/** Of a longer word the middle is left out: it is for a person. */
const MOST_CHARACTERS = 1000;

/** What is said of a command in one line must not end at a line break in a value. */
function inOneLine(words: readonly string[]): string {
  return commandLine(words.map((word) => shortened(word, MOST_CHARACTERS)))
    .split('\n')
    .join(`'$'\\n''`);
}

function shellWords(line: string, shell: string): CommandWords {
  const { program, names } = parseShellLine(line);
  const template = parseTemplate(line);
  return {
    names,
    words: (valueOf) => [shell, '-c', program, shell, ...names.map(valueOf)],
    line: (valueOf) => fillTemplate(template, (name) => quoteForShell(valueOf(name))),
  };
}
