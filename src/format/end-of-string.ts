/**
 * Where a string in double quotes ends that begins at `at`, a backslash standing before what is no end: the position after its
 * closing quote, or undefined where it has none. Not by a regular expression, which gives up on millions of characters.
 */
export function endOfString(text: string, at: number): number | undefined {
  for (let quote = text.indexOf('"', at + 1); quote >= 0; quote = text.indexOf('"', quote + 1)) {
    let slashes = 0;
    while (text[quote - 1 - slashes] === '\\') slashes++;
    if (slashes % 2 === 0) return quote + 1;
  }
  return undefined;
}
