/** An argument of a command, cut at its placeholders. */
export type Template = readonly (string | { readonly name: string })[];

/** The values of one point's placeholders. */
export type ValueOf = (name: string) => string;

/** What a placeholder can stand for beside the sweep's parameters. */
export const POINT_NAMES = ['index', 'task_index', 'seed', 'out'] as const;

/**
 * Finds the placeholders of an argument: `{T}` is one and `{{T}}` the text `{T}`; braces around anything that is no name,
 * as in awk and JSON, stay as they are. More braces pair off from the inside: `{{{T}}}` is the value in braces.
 */
export function parseTemplate(text: string): Template {
  const pieces: (string | { name: string })[] = [];
  let from = 0;
  for (const match of text.matchAll(/(?<!\{)(\{+)([\p{L}_][\p{L}\p{N}_]*)(\}+)/gu)) {
    const [whole, opening = '', name = '', closing = ''] = match;
    const pairs = Math.min(opening.length, closing.length);
    const literal = Math.floor(pairs / 2);
    const before = opening.slice(0, opening.length - pairs + literal);
    const after = closing.slice(0, closing.length - pairs + literal);
    const inside = pairs % 2 === 1 ? { name } : name;
    pieces.push(text.slice(from, match.index) + before, inside, after);
    from = match.index + whole.length;
  }
  pieces.push(text.slice(from));
  return pieces.filter((piece) => piece !== '');
}

/** The names of a template's placeholders. */
export function namesIn(template: Template): string[] {
  return template.flatMap((piece) => (typeof piece === 'string' ? [] : [piece.name]));
}

/** The text of an argument for one point. */
export function fillTemplate(template: Template, valueOf: ValueOf): string {
  return template.map((piece) => (typeof piece === 'string' ? piece : valueOf(piece.name))).join('');
}
