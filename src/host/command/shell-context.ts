/** Where in a shell's program the next character stands. */
export interface ShellContext {
  /** Goes on over a piece of the program. */
  read(text: string): void;
  /** The quotes that are open around it: those of a command substitution are its own. */
  quote(): '' | '"' | "'";
  /** What stands around it in which a word is no word, for a message; undefined where it is one. */
  trap(): string | undefined;
}

/** What has been opened and not closed. `p` is a parenthesis of a subshell or of arithmetic, `#` a comment. */
type Opened = '"' | "'" | '`' | '$(' | '$((' | '$[' | '((' | '${' | 'p' | '#';

interface HereDocument {
  readonly end: string;
  readonly isIndented: boolean;
}

const TRAPS: Partial<Record<Opened, string>> = {
  '$((': '$((…))',
  '((': '((…))',
  '$[': '$[…]',
  '${': '${…}',
};
/** The longest first. */
const OPENINGS = ['$((', '$(', '${', '$['] as const;
const HERE = /<<(?<dash>-?)[ \t]*(?:'(?<single>[^'\n]*)'|"(?<double>[^"\n]*)"|\\?(?<bare>[^\s;&|<>()'"`]+))/y;

/** At the beginning of a program. */
export function shellContext(): ShellContext {
  const opened: Opened[] = [];
  /** Here-documents whose text begins after this line. */
  let announced: HereDocument[] = [];
  /** Those whose text is being read, and what was read of a line of it. */
  let documents: HereDocument[] = [];
  let line = '';
  let last = '\n';

  const readDocument = (character: string): void => {
    if (character !== '\n') {
      line += character;
      return;
    }
    const [document] = documents;
    if ((document?.isIndented === true ? line.replace(/^\t+/, '') : line) === document?.end)
      documents = documents.slice(1);
    line = '';
  };

  /** Gives how many characters it took. */
  const step = (text: string, at: number): number => {
    const character = text.charAt(at);
    const top = opened.at(-1);
    if (documents.length > 0) {
      readDocument(character);
      return 1;
    }
    if (top === "'" || top === '#') {
      if (character === (top === '#' ? '\n' : "'")) opened.pop();
      // The newline also ends the line before a here-document.
      return top === '#' && character === '\n' ? 0 : 1;
    }
    if (character === '\\') return 2;
    const opening = OPENINGS.find((found) => text.startsWith(found, at));
    if (opening !== undefined) {
      opened.push(opening);
      return opening.length;
    }
    if (character === '"' || character === '`') {
      if (top === character) opened.pop();
      else opened.push(character);
      return 1;
    }
    return top === '"' ? 1 : stepOutside(text, at);
  };

  const stepOutside = (text: string, at: number): number => {
    const character = text.charAt(at);
    const top = opened.at(-1);
    const isArithmetic = top === '$((' || top === '((';
    if (isArithmetic && text.startsWith('))', at)) {
      opened.pop();
      return 2;
    }
    switch (character) {
      case "'":
        opened.push("'");
        return 1;
      case '(':
        opened.push(!isArithmetic && text.startsWith('((', at) ? '((' : 'p');
        return opened.at(-1) === '((' ? 2 : 1;
      case ')':
        if (top === 'p' || top === '$(') opened.pop();
        return 1;
      case '}':
      case ']':
        if (top === (character === '}' ? '${' : '$[')) opened.pop();
        return 1;
      case '#':
        if (top !== '${' && /[\s;&|(]/.test(last)) opened.push('#');
        return 1;
      case '\n':
        documents = announced;
        announced = [];
        return 1;
      case '<':
        return isArithmetic ? 1 : announce(text, at);
    }
    return 1;
  };

  const announce = (text: string, at: number): number => {
    if (text.startsWith('<<<', at)) return 3;
    HERE.lastIndex = at;
    const groups = HERE.exec(text)?.groups;
    if (groups === undefined) return 1;
    const end = groups['single'] ?? groups['double'] ?? groups['bare'] ?? '';
    announced.push({ end, isIndented: groups['dash'] !== '' });
    return HERE.lastIndex - at;
  };

  return {
    read: (text) => {
      for (let at = 0, taken = 0; at < text.length; at += taken) {
        taken = step(text, at);
        if (taken > 0) last = text.charAt(at + taken - 1);
      }
    },
    quote: () => {
      const top = opened.at(-1);
      return top === '"' || top === "'" ? top : '';
    },
    trap: () =>
      documents.length > 0
        ? 'a here-document'
        : opened.map((found) => TRAPS[found]).find((found) => found !== undefined),
  };
}
